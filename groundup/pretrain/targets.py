"""What the two objectives of encoder-decoders share: pairs of source and target as batches, looks and samples.

A target starts with <|pad|> (as T5's do) and ends with <|end|>. B batch, S source time, T target time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.model.beam import greedy
from groundup.pretrain.lesson import special_id
from groundup.train.objectives import IGNORE

Pair = tuple[np.ndarray, np.ndarray]  # source ids, target ids (both without start and end)
LOOK_BATCH = 16  # pairs at once in validation
SHOWN = 3  # samples


def batch_of(pairs: list[Pair], tokenizer: Any) -> dict[str, Tensor]:
    """{"source_BS", "ids_BT", "targets_BT"} and, where sources differ in length, "source_real_BS"."""
    pad, end = special_id(tokenizer, "<|pad|>"), special_id(tokenizer, "<|end|>")
    source_BS = np.full((len(pairs), max(len(source) for source, _ in pairs)), pad, dtype=np.int64)
    ids_BT = np.full((len(pairs), max(len(target) for _, target in pairs) + 1), pad, dtype=np.int64)
    targets_BT = np.full(ids_BT.shape, IGNORE, dtype=np.int64)
    real_BS = np.zeros(source_BS.shape, dtype=bool)
    for b, (source, target) in enumerate(pairs):
        source_BS[b, : len(source)], real_BS[b, : len(source)] = source, True
        ids_BT[b, 1 : len(target) + 1], targets_BT[b, : len(target)] = target, target
        targets_BT[b, len(target)] = end
    arrays = {"source_BS": source_BS, "ids_BT": ids_BT, "targets_BT": targets_BT}
    if not real_BS.all():
        arrays["source_real_BS"] = real_BS
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@torch.no_grad()
def look(module: Any, batches: list[dict[str, Tensor]]) -> dict[str, float]:
    """{"target_loss" (nats a target token, without smoothing), "target_accuracy" (next token given the right ones)}."""
    device = next(module.parameters()).device
    loss, right, count = 0.0, 0, 0
    for batch in batches:
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        hidden_BTD = module(batch["ids_BT"], source_BS=batch["source_BS"], source_real_BS=batch.get("source_real_BS"))
        at_BT = batch["targets_BT"] != IGNORE
        logits_NV, targets_N = module.logits(hidden_BTD[at_BT]).float(), batch["targets_BT"][at_BT]
        loss += float(F.cross_entropy(logits_NV, targets_N, reduction="sum"))
        right += int((logits_NV.argmax(-1) == targets_N).sum())
        count += len(targets_N)
    return {"target_loss": loss / max(1, count), "target_accuracy": right / max(1, count)}


def write(module: Any, tokenizer: Any, pairs: list[Pair], limit: int) -> list[dict[str, Any]]:
    """What the model writes for the first pairs, greedily: {"prompt": source, "text": written, "target": wanted}."""
    device = next(module.parameters()).device
    shown = pairs[:SHOWN]
    batch = {name: tensor.to(device) for name, tensor in batch_of(shown, tokenizer).items()}
    ids = {"start_id": special_id(tokenizer, "<|pad|>"), "end_id": special_id(tokenizer, "<|end|>")}
    longest = min(limit, 2 + max(len(target) for _, target in shown))
    real_BS = batch.get("source_real_BS")
    written = greedy(module, batch["source_BS"], limit=longest, source_real_BS=real_BS, **ids)
    texts = lambda ids: tokenizer.decode(ids, skip_special=False)  # noqa: E731
    return [
        {"prompt": texts(source.tolist()), "text": texts(made.ids), "target": texts(target.tolist())}
        for (source, target), made in zip(shown, written, strict=True)
    ]
