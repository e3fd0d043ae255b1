"""Passes over the rows: where they come from, how effects are coded, what is summed."""
