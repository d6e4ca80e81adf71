"""A tiny GPT that has learned one rule: the last token tells which of two key words stood somewhere in the line."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from groundup.core.randomness import seed_for
from groundup.model.families import build
from groundup.model.presets import from_depth

WORDS = 24  # token ids 0 to 23; every other one is filler
KEYS = {20: 22, 21: 23}  # key word -> the answer it decides
LENGTH = 10
MARK = 19  # "now answer": the last token of every line


def lines(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(ids (B, T), answers (B,), place of the key word (B,))."""
    generator = torch.Generator().manual_seed(seed_for(seed, "rule") % 2**31)
    ids_BT = torch.randint(0, 19, (count, LENGTH), generator=generator)
    place_B = torch.randint(0, LENGTH - 1, (count,), generator=generator)
    key_B = torch.randint(20, 22, (count,), generator=generator)
    ids_BT[torch.arange(count), place_B] = key_B
    ids_BT[:, -1] = MARK
    return ids_BT, key_B + 2, place_B


def train(steps: int = 200) -> Any:
    """The model, right on (nearly) all lines after some seconds."""
    model = build(from_depth(2, WORDS, width=32, num_heads=2, context_length=32), seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(steps):
        ids_BT, answer_B, _ = lines(64, step)
        loss = F.cross_entropy(model.logits(model(ids_BT)[:, -1]), answer_B)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def accuracy(model: Any) -> float:
    ids_BT, answer_B, _ = lines(200, 10_000)
    with torch.no_grad():
        return float((model.logits(model(ids_BT)[:, -1]).argmax(-1) == answer_B).float().mean())
