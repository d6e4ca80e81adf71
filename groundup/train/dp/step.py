"""One private step: draw rows, clip each row's gradient, add noise, divide by the expected number of rows.

    g = (sum_b min(1, C / |g_b|) g_b + sigma C z) / (q N),   z ~ N(0, 1),   each row with the chance q

The divisor is the expected batch, not the drawn one: how many rows were drawn is private too. With sigma 0, C infinite
and q 1 this is the plain step. What a run tells (epsilon) is about the weights; losses in its log are exact ones of
training rows: keep the log to yourself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from groundup.core.errors import DataError, RecipeError
from groundup.train.dp.accountant import epsilon, noise_for
from groundup.train.dp.ghost import Ghost
from groundup.train.dp.sampling import drawn, noise_like
from groundup.train.objectives import Objective, causal
from groundup.train.options import OptimizerOptions

Where = Callable[[], AbstractContextManager[Any]]


class Private:
    """The private step of one training."""

    def __init__(
        self, module: nn.Module, objective: Objective, options: OptimizerOptions, batches: Any, steps: int
    ) -> None:
        """Raises RecipeError where the rows cannot be drawn one by one, DataError where there are too few."""
        assert options.dp is not None
        if not hasattr(batches, "num_rows") or not hasattr(batches, "rows"):
            raise RecipeError(
                "Differential privacy draws single rows, which this objective's batches do not offer.",
                repair='It is there for pretrain.objective = "causal" and for finetune; leave out dp elsewhere.',
            )
        self.module, self.objective, self.batches, self.steps = module, objective, batches, steps
        self.clip, self.microbatch = options.dp.clip, options.batch_size
        self.expected = options.batch_size * options.accumulate
        self.num_rows: int = batches.num_rows
        if self.num_rows < self.expected:
            raise DataError(
                f"Private batches of about {self.expected} rows need more than the {self.num_rows} there are.",
                repair="Lower batch_size or accumulate, or collect more.",
            )
        self.share = self.expected / self.num_rows
        self.delta = options.dp.delta or 0.1 / self.num_rows
        if options.dp.noise is not None:
            self.noise = options.dp.noise
        else:
            assert options.dp.epsilon is not None
            self.noise = noise_for(options.dp.epsilon, share=self.share, steps=steps, delta=self.delta)
        ghost = Ghost(module) if objective is causal else None
        self.ghost = ghost if ghost is not None and ghost.fits() else None
        self.parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}

    def gradients(self, secret: int, step: int, device: torch.device, where: Where) -> tuple[float, int, float]:
        """Put the step's gradient into .grad. where: the context to compute in (autocast).

        Returns (mean loss of the rows, how many tokens counted, share of rows that were clipped).
        """
        numbers = drawn(secret, step, self.num_rows, self.share)
        loss, count, clipped = 0.0, 0, 0
        for first in range(0, len(numbers), self.microbatch):
            batch = self.batches.rows(numbers[first : first + self.microbatch])
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            with where():
                add = self._ghostly if self.ghost is not None else self._row_by_row
                losses, counted, cut = add(batch)
            loss, count, clipped = loss + losses, count + counted, clipped + cut
        for name, parameter in self.parameters.items():
            if parameter.grad is None:  # nobody was drawn, or nobody used it: the noise comes all the same
                parameter.grad = torch.zeros_like(parameter)
            if self.noise:
                parameter.grad.add_(noise_like(parameter, secret, step, name), alpha=self.noise * self.clip)
            parameter.grad.div_(self.expected)
        drawn_rows = max(1, len(numbers))
        return loss / drawn_rows, count, clipped / drawn_rows

    def told(self, steps: int) -> dict[str, Any]:
        """What `steps` steps cost, with all that the promise rests on."""
        spent = epsilon(noise=self.noise, share=self.share, steps=steps, delta=self.delta)
        return {
            "epsilon": spent if math.isfinite(spent) else None,  # None: nothing is promised
            "delta": self.delta,
            "noise": self.noise,
            "clip": self.clip if math.isfinite(self.clip) else None,
            "sampling": "poisson",
            "share": self.share,
            "rows": self.num_rows,
            "steps": steps,
            "protected": "one row, added or removed",
            "accountant": "exact (composed privacy loss distributions)",
            "norms": "ghost" if self.ghost is not None else "row by row",
        }

    def _ghostly(self, batch: Mapping[str, Tensor]) -> tuple[float, int, int]:
        assert self.ghost is not None
        seen = self.ghost.look(batch)
        factors_B = clip_factors(seen.squares_B.clamp_min(0).sqrt(), self.clip)
        if not factors_B.all():  # zero times infinity is no number: such rows are left out one by one
            return self._row_by_row(batch)
        self.ghost.add_gradients(seen, factors_B)
        return float(seen.losses_B.sum()), seen.count, int((factors_B < 1).sum())

    def _row_by_row(self, batch: Mapping[str, Tensor]) -> tuple[float, int, int]:
        """The slow, obvious twin: right for every module and objective."""
        loss, count, clipped = 0.0, 0, 0
        held = {name: parameter.grad for name, parameter in self.parameters.items()}
        for b in range(len(next(tensor for tensor in batch.values() if tensor.dim()))):
            for parameter in self.parameters.values():
                parameter.grad = None
            made = self.objective(self.module, {k: t[b : b + 1] if t.dim() else t for k, t in batch.items()})
            if made.count:
                (made.loss / made.count).backward()
            loss, count = loss + float(made.loss.detach()) / max(1, made.count), count + made.count
            grads = {name: p.grad for name, p in self.parameters.items() if p.grad is not None}
            norm = math.sqrt(sum(float(grad.float().square().sum()) for grad in grads.values()))
            factor = float(clip_factors(torch.tensor(norm), self.clip))
            clipped += factor < 1
            for name, grad in grads.items():
                if factor:
                    total = held[name]
                    held[name] = grad * factor if total is None else total.add_(grad, alpha=factor)
        for name, parameter in self.parameters.items():
            parameter.grad = held[name]
        return loss, count, clipped


def clip_factors(norms: Tensor, clip: float) -> Tensor:
    """min(1, C / |g|); a row whose gradient is not finite takes no part (0)."""
    factors = (clip / norms.clamp_min(1e-12)).clamp_max(1.0)
    return torch.where(torch.isfinite(norms), factors, torch.zeros_like(factors))
