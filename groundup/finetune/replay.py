"""Replay: rows of the text the model was pretrained on, shown between the conversations, so that it is not forgotten.

A model tuned on answers alone soon writes nothing else; some plain text in every batch keeps its language (Ouyang et al.
2022 mix pretraining gradients into tuning, "PPO-ptx"; McCloskey & Cohen 1989 describe the forgetting). What it costs and
keeps is measured in docs/log.md. Rows are windows of the training split; every token of them is learned.

Legend: R rows, L tokens a row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from groundup.core.randomness import numpy_random
from groundup.finetune.conversations import Packed
from groundup.tokenizer.shards import TokenShards


def has_text(tokenizer_folder: Path | None) -> bool:
    """Whether a run's tokenizer stage left text to show again."""
    return tokenizer_folder is not None and (tokenizer_folder / "tokens" / "train.bin").is_file()


def with_replay(packed: Packed, tokenizer_folder: Path, share: float, seed: int) -> Packed:
    """`packed` and so many rows of plain text that they are `share` of all rows; the conversations stay as they are.

    Fewer when the training text is shorter than that; none when it is shorter than one row.
    """
    shards = TokenShards.open(tokenizer_folder / "tokens", "train")
    size = packed.ids_RL.shape[1]
    num_windows = len(shards.tokens) // size
    wanted = min(num_windows, round(packed.num_rows * share / (1 - share)))
    if wanted == 0:
        return packed
    windows = np.sort(numpy_random(seed, "replay").choice(num_windows, size=wanted, replace=False))
    ids_RL = np.stack([np.asarray(shards.tokens[w * size : (w + 1) * size]) for w in windows]).astype(np.int32)
    places_RL = windows[:, None] * size + np.arange(size)[None, :]
    documents_RL = np.searchsorted(shards.borders, places_RL, side="right")
    documents_RL -= documents_RL[:, :1]  # numbered from 0 in each row
    return Packed(
        np.concatenate([packed.ids_RL, ids_RL]),
        np.concatenate([packed.learn_RL, np.ones_like(ids_RL, dtype=bool)]),
        np.concatenate([packed.documents_RL, documents_RL.astype(np.int16)]),
        packed.num_conversations,
        packed.num_too_long,
    )
