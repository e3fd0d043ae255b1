"""Sums as linear systems: which cells add up to which, the attacker, and what stops him."""
