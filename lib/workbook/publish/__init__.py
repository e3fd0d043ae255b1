"""What leaves the house: the site, files for readers, packages, secrecy."""
