"""One place for randomness: a seed and the name of its use give a generator; nothing draws from a global one.

Two uses with different names never share a stream, so that adding a draw in one place moves nothing elsewhere.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np


def seed_for(seed: int, *use: str | int) -> int:
    """A 63-bit seed for one use: ``seed_for(1, "shuffle", epoch)``."""
    text = "/".join([str(seed), *map(str, use)])
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big") >> 1


def python_random(seed: int, *use: str | int) -> random.Random:
    """A standard-library generator for one use."""
    return random.Random(seed_for(seed, *use))


def numpy_random(seed: int, *use: str | int) -> np.random.Generator:
    """A NumPy generator (PCG64) for one use."""
    return np.random.Generator(np.random.PCG64(seed_for(seed, *use)))
