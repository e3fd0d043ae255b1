"""Difference and system GMM for dynamic panels; see `estimators.engines.gmm.estimate`."""

from estimators.engines.gmm.estimate import dynamic_panel
from estimators.engines.gmm.result import Gmm, Test

__all__ = ["Gmm", "Test", "dynamic_panel"]
