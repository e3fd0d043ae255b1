"""Composite indices and coupling coordination: pure functions on arrays and tables, each with its source."""
