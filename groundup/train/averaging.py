"""An average of the weights over the last steps, kept beside them: smoother than any one of them, for one copy's memory.

    a <- a + (1 - d_t) (w - a),   d_t = min(d, (1 + t) / (10 + t))

d_t: the average follows quickly at first (the warm-up of TensorFlow's ExponentialMovingAverage). Polyak and Juditsky
1992; for Transformers, Izmailov et al. 2018 and many recipes since. It pays where the rate does not fall to zero.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


class Average:
    """The average of `parameters` (name -> parameter)."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = dict(parameters), decay
        self.means = {name: parameter.detach().clone() for name, parameter in parameters.items()}

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """One step on; step: 1 after the first."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.means.values()), [p.detach() for p in self.parameters.values()], weight)

    @torch.no_grad()
    def swap(self) -> None:
        """The average becomes the weights, the weights rest here."""
        for name, parameter in self.parameters.items():
            kept = parameter.detach().clone()
            parameter.copy_(self.means[name])
            self.means[name].copy_(kept)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Look at the average, then train on with the weights."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def state(self) -> dict[str, Tensor]:
        """NAME:mean for every parameter."""
        return {f"{name}:mean": mean for name, mean in self.means.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up `state` again."""
        for name, mean in self.means.items():
            mean.copy_(state[f"{name}:mean"])
