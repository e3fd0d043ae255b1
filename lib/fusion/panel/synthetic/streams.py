"""Independent random streams by purpose, so that switching one mode leaves all other draws alone."""

from __future__ import annotations

import zlib

import numpy as np


class Streams:
    """Random generators of one seed, one for each purpose.

    A stream depends on the seed and its purpose only, not on the order or number of other streams.
    """

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)

    def __call__(self, purpose: str) -> np.random.Generator:
        """The generator of `purpose`, from its beginning."""
        key = zlib.crc32(purpose.encode())
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(key,)))
