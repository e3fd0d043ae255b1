"""Drawings of indices, of ranks and of pilot units."""
