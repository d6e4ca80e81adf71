"""Activation patching: where in the model is the answer decided? (Vig et al. 2020; Meng et al. 2022; Heimersheim and
Nanda 2024, arXiv:2404.15255)

Two prompts of equal length differ in what decides ("... Anna ..." and "... Peter ..."). The model reads the corrupt one,
but at one layer and one token its stream is taken from the clean run. How much of the clean answer comes back?

    recovered = (patched - corrupt) / (clean - corrupt)      of log p(target) - log p(contrast)

1: this place carries all that the difference makes; 0: nothing. This is a cause in the model, where attribution and lens
are only seen. Places can share the work, so that they need not add up to 1.

Legend: B rows, T time, D width, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.audit.lens import streams
from groundup.core.errors import UsageError

SMALLEST = 1e-3  # nats between the prompts: below, there is no difference to recover; taste


@dataclass(frozen=True)
class Patched:
    """recovered_LT: layer 0 is the embedding, then behind every block. clean, corrupt: the two answers in nats."""

    recovered_LT: np.ndarray
    clean: float
    corrupt: float

    @property
    def strongest(self) -> tuple[int, int]:
        """(layer, token) that brings back most."""
        layer, token = np.unravel_index(int(self.recovered_LT.argmax()), self.recovered_LT.shape)
        return int(layer), int(token)


@torch.no_grad()
def patch(
    model: Any, clean_ids: Sequence[int], corrupt_ids: Sequence[int], target_id: int, contrast_id: int
) -> Patched:
    """Patch every layer and token, one at a time; the tokens of a layer share a batch.

    UsageError for prompts of different lengths, or prompts between which the answer hardly differs.
    """
    if len(clean_ids) != len(corrupt_ids):
        raise UsageError(
            f"The prompts have {len(clean_ids)} and {len(corrupt_ids)} tokens; patching needs as many in both.",
            repair="Exchange words of equal length in tokens.",
        )
    device = next(model.parameters()).device
    clean = streams(model, torch.tensor([list(clean_ids)], device=device))
    corrupt = streams(model, torch.tensor([list(corrupt_ids)], device=device))

    def answer(last_BTD: Tensor) -> Tensor:
        log_BV = model.logits(model.norm(last_BTD[:, -1:]))[:, 0].float().log_softmax(-1)
        return log_BV[:, target_id] - log_BV[:, contrast_id]

    best, worst = float(answer(clean[-1])[0]), float(answer(corrupt[-1])[0])
    if abs(best - worst) < SMALLEST:
        raise UsageError("The answer is the same after both prompts: there is nothing to bring back.")
    T = len(clean_ids)
    rows = torch.arange(T, device=device)
    recovered = []
    for layer in range(len(clean)):
        mixed_BTD = corrupt[layer].repeat(T, 1, 1)  # row t: token t is the clean one's
        mixed_BTD[rows, rows] = clean[layer][0]
        values_B = answer(_from_layer(model, mixed_BTD, layer))
        recovered.append(((values_B - worst) / (best - worst)).double().cpu().numpy())
    return Patched(np.stack(recovered), best, worst)


def _from_layer(model: Any, x_BTD: Tensor, layer: int) -> Tensor:
    """The stream behind the last block, when it is `x_BTD` behind block `layer` (0: embedded)."""
    rotary = model.rotary(0, x_BTD.shape[1], x_BTD)
    for block in model.blocks[layer:]:
        x_BTD = block(x_BTD, rotary, None, None)
    return x_BTD
