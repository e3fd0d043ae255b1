"""Staggered adoption: what two-way fixed effects weighs, and averages that stand side by side."""
