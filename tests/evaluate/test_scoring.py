from __future__ import annotations

from pathlib import Path

import pytest

from groundup.core.errors import DataError
from groundup.core.score import Score, write_scores
from groundup.evaluate import baselines
from groundup.evaluate.base import Item, Metric, Outcome, mean_of, ratio_of
from groundup.evaluate.compare import NO_EVIDENCE, Comparison, compare, compare_table, holm
from groundup.evaluate.scoring import interval
from groundup.evaluate.stage import write_items
from groundup.evaluate.table import remark
from groundup.evaluate.tasks.stories import macro_f1


def outcomes(marks: list[float], name: str = "accuracy") -> list[Outcome]:
    return [Outcome(Item(str(place), "", "g"), "", "", {name: mark}) for place, mark in enumerate(marks)]


def test_shares_get_wilsons_interval_also_at_the_ends() -> None:
    metric = mean_of("accuracy")
    assert interval(metric, outcomes([1.0] * 10), 1) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert interval(metric, outcomes([0.0] * 10), 1) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert interval(metric, outcomes([1.0] * 5 + [0.0] * 5), 1) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_other_means_get_the_bootstrap_and_ratios_resample_items() -> None:
    low, high = interval(mean_of("f1"), outcomes([0.2, 0.4, 0.6, 0.8] * 25, "f1"), 1)
    # standard error sqrt(0.05 / 100) = 0.0224
    assert low == pytest.approx(0.5 - 0.0438, abs=0.01) and high == pytest.approx(0.5 + 0.0438, abs=0.01)
    ratio = ratio_of("bits", "bytes", "bits_per_byte", higher_is_better=False)
    alike = [Outcome(Item(str(n), ""), "", "", {"bits": 2.0 * n, "bytes": float(n)}) for n in range(1, 20)]
    assert ratio.of(alike) == 2.0 and interval(ratio, alike, 1) == (2.0, 2.0)


def test_macro_f1_counts_an_answer_that_is_no_label_as_wrong() -> None:
    rows = [("yes", "Yes."), ("yes", "hm"), ("no", "no")]
    given = [Outcome(Item(str(n), "", gold), "", answer, {}) for n, (gold, answer) in enumerate(rows)]
    assert macro_f1(given) == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize(
    "values, words",
    [
        ({"value": 0.5, "low": 0.4, "high": 0.6, "chance": 0.5}, "at chance"),
        ({"value": 0.9, "low": 0.8, "high": 0.95, "chance": 0.5, "baseline": 0.6}, ""),
        ({"value": 0.9, "low": 0.8, "high": 0.95, "baseline": 0.85}, "not clearly above the baseline"),
        ({"value": 0.1, "low": 0.0, "high": 0.2, "baseline": 0.6}, "below the baseline"),
        ({"value": 1.0, "low": 0.9, "high": 1.1, "baseline": 2.0, "higher_is_better": False}, ""),
    ],
)
def test_the_remark_of_a_score(values: dict, words: str) -> None:
    assert remark(Score("t", "m", n=10, **values)) == words


TRAIN = [
    Item(str(n), "", gold="Bern", text="a a b", question=f"Where did {name} live?") for n, name in enumerate("AB" * 15)
]
TRAIN += [Item(f"w{n}", "", gold="Tom", text="c c d", question=f"Who went with {n}?") for n in range(20)]


def test_the_rivals_answer_as_their_names_say() -> None:
    text = "Ann lived in Rome. She saw a fox. It ran."
    asked = [
        Item(
            "q",
            "",
            "Rome",
            text=text,
            question="Where did Ann live in Rome?",
            choices=("a fox", "in Rome now"),
            label=1,
        )
    ]
    assert baselines.majority(TRAIN, asked) == ["Bern"]
    assert baselines.question_only(TRAIN, [Item("q", "", question="Who went with Zoe?")]) == ["Tom"]
    assert baselines.question_only(TRAIN, [Item("q", "", question="Quite another thing?")]) == ["Bern"]
    assert baselines.lead_one([], asked) == ["Ann lived in Rome."]
    assert baselines.word_overlap([], asked) == ["Ann lived in Rome."]
    assert baselines.bm25_choice([], asked) == ["in Rome now"]
    assert baselines.longest_choice([], asked) == ["in Rome now"]
    assert baselines.bag_of_words(TRAIN, [Item("q", "", text="c d c")]) == ["Tom"]


