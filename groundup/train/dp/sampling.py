"""Poisson sampling: at every step each row takes part or not by a coin of its own. The promise of DP-SGD rests on it.

Coins and noise come from a secret that is drawn when a run begins and kept only in its checkpoints: whoever knew it could
take the noise off again. So a private run is the one kind that a seed does not repeat; resumed, it goes on exactly.
NumPy's and PyTorch's generators are no cryptographic ones, and noise in floating point has known gaps (Mironov 2012):
the promise holds against people who see the model, not against one who breaks the generator.
"""

from __future__ import annotations

import secrets
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from groundup.core.randomness import numpy_random, seed_for


class Rows(Protocol):
    """Batches whose rows can be asked for by number: what privacy needs of them."""

    @property
    def num_rows(self) -> int: ...

    def rows(self, numbers: list[int]) -> dict[str, Tensor]: ...


def new_secret() -> int:
    """From the operating system's generator."""
    return secrets.randbits(62)


def drawn(secret: int, step: int, num_rows: int, share: float) -> list[int]:
    """The rows of a step: each with the chance `share`, independently."""
    coins_R = numpy_random(secret, "coins", step).random(num_rows)
    return [int(number) for number in np.flatnonzero(coins_R < share)]


def noise_like(tensor: Tensor, secret: int, step: int, name: str) -> Tensor:
    """Standard normal numbers of the tensor's shape, drawn on the CPU, so that devices agree."""
    generator = torch.Generator().manual_seed(seed_for(secret, "noise", step, name))
    return torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype).to(tensor.device)
