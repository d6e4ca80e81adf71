"""AdamW (Loshchilov and Hutter 2019) through PyTorch's fused kernel: one pass over memory per parameter.

m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w -= rate (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + e) + decay w)
"""

from __future__ import annotations

import torch
from torch import Tensor

from groundup.train.optim import Group

EPSILON = 1e-8  # Kingma and Ba 2015


class AdamW:
    """See the module. Groups keep their own peak rate and decay."""

    def __init__(self, groups: list[Group], *, betas: tuple[float, float]) -> None:
        self.groups = groups
        rows = [
            {"params": list(group.parameters.values()), "lr": group.learning_rate, "weight_decay": group.weight_decay}
            for group in groups
        ]
        self.torch = torch.optim.AdamW(rows, betas=betas, eps=EPSILON, fused=True)

    def step(self, share: float) -> None:
        """One update at `share` of the peak rates."""
        for row, group in zip(self.torch.param_groups, self.groups, strict=True):
            row["lr"] = group.learning_rate * share
        self.torch.step()

    def state(self) -> dict[str, Tensor]:
        """NAME:exp_avg, NAME:exp_avg_sq, NAME:step for every parameter that was moved."""
        return {
            f"{name}:{key}": tensor
            for group in self.groups
            for name, parameter in group.parameters.items()
            for key, tensor in self.torch.state.get(parameter, {}).items()
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up `state` again."""
        self.torch.state.clear()
        for group in self.groups:
            for name, parameter in group.parameters.items():
                keys = [key for key in ("step", "exp_avg", "exp_avg_sq") if f"{name}:{key}" in state]
                if keys:
                    # The step counter lives where the parameter lives: the fused kernel wants it there.
                    self.torch.state[parameter] = {
                        key: state[f"{name}:{key}"].to(parameter.device).clone() for key in keys
                    }
