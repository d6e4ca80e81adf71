"""Attribution: which tokens of the prompt made the model say what it said?

The explained number is f(x), the log-probability of a target after the prompt, as a function of the prompt's token
embeddings x; with a contrast it is log p(target) - log p(contrast): why this and not that (Yin and Neubig 2022,
arXiv:2202.10419). Every method gives one number a prompt token, above 0 where the token speaks for the target.

    gradient_x_input       x . df/dx (Shrikumar et al. 2016, arXiv:1605.01713)
    integrated_gradients   (x - x') . mean of df/dx on the straight way from x' to x (Sundararajan et al. 2017,
                           arXiv:1703.01365); the sum must be f(x) - f(x'): the residual is told as a self-check
    occlusion              f(x) - f(x with the token's embedding replaced by x')

The baseline x' is the mean embedding of the vocabulary, at each token. Not zero: a model that norms its input sees the
same thing at every scale, so that on the way from zero all change would happen within the first step. Tokens of the
frame (the border, chat markers) keep their embeddings everywhere and get 0: nobody asks about them.

Legend: B rows, T prompt tokens, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.audit.through import Reader, reader_for

STEPS = 64  # points of the integral at first (captum's default is 50); doubled while more than RESIDUAL is missing
MOST_STEPS = 512  # taste: 16 passes of ROWS rows. Where a token's way passes near zero, 64 points missed up to 3 %
RESIDUAL = 0.01
ROWS = 32  # rows of one forward pass; taste


@dataclass(frozen=True)
class Attribution:
    """One method's answer. scores_T: (T,) one a prompt token. value, baseline: f(x) and f(x').

    residual: |sum of scores - (f(x) - f(x'))| / |f(x) - f(x')|, for integrated gradients; None elsewhere.
    """

    method: str
    scores_T: np.ndarray
    value: float
    baseline: float
    residual: float | None = None


class Explained:
    """f(x) for one prompt, target and contrast, ready to be asked at other embeddings than the prompt's own.

    model: any family, or a classifier's `finetune.heads.Headed`. movable: which tokens may be blamed; the others are
    frame. read: how the answer's log-probability follows from the embedded prompt (see `through`); None: the answer's
    tokens follow the prompt's.
    """

    def __init__(
        self,
        model: Any,
        prompt_ids: Sequence[int],
        target_ids: Sequence[int],
        contrast_ids: Sequence[int] | None = None,
        *,
        movable: Sequence[bool] | None = None,
        read: Reader | None = None,
    ) -> None:
        if not prompt_ids or not target_ids:
            raise ValueError("an explanation needs a prompt and a target of at least one token each")
        self.read = read or reader_for(model, {})
        model = getattr(model, "model", model)  # a classifier's own model
        self.model = model
        self.prompt_ids, self.target_ids = list(prompt_ids), list(target_ids)
        self.contrast_ids = list(contrast_ids) if contrast_ids else None
        self.device = next(model.parameters()).device
        table_VD = model.embedding.tokens.weight.detach()
        self.x_TD = table_VD[torch.tensor(self.prompt_ids, device=self.device)]
        flags = [True] * len(self.prompt_ids) if movable is None else list(movable)
        self.movable_T = torch.tensor(flags, device=self.device)
        # Frame tokens are the same in the baseline, so that nothing is attributed to them.
        self.baseline_TD = torch.where(self.movable_T[:, None], table_VD.mean(dim=0), self.x_TD)

    def value(self, x_BTD: Tensor) -> Tensor:
        """f, (B,): differentiable in x_BTD, whose T may differ from the prompt's (tokens taken out)."""
        value_B = self.read(x_BTD, self.target_ids)
        return value_B if self.contrast_ids is None else value_B - self.read(x_BTD, self.contrast_ids)

    def probability(self, x_BTD: Tensor) -> Tensor:
        """(B,) in [0, 1]: p(target), or with a contrast its share p(target) / (p(target) + p(contrast))."""
        value_B = self.value(x_BTD)
        return value_B.exp() if self.contrast_ids is None else value_B.sigmoid()

    def gradient(self, x_BTD: Tensor) -> Tensor:
        """df/dx, (B, T, D)."""
        x_BTD = x_BTD.detach().requires_grad_(True)
        with torch.enable_grad():
            (gradient_BTD,) = torch.autograd.grad(self.value(x_BTD).sum(), x_BTD)
        return gradient_BTD

    def both_values(self) -> tuple[float, float]:
        """f at the prompt and at the baseline."""
        with torch.no_grad():
            value_B = self.value(torch.stack([self.x_TD, self.baseline_TD]))
        return float(value_B[0]), float(value_B[1])


def gradient_x_input(explained: Explained) -> Attribution:
    """One backward pass. Cheap, and blind where the model is flat around the prompt."""
    gradient_TD = explained.gradient(explained.x_TD[None])[0]
    scores_T = (gradient_TD * explained.x_TD).sum(-1) * explained.movable_T
    return Attribution("gradient_x_input", _numbers(scores_T), *explained.both_values())


def integrated_gradients(explained: Explained, *, steps: int = STEPS, most: int = MOST_STEPS) -> Attribution:
    """Gauss-Legendre quadrature, which needs far fewer points than equal steps; see STEPS for how many."""
    value, baseline = explained.both_values()
    while True:
        scores_T = _integral(explained, steps)
        change = value - baseline
        residual = abs(float(scores_T.double().sum()) - change) / max(abs(change), 1e-9)
        if residual <= RESIDUAL or 2 * steps > most:
            return Attribution("integrated_gradients", _numbers(scores_T), value, baseline, residual)
        steps *= 2


def _integral(explained: Explained, steps: int) -> Tensor:
    """(T,) (x - x') . mean gradient on the way, by `steps` points."""
    places, weights = np.polynomial.legendre.leggauss(steps)
    way_TD = explained.x_TD - explained.baseline_TD
    mean_TD = torch.zeros_like(way_TD)
    for start in range(0, steps, ROWS):
        alpha_B = _tensor((places[start : start + ROWS] + 1) / 2, way_TD)
        weight_B = _tensor(weights[start : start + ROWS] / 2, way_TD)
        x_BTD = explained.baseline_TD + alpha_B[:, None, None] * way_TD
        mean_TD += (explained.gradient(x_BTD) * weight_B[:, None, None]).sum(0)
    return (mean_TD * way_TD).sum(-1)


@torch.no_grad()
def occlusion(explained: Explained) -> Attribution:
    """One row a token: what is lost when it is blanked."""
    value, baseline = explained.both_values()
    scores_T = torch.zeros(len(explained.prompt_ids), device=explained.device)
    places = explained.movable_T.nonzero()[:, 0]
    for chunk in places.split(ROWS):
        x_BTD = explained.x_TD.repeat(len(chunk), 1, 1)
        rows = torch.arange(len(chunk), device=explained.device)
        x_BTD[rows, chunk] = explained.baseline_TD[chunk]
        scores_T[chunk] = value - explained.value(x_BTD)
    return Attribution("occlusion", _numbers(scores_T), value, baseline)


METHODS: dict[str, Callable[[Explained], Attribution]] = {
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
    "gradient_x_input": gradient_x_input,
}


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def _numbers(scores_T: Tensor) -> np.ndarray:
    found: np.ndarray = scores_T.detach().double().cpu().numpy()
    return found
