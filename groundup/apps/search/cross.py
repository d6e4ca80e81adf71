"""A cross-encoder: one small BERT reads query and passage together and says how well they fit (Nogueira and Cho 2019).

    <|cls|> query <|sep|> passage <|sep|>   ->   mean of the last states -> one number

It sees which word of the passage answers which word of the query, which two vectors made apart cannot; so it is asked
about the first few passages only. `learning` trains one from MiniLM or an encoder of ours. Left out: windows over long
passages (ours are 120 words) and distillation from a larger judge.

Legend: B rows, T time, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundup.core.errors import ArtifactError

ROW_TOKENS = 192  # query and passage: 120 words of English are about 150 word pieces
QUERY_SHARE = 4  # at most a fourth of the row is the query: 48 word pieces; Cranfield's longest has 44
BATCH_TOKENS = 8192  # of one forward pass; taste


class CrossEncoder:
    """An opened cross-encoder: ``score(query, texts)``."""

    def __init__(self, folder: Path) -> None:
        """ArtifactError for a folder that holds none."""
        from groundup.finetune.heads import open_head
        from groundup.model.bundle import load

        bundle = load(folder)
        if bundle.tokenizer is None or bundle.config.family != "bert":
            raise ArtifactError(
                f"{folder} is no cross-encoder.", repair="Train one: python -m groundup.apps.search.learning"
            )
        self.tokenizer: Any = bundle.tokenizer
        self.headed, _ = open_head(bundle, "reward")
        self.limit = min(ROW_TOKENS, bundle.config.context_length)

    def score(self, query: str, texts: Sequence[str]) -> np.ndarray:
        """(N,) float64, higher is better; only differences within one query mean anything."""
        import torch

        pairs = [pair_of(self.tokenizer, query, text, self.limit) for text in texts]
        order = sorted(range(len(pairs)), key=lambda place: len(pairs[place][0]))
        found = np.zeros(len(pairs))
        size = max(1, BATCH_TOKENS // ROW_TOKENS)
        with torch.inference_mode():
            for first in range(0, len(order), size):
                places = order[first : first + size]
                found[places] = scores_of(self.headed, batch_of([pairs[place] for place in places])).double().numpy()
        return found


def pair_of(tokenizer: Any, query: str, text: str, limit: int) -> tuple[list[int], int]:
    """The row of a query and a passage, at most `limit` tokens, and where the passage begins in it."""
    cls, sep = tokenizer.special["<|cls|>"], tokenizer.special["<|sep|>"]
    asked = tokenizer.encode(query)[: limit // QUERY_SHARE]
    said = tokenizer.encode(text)[: limit - len(asked) - 3]
    return [cls, *asked, sep, *said, sep], len(asked) + 2


def batch_of(pairs: Sequence[tuple[list[int], int]]) -> dict[str, Any]:
    """ids_BT, real_BT (False where filled up), segments_BT (1 over the passage)."""
    import torch

    length = max(len(ids) for ids, _ in pairs)
    ids_BT = torch.zeros(len(pairs), length, dtype=torch.int64)
    real_BT = torch.zeros(len(pairs), length, dtype=torch.bool)
    segments_BT = torch.zeros(len(pairs), length, dtype=torch.int64)
    for row, (ids, second) in enumerate(pairs):
        ids_BT[row, : len(ids)] = torch.tensor(ids)
        real_BT[row, : len(ids)] = True
        segments_BT[row, second : len(ids)] = 1
    return {"ids_BT": ids_BT, "real_BT": real_BT, "segments_BT": segments_BT}


def scores_of(headed: Any, batch: dict[str, Any]) -> Any:
    """(B,) of a batch, by the head on the mean state: what MiniLM was trained to make meaningful, not its first place."""
    from groundup.finetune.framing import averaged, hidden_states

    hidden_BTD = hidden_states(headed.model, batch["ids_BT"], batch["real_BT"], batch["segments_BT"])
    return headed.head(averaged(hidden_BTD, batch["real_BT"]))[:, 0].float()
