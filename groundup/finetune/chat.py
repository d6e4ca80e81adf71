"""Supervised chat: conversations, packed into rows, next-token loss on what the assistant says and nothing else.

The model learns to answer in the form of the chat template (Ouyang et al. 2022, step 1; loss on answers only as in
trl and nanochat). Rows hold several conversations; `documents_BT` keeps each from seeing its neighbours.

Legend: B rows of a batch, T inputs of a row, L = T + 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.core.randomness import python_random
from groundup.finetune.batches import Shuffled
from groundup.finetune.conversations import IGNORE, Conversation, Packed, pack
from groundup.finetune.data import Reading
from groundup.finetune.prompts import messages_of
from groundup.tokenizer.chat import render
from groundup.train.objectives import causal


class ChatBatches(Shuffled):
    """Batches of packed rows: ids_BT, targets_BT (IGNORE where nothing is learned), documents_BT, weights_BT.

    A stretch of n learned tokens (an answer, or a row of replayed text) weighs sqrt(n) in all, halfway between all tokens
    alike, where a one-word answer is drowned by summaries and replay, and all answers alike (docs/log.md, 2026-11-24).
    """

    def __init__(self, packed: Packed, batch_size: int, seed: int) -> None:
        self._packed = packed
        self._scale = packed.num_learned / max(1.0, float(weights_of(packed.learn_RL).sum()))
        super().__init__(packed.num_rows, batch_size, seed, self._weighted)

    def _weighted(self, rows: Sequence[int]) -> dict[str, Tensor]:
        weights_BL = weights_of(self._packed.learn_RL[rows]) * self._scale
        return {**batch_of(self._packed, rows), "weights_BT": torch.from_numpy(weights_BL[:, 1:])}


def weights_of(learn_RL: np.ndarray) -> np.ndarray:
    """1 / sqrt(n) for every token of a stretch of n learned ones, 0 elsewhere: float32 (R, L)."""
    num_rows, length = learn_RL.shape
    walled = np.zeros((num_rows, length + 1), dtype=np.int8)  # a wall behind every row: no stretch crosses it
    walled[:, :length] = learn_RL
    edges = np.diff(walled.ravel(), prepend=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    weights = np.zeros(walled.size, dtype=np.float32)
    sizes = ends - starts
    weights[walled.ravel() == 1] = np.repeat(1 / np.sqrt(sizes), sizes)
    return np.ascontiguousarray(weights.reshape(walled.shape)[:, :length])


def batch_of(packed: Packed, rows: Sequence[int]) -> dict[str, Tensor]:
    """Rows (B, L) -> inputs (B, T) and the tokens to their right, as the `causal` objective takes them."""
    ids_BL = packed.ids_RL[rows].astype(np.int64)
    targets_BT = np.where(packed.learn_RL[rows][:, 1:], ids_BL[:, 1:], IGNORE)
    documents_BT = packed.documents_RL[rows][:, :-1].astype(np.int64)
    return {
        "ids_BT": torch.from_numpy(np.ascontiguousarray(ids_BL[:, :-1])),
        "targets_BT": torch.from_numpy(targets_BT),
        "documents_BT": torch.from_numpy(documents_BT),
    }


def conversations(
    examples: Iterable[Example], tokenizer: Any, template: str | None = None
) -> Iterator[Conversation | None]:
    """Each example rendered by the chat template; None for one that holds no question or no answer."""
    for example in examples:
        try:
            messages = messages_of(example, template)
        except DataError:
            yield None
            continue
        rendered = render(tokenizer, messages, tools=example.meta.get("tools"))
        yield Conversation(rendered.ids, rendered.learn)


def mixture(readings: Sequence[Reading], weights: Mapping[str, float], seed: int) -> list[Example]:
    """The examples of all addresses in one random order; a weight of 2.5 shows each 2 times, and half of them again."""
    mixed: list[Example] = []
    for reading in readings:
        weight = weights.get(reading.address, 1.0)
        whole, rest = int(weight), weight - int(weight)
        mixed += reading.examples * whole
        extra = round(rest * len(reading.examples))
        mixed += python_random(seed, "mixture", reading.address).sample(reading.examples, extra)
    python_random(seed, "mixture").shuffle(mixed)
    return mixed


def pack_examples(
    examples: Iterable[Example],
    tokenizer: Any,
    size: int,
    *,
    template: str | None = None,
    max_rows: int | None = None,
    apart: bool = False,
) -> tuple[Packed, int]:
    """Packed rows of `size` tokens, and how many examples had no question or answer.

    max_rows: stop reading when so many rows are full (a run of few steps does not read all). apart: a row for each
    conversation (differential privacy), and all are read.
    """
    kept: list[Conversation] = []
    num_unusable = num_tokens = 0
    enough = math.inf if max_rows is None or apart else max_rows * size
    for conversation in conversations(examples, tokenizer, template):
        if conversation is None:
            num_unusable += 1
            continue
        kept.append(conversation)
        num_tokens += len(conversation.ids) if len(conversation.ids) <= size else 0
        if num_tokens >= enough:
            break
    return pack(kept, size, tokenizer.special.get("<|pad|>", 0), apart=apart), num_unusable


@torch.no_grad()
def answer_loss(module: Any, packed: Packed, batch_size: int = 16) -> float:
    """Mean loss in nats of a token that the assistant says; nan when there is none."""
    device = next(module.parameters()).device
    total, count = 0.0, 0
    for start in range(0, packed.num_rows, batch_size):
        rows = list(range(start, min(start + batch_size, packed.num_rows)))
        loss = causal(module, {name: tensor.to(device) for name, tensor in batch_of(packed, rows).items()})
        total, count = total + float(loss.loss), count + loss.count
    return total / count if count else math.nan


def shown(example: Example, tokenizer: Any, template: str | None = None) -> dict[str, Any]:
    """An example as the model sees it: pieces of text with whether they are learned, for people to check."""
    rendered = render(tokenizer, messages_of(example, template), tools=example.meta.get("tools"))
    pieces: list[dict[str, Any]] = []
    start = 0
    for place in range(1, len(rendered.ids) + 1):
        if place == len(rendered.ids) or rendered.learn[place] != rendered.learn[start]:
            text = tokenizer.decode(rendered.ids[start:place], skip_special=False)
            pieces.append({"text": text, "learned": rendered.learn[start]})
            start = place
    return {"task": example.task, "source": example.source, "tokens": len(rendered.ids), "pieces": pieces}
