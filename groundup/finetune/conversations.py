"""Conversations -> rows of a fixed number of tokens: several in a row, none ever cut, with the mask of what is learned.

Best-fit decreasing (Ding et al. 2024, "Fewer truncations improve language modeling"; the same as in trl): the longest
first, each into the fullest row that still has room. A conversation longer than a row is left out and counted.

Legend: R rows, L tokens a row (the model's context length + 1: inputs and, one to the right, targets).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

IGNORE = -100  # the target of a place that is not learned: PyTorch's ignore_index


@dataclass(frozen=True)
class Conversation:
    """One rendered conversation; learn[i]: the model learns to write ids[i]."""

    ids: list[int]
    learn: list[bool]


@dataclass(frozen=True)
class Packed:
    """Rows ready to train on. documents: number of each token's conversation in its row, -1 for padding."""

    ids_RL: np.ndarray  # int32
    learn_RL: np.ndarray  # bool
    documents_RL: np.ndarray  # int16
    num_conversations: int
    num_too_long: int

    @property
    def num_rows(self) -> int:
        """Rows."""
        return int(self.ids_RL.shape[0])

    @property
    def num_learned(self) -> int:
        """Tokens the loss counts in one pass."""
        return int(self.learn_RL.sum())

    @property
    def filled(self) -> float:
        """Share of the places that hold a token of a conversation."""
        return float((self.documents_RL >= 0).mean()) if self.documents_RL.size else 0.0


def best_fit(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Which items share a row of `size`: lists of indexes, each item in one row, none longer than `size` given."""
    rows: list[list[int]] = []
    open_rows: list[tuple[int, int]] = []  # (room left, row), sorted: the fullest row that fits is the first >= length
    for item in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        place = bisect.bisect_left(open_rows, (lengths[item], -1))
        if place == len(open_rows):
            rows.append([item])
            bisect.insort(open_rows, (size - lengths[item], len(rows) - 1))
        else:
            room, row = open_rows.pop(place)
            rows[row].append(item)
            bisect.insort(open_rows, (room - lengths[item], row))
    return rows


def pack(conversations: Iterable[Conversation], size: int, pad_id: int, *, apart: bool = False) -> Packed:
    """Rows of `size` tokens. The first token of a conversation is never learned: nothing of its own precedes it.

    apart: a row for each conversation, since differential privacy protects rows.
    """
    fitting: list[Conversation] = []
    num_too_long = 0
    for conversation in conversations:
        if len(conversation.ids) > size:
            num_too_long += 1
        else:
            fitting.append(conversation)
    sizes = [len(conversation.ids) for conversation in fitting]
    rows = [[member] for member in range(len(fitting))] if apart else best_fit(sizes, size)
    ids_RL = np.full((len(rows), size), pad_id, dtype=np.int32)
    learn_RL = np.zeros((len(rows), size), dtype=bool)
    documents_RL = np.full((len(rows), size), -1, dtype=np.int16)
    for row, members in enumerate(rows):
        start = 0
        for number, member in enumerate(members):
            conversation = fitting[member]
            end = start + len(conversation.ids)
            ids_RL[row, start:end] = conversation.ids
            learn_RL[row, start:end] = conversation.learn
            learn_RL[row, start] = False
            documents_RL[row, start:end] = number
            start = end
    return Packed(ids_RL, learn_RL, documents_RL, len(fitting), num_too_long)
