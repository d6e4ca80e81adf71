"""What lies near each token of a prompt among the embeddings, and a map of it in two dimensions.

Neighbours are the tokens whose embeddings point the same way (cosine, the vocabulary's mean taken away, since all embeddings
lean to one side: Mu and Viswanath 2018). The map is the plane of the two largest principal components of the tokens shown;
`shown` says how much of their spread it holds. The rest is lost: what lies together here may be far apart.

Legend: V vocabulary, D width, N tokens on the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

NEIGHBOURS = 4  # of each token; taste
MOST = 12  # tokens of the prompt on the map; taste: labels still readable


@dataclass(frozen=True)
class Point:
    """A token on the map: x and y in 0 to 1, whether it stands in the prompt, and its neighbours (text, cosine)."""

    text: str
    x: float
    y: float
    asked: bool
    near: list[tuple[str, float]]


@dataclass(frozen=True)
class Map:
    """Points, and the share of their spread that two dimensions show."""

    points: list[Point]
    shown: float


def nearby(model: Any, tokenizer: Any, ids: Sequence[int]) -> Map | None:
    """The map of a prompt's tokens and their neighbours. None where fewer than three tokens would stand on it."""
    body = getattr(model, "model", model)  # a classifier's own model
    table = next((one for one in body.embedding.modules() if isinstance(one, nn.Embedding)), None)
    if table is None:
        return None
    special = set(tokenizer.special.values())
    table_VD = table.weight.detach().float().cpu().numpy()[: tokenizer.vocabulary_size]
    table_VD = table_VD - table_VD.mean(axis=0)
    unit_VD = table_VD / np.maximum(np.linalg.norm(table_VD, axis=1, keepdims=True), 1e-12)
    asked = [one for one in dict.fromkeys(ids) if one not in special and _text(tokenizer, one).strip()][:MOST]
    hidden = [one for one in special if one < len(unit_VD)]
    near: dict[int, list[tuple[int, float]]] = {}
    for one in asked:
        cosine_V = unit_VD @ unit_VD[one]
        cosine_V[[*hidden, one]] = -2
        near[one] = [
            (int(other), float(cosine_V[other])) for other in np.argsort(-cosine_V, kind="stable")[:NEIGHBOURS]
        ]
    shown = list(dict.fromkeys([*asked, *(other for pairs in near.values() for other, _ in pairs)]))
    if len(shown) < 3:
        return None
    place_N2, share = plane(unit_VD[shown])
    points = [
        Point(
            _text(tokenizer, one),
            float(x),
            float(y),
            one in near,
            [(_text(tokenizer, other), cosine) for other, cosine in near.get(one, [])],
        )
        for one, (x, y) in zip(shown, place_N2, strict=True)
    ]
    return Map(points, share)


def plane(rows_ND: np.ndarray) -> tuple[np.ndarray, float]:
    """(N, 2) the rows on their two largest principal components, each stretched to 0 to 1, and the share of the variance
    that these hold. Signs are fixed: the largest weight of each component is positive."""
    centred_ND = rows_ND - rows_ND.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred_ND, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    place_N2 = centred_ND @ axes.T
    low, high = place_N2.min(axis=0), place_N2.max(axis=0)
    total = float((sizes**2).sum())
    share = float((sizes[:2] ** 2).sum()) / total if total > 0 else 1.0
    return (place_N2 - low) / np.maximum(high - low, 1e-12), share


def _text(tokenizer: Any, token: int) -> str:
    return str(tokenizer.token_bytes(token).decode("utf-8", "replace"))
