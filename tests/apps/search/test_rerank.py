"""A cross-encoder learns which passage answers, is found again in its folder, and orders the first passages anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundup.apps.search.app import Search
from groundup.apps.search.cross import CrossEncoder, batch_of, pair_of
from groundup.apps.search.learning import Group, best_weight, groups_of, titles, train_cross, without_title
from groundup.apps.search.options import SearchOptions
from groundup.apps.search.rerank import joined
from groundup.core.document import Document
from groundup.core.errors import ArtifactError
from groundup.model import build, bundle
from groundup.model.options import ModelOptions
from groundup.model.presets import resolve
from groundup.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained BERT of two layers that reads bytes."""
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = Tokenizer.train(["tiny"], kind="bytes")
    shape = ModelOptions(family="bert", depth=2, width=32, num_heads=2, context_length=64)
    bundle.save(folder, build(resolve(shape, tokenizer.vocabulary_size), seed=1), tokenizer)
    return folder


@pytest.fixture(scope="module")
def trained(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder for a small world in which the passage that says "good" is the right one."""
    folder = tmp_path_factory.mktemp("cross")
    groups = [Group(f"item {n}", f"item {n} good", tuple(f"item {n} bad {m}" for m in range(3))) for n in range(64)]
    train_cross(groups, start, folder, steps=40)
    return folder


def test_it_learns_and_the_folder_scores_as_it_learned(trained: Path) -> None:
    cross = CrossEncoder(trained)
    scores = cross.score("item 99", ["item 99 bad 1", "item 99 good", "item 99 bad 2"])
    assert scores.argmax() == 1
    assert np.allclose(cross.score("item 99", ["item 99 good"]), scores[1], atol=1e-5)  # alone as in company


def test_search_orders_the_first_passages_by_it(trained: Path) -> None:
    options = SearchOptions(rerank=str(trained))
    documents = [Document(text=f"item seven {word}", source="s", path=word) for word in ("bad", "good", "worse")]
    plain, search = Search(), Search(options=options)
    plain.add_documents(documents)
    search.add_documents(documents)
    assert search.search("item seven")[0].citation.path == "good"
    assert {hit.citation.path for hit in search.search("item seven")} == {"bad", "good", "worse"}
    assert search.search("nothing like it") == []


def test_fewer_layers_are_the_first_ones(start: Path, tmp_path: Path) -> None:
    train_cross([Group("a", "b", ("c", "d", "e"))] * 8, start, tmp_path, steps=1, layers=1)
    assert bundle.load_config(tmp_path).depth == 1


def test_a_folder_without_a_cross_encoder_is_told(start: Path) -> None:
    with pytest.raises(ArtifactError, match="reward"):
        CrossEncoder(start)


def test_a_row_is_query_then_passage_and_never_too_long() -> None:
    tokenizer = Tokenizer.train(["tiny"], kind="bytes")
    ids, second = pair_of(tokenizer, "q" * 100, "p" * 100, 64)
    assert len(ids) == 64 and second == 18 and ids[second - 1] == ids[-1] == tokenizer.special["<|sep|>"]
    batch = batch_of([(ids, second), (ids[:20], second)])
    assert batch["real_BT"].sum(1).tolist() == [64, 20] and batch["segments_BT"][0].sum() == 64 - 18


def test_both_scores_count_over_their_own_range() -> None:
    assert joined(np.array([30.0, 10.0]), np.array([-1.0, 1.0]), 0.5).tolist() == [1.0, 0.5]
    assert joined(np.array([3.0, 3.0]), np.array([0.0, 2.0]), 1.0).tolist() == [1.0, 2.0]  # no range: all equal


def book(what: str) -> Document:
    title = f"Boiling {what} well"
    return Document(text=f"{title}. One heats the {what} slowly.", source="s", path=what, meta={"title": title})


BOOKS = [book(what) for what in ("eggs", "rice", "beans", "milk", "oats", "corn")]


def test_titles_ask_for_their_own_text_and_the_others_are_wrong() -> None:
    bare = [without_title(one) for one in BOOKS]
    assert bare[0].text == "One heats the eggs slowly."
    groups = groups_of(bare, titles(BOOKS))
    assert groups == []  # only the right one is found by the one word of the title that is left: nothing to learn from
    asked = [(f"heats slowly {one.path}", one.path) for one in BOOKS]
    groups = groups_of(bare, asked)
    assert len(groups) == 6 and all(path in one.right for one, (_, path) in zip(groups, asked, strict=True))
    assert all(len(set(one.wrong)) == 3 and one.right not in one.wrong for one in groups)


def test_the_weight_is_nothing_where_the_cross_encoder_does_not_help(trained: Path) -> None:
    asked = [(f"heats slowly {one.path}", one.path) for one in BOOKS]
    found = best_weight([without_title(one) for one in BOOKS], asked, CrossEncoder(trained))
    assert found["weight"] == 0.0 and found["reciprocal_rank"] == found["without"] == 1.0
