"""The exact within estimator; called as ``fusion.effects.within.feols``."""
