"""Muon (Jordan 2024): momentum, then the nearest orthogonal matrix, so that every direction moves by the same amount.

    m = b m + (1 - b) g;  u = (1 - b) g + b m  (Nesterov);  O = polar(u);  w -= rate sqrt(max(1, rows / cols)) O + rate decay w

polar(u) = U V^T of the singular value decomposition is approximated by five odd polynomials whose coefficients are
the minimax-optimal ones of Polar Express (Amsel et al. 2025). Matrices of one shape are stacked and done at once.
Left out of nanochat's version: per-row variance (NorMuon), cautious decay, momentum warm-up.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from groundup.train.optim import Group, Held

# Amsel et al. 2025, for singular values from 1e-3 to 1, five steps, with their safety factor of 1.02.
POLAR_EXPRESS = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)


def polar(matrices_NRC: Tensor) -> Tensor:
    """U V^T of each matrix, to about 1 in 10 on the singular values (Muon needs no more)."""
    # bf16 is enough on a GPU (Jordan 2024); CPUs without AMX are slower in it.
    x = matrices_NRC.bfloat16() if matrices_NRC.device.type == "cuda" else matrices_NRC
    tall = x.shape[-2] > x.shape[-1]
    if tall:  # work on the smaller Gram matrix
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.02 + 1e-6)
    for a, b, c in POLAR_EXPRESS:
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices_NRC.dtype)


class Muon:
    """See the module. For 2-D parameters only."""

    def __init__(self, groups: list[Group], *, momentum: float, held: Held | None = None) -> None:
        """held: where the matrices are; None: all here."""
        self.momentum, self.held = momentum, held
        # (rate, decay, names, parameters) of equal shape
        self.stacks: list[tuple[float, float, list[str], list[nn.Parameter]]] = []
        self.buffers: dict[str, Tensor] = {}
        for group in groups:
            shapes: dict[torch.Size, list[str]] = {}
            for name, parameter in group.parameters.items():
                shapes.setdefault(held.shape(name) if held is not None else parameter.shape, []).append(name)
                self.buffers[name] = torch.zeros_like(parameter)
            for names in shapes.values():
                parameters = [group.parameters[name] for name in names]
                self.stacks.append((group.learning_rate, group.weight_decay, names, parameters))

    @torch.no_grad()
    def step(self, share: float) -> None:
        """One update at `share` of the peak rates."""
        for peak, decay, names, parameters in self.stacks:
            moved = [i for i, parameter in enumerate(parameters) if parameter.grad is not None]
            if not moved:
                continue
            grads = [grad for grad in (parameters[i].grad for i in moved) if grad is not None]
            buffers = [self.buffers[names[i]] for i in moved]
            torch._foreach_lerp_(buffers, grads, 1 - self.momentum)
            steps = list(torch._foreach_lerp(grads, buffers, self.momentum))
            if self.held is not None:  # a direction belongs to a whole matrix: every process makes it from all rows
                steps = [self.held.whole(names[i], step) for i, step in zip(moved, steps, strict=True)]
            updates = list(polar(torch.stack(steps)).unbind())
            rows, cols = updates[0].shape
            if self.held is not None:
                updates = [self.held.part(names[i], update) for i, update in zip(moved, updates, strict=True)]
            rate = peak * share
            weights: list[Tensor] = [parameters[i] for i in moved]
            torch._foreach_mul_(weights, 1 - rate * decay)
            torch._foreach_add_(weights, updates, alpha=-rate * max(1.0, rows / cols) ** 0.5)

    def state(self) -> dict[str, Tensor]:
        """NAME:momentum for every matrix."""
        return {f"{name}:momentum": buffer for name, buffer in self.buffers.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up `state` again."""
        for name, buffer in self.buffers.items():
            buffer.copy_(state[f"{name}:momentum"])
