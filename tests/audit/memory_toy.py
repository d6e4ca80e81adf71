"""A model that has learned its training rows by heart, pair by pair of tokens, beside the shards of a run."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from groundup.audit.base import Look
from groundup.audit.options import AuditOptions
from groundup.evaluate.subject import Subject
from groundup.tokenizer.shards import ShardWriter
from tests.evaluate.bigram_engine import Scored

WORDS = 300
TOKENIZER = SimpleNamespace(
    vocabulary_size=WORDS,
    special={"<|endoftext|>": 0},
    decode=lambda ids: " ".join(map(str, ids)),
    bytes_per_token=np.full(WORDS, 4),
)


class Pairs(nn.Module):
    """p(next | token) by the counts of the rows it read, times `sharp` in the exponent, plus a little for all."""

    def __init__(self, rows: list[list[int]], *, sharp: float = 1.0) -> None:
        super().__init__()
        counts_VV = torch.full((WORDS, WORDS), 0.01)
        for row in rows:
            for before, after in itertools.pairwise(row):
                counts_VV[before, after] += 1
        self.table_VV = nn.Parameter(sharp * counts_VV.log())
        self.config = SimpleNamespace(context_length=128, family="gpt")

    def forward(self, ids_BT: torch.Tensor, cache: Any = None) -> torch.Tensor:
        return ids_BT

    def logits(self, hidden_BT: torch.Tensor) -> torch.Tensor:
        return self.table_VV[hidden_BT]

    def num_parameters(self) -> int:
        return self.table_VV.numel()


def score(model: Pairs, context: list[int], ending: list[int]) -> Scored:
    """The engine's question, answered from the table."""
    log_TV = model.table_VV.detach()[[context[-1], *ending[:-1]]].log_softmax(-1)
    logs = log_TV.gather(1, torch.tensor(ending)[:, None])[:, 0].tolist()
    greedy = log_TV.argmax(-1).tolist() == ending
    return Scored(sum(logs), len(ending), 4 * len(ending), greedy, logs)


def rows(count: int, length: int, seed: int) -> list[list[int]]:
    """Rows of random tokens, the border first."""
    random = np.random.default_rng(seed)
    return [[0, *random.integers(1, WORDS, length).tolist()] for _ in range(count)]


def look_at(folder: Path, model: Pairs, splits: dict[str, list[list[int]]], **options: Any) -> Look:
    """A look at the model, with these rows as the run's tokens."""
    with ShardWriter(folder / "tokens", vocabulary_size=WORDS, start_id=0) as writer:
        for split in ("train", "validation", "test"):
            for number, row in enumerate(splits.get(split, rows(1, 20, 9))):
                writer.add(split, row[1:], num_bytes=4 * len(row), id=f"{split}{number}")
    engine = SimpleNamespace(model=model, score=lambda pairs: [score(model, *pair) for pair in pairs])
    return Look(Subject(engine, TOKENIZER, 128), {"tokenizer": folder}, AuditOptions(**options), 1)
