"""Drawings of estimates."""
