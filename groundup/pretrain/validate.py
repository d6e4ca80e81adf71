"""What pretraining looks at: bits per byte of the validation split, in all and by source.

Bits per byte = summed loss in nats / ln 2 / UTF-8 bytes of the text: the same yardstick for every tokenizer.
Documents are read one by one, each from its <|endoftext|>; one longer than the context is read in windows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from groundup.core.randomness import numpy_random
from groundup.train.objectives import IGNORE, token_losses


def choose_documents(shards: Any, *, num_tokens: int, seed: int) -> list[int]:
    """Whole documents, drawn by seed, that hold about `num_tokens`; at least one, and no empty ones."""
    sizes = np.diff(np.asarray(shards.borders))
    chosen: list[int] = []
    total = 0
    for document in numpy_random(seed, "validation documents").permutation(len(sizes)):
        if sizes[document] < 2:
            continue
        if chosen and total + sizes[document] > num_tokens:
            continue
        chosen.append(int(document))
        total += int(sizes[document])
        if total >= num_tokens * 0.98:
            break
    return sorted(chosen)


def document_losses(module: Any, documents: list[np.ndarray], *, batch_size: int = 32) -> list[np.ndarray]:
    """Loss in nats of every token but the first, for each document's tokens (start token included)."""
    context = module.config.context_length
    device = next(module.parameters()).device
    windows = [
        (number, start, ids[start : start + context + 1].astype(np.int64))
        for number, ids in enumerate(documents)
        for start in range(0, max(1, len(ids) - 1), context)
    ]
    windows.sort(key=lambda window: -len(window[2]))  # equal lengths together: little padding
    parts: dict[int, list[tuple[int, np.ndarray]]] = {}
    for first in range(0, len(windows), batch_size):
        batch = windows[first : first + batch_size]
        ids_BT = np.zeros((len(batch), len(batch[0][2]) - 1), dtype=np.int64)
        targets_BT = np.full_like(ids_BT, IGNORE)
        for b, (_, _, ids) in enumerate(batch):
            ids_BT[b, : len(ids) - 1], targets_BT[b, : len(ids) - 1] = ids[:-1], ids[1:]
        losses_BT = token_losses(module, torch.from_numpy(ids_BT).to(device), torch.from_numpy(targets_BT).to(device))
        for (number, start, ids), losses_T in zip(batch, losses_BT.cpu().numpy(), strict=True):
            parts.setdefault(number, []).append((start, losses_T[: len(ids) - 1]))
    return [
        np.concatenate([losses for _, losses in sorted(parts[number], key=_start)]) for number in range(len(documents))
    ]


def bits_per_byte(module: Any, shards: Any, documents: list[int]) -> dict[str, Any]:
    """{"bits_per_byte", "loss" (nats per token), "by_source": {source: bits per byte}} over `documents` of a split."""
    losses = document_losses(module, [shards[document] for document in documents])
    nats: dict[str, float] = {}
    num_bytes: dict[str, int] = {}
    for document, losses_T in zip(documents, losses, strict=True):
        source = shards.sources[document]
        nats[source] = nats.get(source, 0.0) + float(losses_T.sum(dtype=np.float64))
        num_bytes[source] = num_bytes.get(source, 0) + int(shards.document_bytes[document])
    by_source = {source: nats[source] / math.log(2) / max(1, num_bytes[source]) for source in sorted(nats)}
    return {
        "bits_per_byte": sum(nats.values()) / math.log(2) / max(1, sum(num_bytes.values())),
        "loss": sum(nats.values()) / sum(len(losses_T) for losses_T in losses),
        "by_source": by_source,
    }


def _start(part: tuple[int, Any]) -> int:
    return part[0]


def rows_of(values: Any) -> Iterator[float]:
    """Losses as short JSON numbers."""
    return (round(float(value), 4) for value in values)
