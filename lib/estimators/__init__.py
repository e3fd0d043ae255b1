"""Estimators of effects and production: what estimates, which designs, how far to trust it, how it is drawn."""