def test_word_by_word_learns_a_dictionary_from_pairs() -> None:
    pairs = [
        ("red cat", "rouge chat"),
        ("red dog", "rouge chien"),
        ("big cat", "grand chat"),
        ("big dog", "grand chien"),
    ]
    train = [Item(str(n), "", text=a, gold=b) for n, (a, b) in enumerate(pairs * 6)]
    assert baselines.word_by_word(train, [Item("q", "", text="Big red cat")]) == ["grand rouge chat"]


def test_rivals_that_have_nothing_to_learn_from_say_nothing() -> None:
    for rival in (baselines.majority, baselines.question_only, baselines.bag_of_words, baselines.word_by_word):
        assert rival(TRAIN[:3], TRAIN[:1]) is None


def evaluated(folder: Path, marks: list[float], data_hash: str = "same") -> Path:
    rows = outcomes(marks)
    score = Score(
        "small_talk", "accuracy", sum(marks) / len(marks), 0, 1, len(marks), protocol="0-shot", data_hash=data_hash
    )
    folder.mkdir()
    write_scores(folder / "scores.json", [score])
    write_items(folder / "items" / "small_talk.jsonl.zst", rows)
    return folder


def test_a_clear_difference_is_told_and_a_small_one_is_not(tmp_path: Path) -> None:
    weak, strong = [0.0] * 30 + [1.0] * 10, [1.0] * 40
    a, b = evaluated(tmp_path / "a", weak), evaluated(tmp_path / "b", strong)
    near = evaluated(tmp_path / "c", [*weak[1:], 1.0])
    (clear,) = compare(a, b)
    assert clear.verdict == "B is better" and clear.difference == pytest.approx(0.75) and clear.p < 0.001
    assert compare(b, a)[0].verdict == "A is better"
    (same,) = compare(a, near)
    assert same.verdict == NO_EVIDENCE and NO_EVIDENCE in compare_table([same])


def test_models_asked_different_things_are_not_compared(tmp_path: Path) -> None:
    a, b = evaluated(tmp_path / "a", [1.0, 0.0]), evaluated(tmp_path / "b", [1.0, 0.0], "other")
    with pytest.raises(DataError, match="other items"):
        compare(a, b)


def test_holm_adjusts_by_rank_and_never_turns_the_order() -> None:
    rows = [Comparison("t", str(n), 10, 0, 1, 1.0, 0.5, 1.5, p, "") for n, p in enumerate([0.01, 0.04, 0.03])]
    assert [one.p for one in holm(rows)] == pytest.approx([0.03, 0.06, 0.06])
    assert [one.verdict for one in holm(rows)] == ["B is better", NO_EVIDENCE, NO_EVIDENCE]


def test_lower_is_better_turns_the_verdict() -> None:
    row = Comparison("t", "bits_per_byte", 10, 2.0, 1.0, -1.0, -1.2, -0.8, 0.001, "", higher_is_better=False)
    assert holm([row])[0].verdict == "B is better"


def test_a_metric_of_the_whole_set_is_compared_by_swapping_items() -> None:
    from groundup.evaluate.scoring import swapped

    metric = Metric("macro_f1", macro_f1)
    gold = ["yes", "no"] * 20
    right = [Outcome(Item(str(n), "", one), "", one, {}) for n, one in enumerate(gold)]
    wrong = [Outcome(Item(str(n), "", one), "", "yes", {}) for n, one in enumerate(gold)]
    found = swapped(metric, list(zip(wrong, right, strict=True)))
    assert found.difference == pytest.approx(1 - macro_f1(wrong)) and found.p_value < 0.05
    assert swapped(metric, list(zip(right, right, strict=True))).p_value == 1.0
