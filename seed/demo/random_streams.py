"""Named random streams: each part of the generator draws from its own, so none disturbs another."""

import hashlib

import numpy as np

DEFAULT_SEED = 2024


def random_stream(*names: str | int, seed: int = DEFAULT_SEED) -> np.random.Generator:
    """The generator of that name; the same names and seed give the same numbers for ever."""
    key = "/".join(str(name) for name in (seed, *names))
    digest = hashlib.sha256(key.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
