"""What stops a study before its first notebook, each fault in words."""
