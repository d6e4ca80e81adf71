"""Benchmarks over rows: labels shared by all rows, the subject's own shots, written answers, TruthfulQA, CORE, groups."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.core.errors import RecipeError
from groundup.core.recipe import validate
from groundup.evaluate.base import Data, Item, Outcome
from groundup.evaluate.catalogue import find_task, task_names
from groundup.evaluate.groups import GROUPS, expand
from groundup.evaluate.options import EvaluateOptions
from groundup.evaluate.shots import by_shots, draw_shots
from groundup.evaluate.stage import draw, score_task
from groundup.evaluate.subject import Subject
from groundup.evaluate.tasks.core import CHANCE, PARTS, centred_mean
from groundup.evaluate.written import is_right
from tests.evaluate.bigram_engine import BigramEngine

HEAD = 'title = "t"\norigin = "o"\nlicence = "CC0-1.0"\n'
LETTERS = (
    HEAD
    + 'file = "asked.jsonl"\nprompt = "{q}\\nAnswer:"\nlabels = ["A", "B"]\ngold = "gold"\nshots = "shown.jsonl"\n'
    + 'shots_by = "subject"\n'
)


def subject(texts: list[str], context_length: int = 400) -> Subject:
    engine = BigramEngine(texts, context_length=context_length)
    return Subject(engine, engine.tokenizer, context_length)


def rows(path: Path, values: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


@pytest.fixture
def letters(tmp_path: Path) -> tuple:
    (tmp_path / "exam.toml").write_text(LETTERS)
    rows(
        tmp_path / "below" / "asked.jsonl",
        [{"q": f"{s}{n}", "gold": n % 2, "subject": s} for s in "xy" for n in (1, 2)],
    )
    rows(
        tmp_path / "below" / "shown.jsonl",
        [{"q": f"{s}!{n}", "gold": 0, "subject": s} for s in "xyz" for n in (1, 2, 3)],
    )
    return find_task(str(tmp_path / "exam.toml")), Data({}, tmp_path)


def test_every_item_is_shown_examples_of_its_own_subject(letters: tuple) -> None:
    task, data = letters
    scores, outcomes = score_task(task, subject(["Answer: A"]), data, num_shots=2)
    assert len(outcomes) == 4 and scores[0].chance == 0.5 and "2-shot" in scores[0].protocol
    for outcome in outcomes:
        mine = outcome.item.meta["group"]
        shown = outcome.prompt.split("\n\n")[:-1]
        assert len(shown) == 2 and all(part.startswith(f"{mine}!") and part.endswith("Answer: A") for part in shown)


def test_shots_from_a_file_leave_every_row_to_be_asked(letters: tuple) -> None:
    task, data = letters
    asked, shots, train = draw(task, data, num_shots=1, limit="all")
    assert len(asked) == 4 and len(shots) == 3 and len(train) == 6


def test_items_with_the_same_examples_are_asked_together() -> None:
    shots = [Item(f"{group}{n}", "", meta={"group": group}) for group in "ab" for n in (1, 2, 3)]
    taken, rest = draw_shots(shots, 2)
    assert [one.id for one in taken] == ["a1", "a2", "b1", "b2"] and len(rest) == 2
    items = [Item(str(n), "", meta={"group": group}) for n, group in enumerate("abab")]
    groups = [(places, [one.id for one in shown]) for places, shown in by_shots(items, taken)]
    assert groups == [([0, 2], ["a1", "a2"]), ([1, 3], ["b1", "b2"])]


def test_choices_and_labels_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(LETTERS + 'choices = "c"\n')
    with pytest.raises(RecipeError, match="choices or labels"):
        find_task(str(tmp_path / "bad.toml"))


@pytest.mark.parametrize(
    ("found", "right", "answer", "expected"),
    [
        ("exact", ["55"], " 55 ", True),
        ("exact", ["55"], "55.", False),
        ("line", ["Will Carling", "William Carling"], "the william carling!", True),
        ("line", ["Will Carling"], "Carling", False),
        ("number", ["so 3 + 4 = 7\n#### 1,007"], "It makes 1007.", True),
        ("number", ["7"], "7 apples and 2", False),
        ("number", ["-7"], "none", False),
    ],
)
def test_what_counts_as_a_right_answer(found: str, right: list[str], answer: str, expected: bool) -> None:
    assert is_right(right, answer, found) is expected


def test_a_written_answer_ends_with_its_line_and_is_compared(tmp_path: Path) -> None:
    text = HEAD + 'file = "a.jsonl"\nkind = "answer"\nprompt = "{context}"\ngold = "completion"\nfound = "exact"\n'
    (tmp_path / "sums.toml").write_text(text)
    rows(tmp_path / "a.jsonl", [{"context": "\n\nab", "completion": " c"}, {"context": "ab", "completion": " d"}])
    scores, outcomes = score_task(find_task(str(tmp_path / "sums.toml")), subject(["abc\nabc\n"]), Data({}, tmp_path))
    assert [outcome.answer for outcome in outcomes] == ["c", "c"] and scores[0].value == 0.5
    assert scores[0].chance == 0.0 and not scores[0].at_chance  # one is right: more than guessing gets


def test_guessing_gets_what_the_choices_of_each_item_allow(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(HEAD + 'file = "c.jsonl"\nprompt = "{q}"\nchoices = "c"\ngold = "g"\n')
    rows(tmp_path / "c.jsonl", [{"q": "a", "c": ["b", "c"], "g": 0}, {"q": "a", "c": ["b", "c", "d", "e"], "g": 0}])
    scores, _ = score_task(find_task(str(tmp_path / "c.toml")), subject(["a b"]), Data({}, tmp_path))
    assert scores[0].chance == pytest.approx((1 / 2 + 1 / 4) / 2)


def test_truthfulqa_compares_the_truth_with_the_mistakes(tmp_path: Path) -> None:
    import gzip

    text = (
        "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\n"
        "A,M,What is it?,rain,rain; water,snow; fire,s\n"
    )
    (tmp_path / "truthfulqa.csv.gz").write_bytes(gzip.compress(text.encode()))
    asked = subject(["A: rain", "A: rain", "A: water"])
    (one,), _ = score_task(find_task("truthfulqa_mc1"), asked, Data({}, tmp_path))[0][:1], None
    assert one.value == 1.0 and one.chance == pytest.approx(1 / 3)
    scores, outcomes = score_task(find_task("truthfulqa_mc2"), asked, Data({}, tmp_path))
    assert outcomes[0].prompt == "Q: What is it?\nA:" and 0.9 < scores[0].value <= 1.0 and scores[0].chance == 0.5


def test_core_is_zero_for_guessing_and_one_for_knowing() -> None:
    def part(name: str, share: float) -> list[Outcome]:
        marks = [{"accuracy": float(n < share * 100), "accuracy_per_token": float(n < share * 100)} for n in range(100)]
        return [Outcome(Item(str(n), "", source=name), "", "", mark) for n, mark in enumerate(marks)]

    assert centred_mean([one for name in CHANCE for one in part(name, 1.0)]) == pytest.approx(1.0)
    guessed = [one for name, chance in CHANCE.items() for one in part(name, chance)]
    assert centred_mean(guessed) == pytest.approx(0.0, abs=0.002)
    half = [*part("copa 0-shot", 0.75), *part("jeopardy 10-shot", 0.0)]
    assert centred_mean(half) == pytest.approx(0.25)


def test_core_asks_twenty_parts_each_with_its_shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(PARTS) == 20 and {part.task for part in PARTS} <= set(task_names())
    core = find_task("core")

    class Toy:
        def items(self, data: Data, split: str = "test") -> list[Item]:
            return [Item(str(n), f"q{n}", "x", choices=("x", "y"), label=0) for n in range(14)]

    monkeypatch.setattr(type(core), "parts", {part.name: Toy() for part in PARTS})
    asked = core.draw(Data({}), 3)
    assert len(asked) == 60 and len({item.id for item in asked}) == 60
    assert {item.source: len(item.meta["shots"]) for item in asked} == {part.name: part.shots for part in PARTS}
    for item in asked:
        assert item.id.rpartition(" ")[2] not in {shot.id for shot in item.meta["shots"]}


def test_groups_stand_for_tasks_that_exist() -> None:
    names = set(task_names())
    assert all(member in names for members in GROUPS.values() for member in members)
    assert len(GROUPS["arithmetic"]) == 13 and len(GROUPS["bigbench"]) == 14
    options = validate(EvaluateOptions, {"tasks": ["truthfulqa", "copa", "truthfulqa_mc1"]})
    assert options.tasks == ["truthfulqa_mc1", "truthfulqa_mc2", "copa"] == expand(options.tasks)
