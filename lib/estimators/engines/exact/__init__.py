"""The exact within estimator; called as ``estimators.engines.within.feols``."""
