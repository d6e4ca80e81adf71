"""Several models, several seeds, a picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from groundup.core.score import Score, write_scores
from groundup.evaluate.base import Item, Outcome
from groundup.evaluate.compare import NO_EVIDENCE, compare
from groundup.evaluate.forest import forest
from groundup.evaluate.seeds import two_levels
from groundup.evaluate.stage import write_items
from groundup.evaluate.whole_set import MACRO_F1


def outcomes(marks: list[float]) -> list[Outcome]:
    return [Outcome(Item(str(n), "", "g"), "", "", {"accuracy": mark}) for n, mark in enumerate(marks)]


def run_of(folder: Path, name: str, marks: list[float]) -> Path:
    place = folder / name
    place.mkdir()
    value = sum(marks) / len(marks)
    write_scores(place / "scores.json", [Score("small_talk", "accuracy", value, 0, 1, len(marks), protocol="0-shot")])
    write_items(place / "items" / "small_talk.jsonl.zst", outcomes(marks))
    return place


def marks_of(seed: int, share: float, count: int = 60) -> list[float]:
    return [float(one) for one in np.random.default_rng(seed).random(count) < share]


def test_each_other_model_is_compared_with_the_first(tmp_path: Path) -> None:
    a, b, c = (
        run_of(tmp_path, name, [float(n < right) for n in range(40)])
        for name, right in zip("abc", (10, 11, 40), strict=True)
    )
    found = compare(a, b, c)
    assert [one.other for one in found] == ["B", "C"]
    assert found[0].verdict == NO_EVIDENCE and found[1].verdict == "C is better"
    # Two lines on the table: the second p is doubled by Holm's rule.
    assert found[1].p == pytest.approx(2 * compare(a, c)[0].p)


def test_a_difference_that_another_seed_would_turn_is_no_evidence(tmp_path: Path) -> None:
    weak = [run_of(tmp_path, f"a{n}", marks_of(n, 0.5)) for n in range(3)]
    strong = [run_of(tmp_path, f"b{n}", marks_of(n + 10, 0.95)) for n in range(3)]
    mixed = [run_of(tmp_path, f"c{n}", marks_of(n + 20, share)) for n, share in enumerate((0.2, 0.95, 0.6))]
    (clear,) = compare(weak, strong)
    assert clear.verdict == "B is better" and clear.seeds == (3, 3) and len(clear.values_b) == 3
    assert clear.a == pytest.approx(np.mean(clear.values_a)) and clear.test == "bootstrap over seeds and items"
    (unclear,) = compare(weak, mixed)
    assert unclear.verdict == NO_EVIDENCE
    # One lucky run alone would have been called better.
    assert compare(weak[0], mixed[1])[0].verdict == "B is better"


def test_runs_of_one_model_are_alike(tmp_path: Path) -> None:
    runs = [outcomes(marks_of(n, 0.7)) for n in range(4)]
    found = two_levels(runs[:2], runs[2:], "accuracy")
    assert found.low < 0 < found.high and found.p_value > 0.05
    same = two_levels(runs, runs, "accuracy")
    assert same.difference == 0 and same.p_value > 0.3


def test_seeds_of_a_metric_of_the_whole_set() -> None:
    gold = ["yes", "no"] * 15
    right = [Outcome(Item(str(n), "", one), "", one, {}) for n, one in enumerate(gold)]
    wrong = [Outcome(Item(str(n), "", one), "", "yes", {}) for n, one in enumerate(gold)]
    found = two_levels([wrong, wrong], [right, right], MACRO_F1)
    assert found.difference == pytest.approx(MACRO_F1.of(right) - MACRO_F1.of(wrong)) and found.low > 0


def test_the_picture_draws_a_row_each_and_hollow_dots_for_no_evidence(tmp_path: Path) -> None:
    a, b, c = (
        run_of(tmp_path, name, [float(n < right) for n in range(40)])
        for name, right in zip("abc", (10, 11, 40), strict=True)
    )
    root = ElementTree.fromstring(forest(compare(a, b, c), ["base", "wide <1>", "deep"]))
    dots = [one.get("class") for one in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert dots == ["dot hollow", "dot"]
    assert any("wide <1>: small_talk" in (one.text or "") for one in root.iter("{http://www.w3.org/2000/svg}text"))
