"""Sentence vectors that tell texts apart: a text and its own partner lie close, the partners of others far.

The contrastive loss InfoNCE (van den Oord et al. 2018) with the other pairs of the batch as negatives, both ways, as
SimCSE (Gao et al. 2021) and Sentence-BERT's multiple negatives ranking do; a pair may bring one hard negative of its
own. Large batches are better: every row is a negative of every other.

    loss = - log( exp(cos(anchor, own) / temperature) / sum over all exp(cos(anchor, each) / temperature) )

A vector is the mean of the last hidden states over the text's tokens, at length one; a gpt's text begins with
<|endoftext|>, so that `generate.embed` gives the same vectors. Pairs known to be unlike (task "apart") are negatives.

Legend: N texts, P pairs, B rows, T time, D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.core.errors import ArtifactError
from groundup.core.example import Example
from groundup.finetune.framing import averaged, edges, filled, hidden_states
from groundup.model import bundle as bundles
from groundup.tokenizer.special import END_OF_TEXT, PAD
from groundup.train.objectives import Loss

TEMPERATURE = 0.05  # Gao et al. 2021
BATCH_TOKENS = 8192  # tokens of one forward pass without gradients; taste


@dataclass(frozen=True)
class Trio:
    """Ids of a text, of its partner, and of a text that is not its partner ([]: none of its own)."""

    anchor: list[int]
    positive: list[int]
    negative: list[int]


def row_of(tokenizer: Any, config: Any, text: str) -> list[int]:
    """A text as the model reads it for its vector, cut at the context."""
    head, tail = edges(tokenizer, config.family)
    if config.family in ("gpt", "custom", "speedrun"):
        head = [tokenizer.special[END_OF_TEXT]] if END_OF_TEXT in tokenizer.special else []
    ids = tokenizer.encode(text)[: config.context_length - len(head) - len(tail)]
    return [*head, *ids, *tail] or [tokenizer.special.get(PAD, 0)]


def trio_of(tokenizer: Any, config: Any, example: Example) -> Trio:
    """The rows of one example; a question alone is its own anchor."""
    negative = str(example.choices[0]) if example.task == "embed" and example.choices else ""
    anchor = example.text if example.task == "embed" or not example.question else example.question
    return Trio(
        row_of(tokenizer, config, anchor),
        row_of(tokenizer, config, example.target),
        row_of(tokenizer, config, negative) if negative else [],
    )


def batch_of(trios: Sequence[Trio], places: Sequence[int], pad_id: int) -> dict[str, Tensor]:
    """ids_BT and real_BT: all anchors, then all partners, then the hard negatives there are; num_P as a tensor."""
    some = [trios[place] for place in places]
    rows = (
        [one.anchor for one in some] + [one.positive for one in some] + [one.negative for one in some if one.negative]
    )
    ids_BT, real_BT = filled(rows, pad_id)
    return {"ids_BT": ids_BT, "real_BT": real_BT, "num_P": torch.tensor(len(some))}


def vectors_of(module: Any, ids_BT: Tensor, real_BT: Tensor) -> Tensor:
    """(B, D) at length one."""
    return F.normalize(averaged(hidden_states(module, ids_BT, real_BT).float(), real_BT), dim=-1)


def contrastive(module: Any, batch: Mapping[str, Tensor]) -> Loss:
    """The objective; count is the number of pairs. Two pairs with the same partner are not held against each other."""
    num_pairs = int(batch["num_P"])
    vectors_BD = vectors_of(module, batch["ids_BT"], batch["real_BT"])
    anchor_PD, others_ND = vectors_BD[:num_pairs], vectors_BD[num_pairs:]
    likeness_PN = anchor_PD @ others_ND.T / TEMPERATURE
    same_PP = _same(batch["ids_BT"][num_pairs : 2 * num_pairs])
    own_P = torch.arange(num_pairs, device=likeness_PN.device)
    doubled_PP = same_PP & ~torch.eye(num_pairs, dtype=torch.bool, device=same_PP.device)
    hidden_PN = F.pad(doubled_PP, (0, likeness_PN.shape[1] - num_pairs))
    there = F.cross_entropy(likeness_PN.masked_fill(hidden_PN, -torch.inf), own_P, reduction="sum")
    back_PP = likeness_PN[:, :num_pairs].T
    doubled_back_PP = _same(batch["ids_BT"][:num_pairs]).to(back_PP.device)
    doubled_back_PP = doubled_back_PP & ~torch.eye(num_pairs, dtype=torch.bool, device=back_PP.device)
    back = F.cross_entropy(back_PP.masked_fill(doubled_back_PP, -torch.inf), own_P, reduction="sum")
    right = float((likeness_PN.detach().argmax(1) == own_P).float().mean())
    return Loss((there + back) / 2, num_pairs, {"matched": right})


def _same(ids_PT: Tensor) -> Tensor:
    """(P, P): whether two rows hold the same text."""
    return (ids_PT[:, None, :] == ids_PT[None, :, :]).all(-1)


@torch.no_grad()
def embed_rows(module: Any, rows: Sequence[Sequence[int]], pad_id: int) -> np.ndarray:
    """(N, D) float32: the vectors of rows, those of like length together."""
    device = next(module.parameters()).device
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    found = np.zeros((len(rows), module.config.width), dtype=np.float32)
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * len(rows[order[end]]) <= BATCH_TOKENS:
            end += 1
        ids_BT, real_BT = filled([rows[place] for place in order[start:end]], pad_id)
        found[order[start:end]] = vectors_of(module, ids_BT.to(device), real_BT.to(device)).cpu().numpy()
        start = end
    return found


def look(module: Any, trios: Sequence[Trio], pad_id: int) -> dict[str, float]:
    """Held-out pairs: how often a text's own partner is the nearest of all partners (recall at 1), and the mean
    reciprocal rank. Chance is one in as many as there are."""
    anchor_PD = embed_rows(module, [one.anchor for one in trios], pad_id)
    partner_PD = embed_rows(module, [one.positive for one in trios], pad_id)
    likeness_PP = anchor_PD @ partner_PD.T
    own_P1 = np.diag(likeness_PP)[:, None]
    rank_P = 1 + (likeness_PP > own_P1 + 1e-6).sum(1)
    return {"recall_at_1": float((rank_P == 1).mean()), "reciprocal_rank": float((1 / rank_P).mean())}


class Embedder:
    """Sentence vectors of any model folder: `Embedder.load(folder).embed(texts)`."""

    def __init__(self, bundle: bundles.Bundle) -> None:
        if bundle.tokenizer is None:
            raise ArtifactError(f"{bundle.folder} holds no tokenizer, so no text can be read.")
        self._bundle = bundle

    @classmethod
    def load(cls, folder: Path | str, device: str = "auto") -> Embedder:
        """Open a model folder; tuned with method "embed" its vectors are good, else a start."""
        return cls(bundles.load(Path(folder), device=device))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(N, D) float32, each of length one: the cosine of two texts is their dot product."""
        bundle = self._bundle
        rows = [row_of(bundle.tokenizer, bundle.config, text) for text in texts]
        return embed_rows(bundle.model, rows, bundle.tokenizer.special.get(PAD, 0))
