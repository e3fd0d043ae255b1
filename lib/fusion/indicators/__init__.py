"""Firm indicators, composite indices, coupling."""
