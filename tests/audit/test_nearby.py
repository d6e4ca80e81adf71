"""Neighbours and the map are those of the embeddings, and the map says how much it leaves out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from groundup.audit.nearby import NEIGHBOURS, nearby, plane

WORDS = ["<|endoftext|>", " red", " blue", " green", " one", " two", " three", " "]
TOKENIZER = SimpleNamespace(
    vocabulary_size=len(WORDS), special={WORDS[0]: 0}, token_bytes=lambda token: WORDS[token].encode()
)


def model(rows: list[list[float]]) -> SimpleNamespace:
    embedding = nn.Embedding(len(rows), len(rows[0]))
    embedding.weight.data = torch.tensor(rows)
    return SimpleNamespace(embedding=nn.Sequential(embedding))


COLOURS, NUMBERS = [5.0, 0.0, 0.0], [0.0, 5.0, 0.0]
ROWS = [[9.0, 9.0, 9.0], *([x + 0.1 * k for x in COLOURS] for k in range(3)), *([x - 0.1 * k for x in NUMBERS] for k in range(3)),
        [0.0, 0.0, 5.0]]  # fmt: skip


def test_what_points_the_same_way_is_near_and_special_tokens_are_not_shown() -> None:
    found = nearby(model(ROWS), TOKENIZER, [0, 1, 1, 4, 7])
    assert found is not None
    asked = [point for point in found.points if point.asked]
    assert [point.text for point in asked] == [" red", " one"]  # once each; no border, no blank
    assert {text for text, _ in asked[0].near[:2]} == {" blue", " green"}
    assert {text for text, _ in asked[1].near[:2]} == {" two", " three"}
    assert all(len(point.near) == NEIGHBOURS for point in asked)
    assert "<|endoftext|>" not in {text for point in found.points for text, _ in point.near}
    place = {point.text: np.array([point.x, point.y]) for point in found.points}
    assert np.linalg.norm(place[" red"] - place[" blue"]) < np.linalg.norm(place[" red"] - place[" one"])


def test_the_plane_is_that_of_sklearn_and_a_flat_cloud_is_shown_whole() -> None:
    from sklearn.decomposition import PCA

    rows = np.random.default_rng(1).normal(size=(40, 6)) * [5, 3, 1, 1, 1, 1]
    place, share = plane(rows)
    reference = PCA(2).fit(rows)
    assert share == pytest.approx(reference.explained_variance_ratio_.sum())
    theirs = reference.transform(rows)
    for axis in range(2):
        assert abs(np.corrcoef(place[:, axis], theirs[:, axis])[0, 1]) == pytest.approx(1)
    assert place.min() == 0 and place.max() == 1
    flat = rows * [1, 1, 0, 0, 0, 0]
    assert plane(flat)[1] == pytest.approx(1)


def test_too_few_tokens_make_no_map() -> None:
    assert nearby(model(ROWS), TOKENIZER, [0, 7]) is None
