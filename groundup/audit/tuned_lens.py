"""Tuned lens: a logit lens that first learns each layer's language (Belrose et al. 2023, arXiv:2303.08112).

Every layer but the last gets an affine map x + x W + b of its stream, trained so that what the output matrix then reads
is near the last layer's words (least KL). It begins as the logit lens (W = 0) and ends nearer: what a layer knows, in
the words of the last one. The last layer needs no map and its distance is 0.

Legend: B rows, T time, D width, V vocabulary, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from groundup.audit.lens import streams
from groundup.core.randomness import seed_for

STEPS = 200  # seconds for small models; the authors take 250 of far larger batches
ROWS = 8  # rows of one step
LENGTH = 128  # tokens of a row
RATE = 1e-2  # of Adam, falling linearly to 0; taste, tried 1e-3 (half the gain) and 3e-2 (no better)


class TunedLens(nn.Module):
    """The maps of all layers. `lens(layer, stream)` is what `logit_lens` takes as `translate`."""

    def __init__(self, num_layers: int, width: int) -> None:
        """num_layers: streams, the embedding's and every block's; the last has no map."""
        super().__init__()
        self.weight_LDD = nn.Parameter(torch.zeros(num_layers - 1, width, width))
        self.bias_LD = nn.Parameter(torch.zeros(num_layers - 1, width))

    def forward(self, layer: int, stream: Tensor) -> Tensor:
        """The stream (..., D) of a layer in the last layer's language."""
        if layer == len(self.bias_LD):
            return stream
        return stream + stream @ self.weight_LDD[layer] + self.bias_LD[layer]


def train_lens(model: Any, rows: Sequence[Sequence[int]], *, steps: int = STEPS, seed: int = 1) -> TunedLens:
    """Learn the maps on token rows (training text; at least one). The model itself stays as it is."""
    if not rows:
        raise ValueError("a lens is trained on at least one row of tokens")
    device = next(model.parameters()).device
    lens = TunedLens(len(model.blocks) + 1, model.config.width).to(device)
    optimizer = torch.optim.Adam(lens.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(seed_for(seed, "tuned lens") % 2**31)
    length = min(LENGTH, model.config.context_length)
    stream = torch.tensor([token for row in rows for token in row])
    stream = stream.repeat(-(-(length + 1) // len(stream))) if len(stream) <= length else stream
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        starts = torch.randint(len(stream) - length, (ROWS,), generator=generator)
        ids_BT = torch.stack([stream[start : start + length] for start in starts]).to(device)
        with torch.no_grad():
            found = streams(model, ids_BT)
        loss = distances(model, found, lens).sum()
        optimizer.zero_grad()
        loss.backward(inputs=list(lens.parameters()))
        optimizer.step()
    return lens.requires_grad_(False)


def distances(model: Any, found: Sequence[Tensor], lens: TunedLens | None) -> Tensor:
    """(L,) mean KL in nats of each layer's words from the last one's, through a lens or (None) as they are."""
    last_BTV = model.logits(model.norm(found[-1])).float().log_softmax(-1).detach()
    far = []
    for layer, stream_BTD in enumerate(found):
        read_BTD = stream_BTD if lens is None else lens(layer, stream_BTD)
        log_BTV = model.logits(model.norm(read_BTD)).float().log_softmax(-1)
        far.append((last_BTV.exp() * (last_BTV - log_BTV)).sum(-1).mean())
    return torch.stack(far)
