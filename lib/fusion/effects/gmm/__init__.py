"""Difference and system GMM for dynamic panels; see `fusion.effects.gmm.estimate`."""

from fusion.effects.gmm.estimate import dynamic_panel
from fusion.effects.gmm.result import Gmm, Test

__all__ = ["Gmm", "Test", "dynamic_panel"]
