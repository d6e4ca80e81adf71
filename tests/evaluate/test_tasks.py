from __future__ import annotations

import gzip
import json
import tomllib
from pathlib import Path

import pytest

from groundup.collect.samples import SAMPLES
from groundup.core.errors import DataError, UsageError
from groundup.core.example import write_examples
from groundup.evaluate.base import Data, Item, Task
from groundup.evaluate.catalogue import TOML_FOLDER, find_task, task_names
from groundup.evaluate.stage import draw, every_source, score_task
from groundup.evaluate.subject import Subject
from tests.evaluate.bigram_engine import BigramEngine

TOML = """
title = "toy"
origin = "ours"
licence = "Apache-2.0"
file = "toy.jsonl.gz"
"""
CHOICE = TOML + 'prompt = "{query}"\nchoices = "choices"\ngold = "gold"\nchance = 0.5\n'
SCHEMA = TOML + 'kind = "schema"\nprompt = "{ending}"\nchoices = "contexts"\ngold = "gold"\nchance = 0.5\n'
CONTINUATION = TOML + 'kind = "continuation"\nprompt = "{context}"\ngold = "ending"\n'


def toy(folder: Path, toml: str, rows: list[dict]) -> tuple[Task, Data]:
    (folder / "toy.toml").write_text(toml)
    with gzip.open(folder / "toy.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return find_task(str(folder / "toy.toml")), Data({}, folder)


def subject(texts: list[str], *, chat: bool = False, context_length: int = 400) -> Subject:
    engine = BigramEngine(texts, context_length=context_length)
    return Subject(engine, engine.tokenizer, context_length, chat)


def test_the_likelier_ending_is_chosen(tmp_path: Path) -> None:
    rows = [{"query": "the cat", "choices": ["xqz", "sat"], "gold": 1}] * 1 + [
        {"query": "a dog", "choices": ["sat", "jkw"], "gold": 0}
    ]
    task, data = toy(tmp_path, CHOICE, rows)
    scores, outcomes = score_task(task, subject(["the cat sat", "a dog sat"]), data)
    assert {score.metric: score.value for score in scores} == {"accuracy": 1.0, "accuracy_per_byte": 1.0}
    assert scores[0].chance == 0.5 and outcomes[0].answer == "sat"


def test_a_schema_compares_contexts_and_no_rival_gets_it_for_free(tmp_path: Path) -> None:
    rows = [{"contexts": [f"the bat {n}", f"the mop {n}"], "ending": "mop", "gold": 1} for n in range(10)]
    task, data = toy(tmp_path, SCHEMA, rows)
    scores, _ = score_task(task, subject(["the bat sat", "mop mop 1 mop"]), data)
    assert scores[0].n == 10 and scores[0].baseline is not None
    assert scores[0].baseline < 1.0 or scores[0].baseline_name == "BM25"  # the ending repeats the right context's word


def test_a_continuation_is_right_when_greedy_writing_gives_it(tmp_path: Path) -> None:
    rows = [{"context": "the cat", "ending": "sat"}, {"context": "the cat", "ending": "zzz"}]
    task, data = toy(tmp_path, CONTINUATION, rows)
    scores, _ = score_task(task, subject(["the cat sat"]), data)
    assert {score.metric: score.value for score in scores}["accuracy"] == 0.5
    assert scores[1].metric == "bits_per_ending" and not scores[1].higher_is_better


def test_shots_stand_before_the_question_and_are_not_asked(tmp_path: Path) -> None:
    rows = [{"query": f"question {n}", "choices": ["yes", "no"], "gold": n % 2} for n in range(10)]
    task, data = toy(tmp_path, CHOICE, rows)
    asked, shots, _ = draw(task, data, num_shots=2, limit="all")
    assert len(asked) == 8 and not {one.id for one in asked} & {one.id for one in shots}
    outcomes = task.answer(subject(["yes"]), asked, shots)
    for shot in shots:
        assert f"{shot.plain} {shot.gold}\n\n" in outcomes[0].prompt
    assert outcomes[0].prompt.endswith(asked[0].plain)


def test_a_small_source_is_asked_too() -> None:
    items = [Item(str(place), "", source="web") for place in range(50)]
    items[40:40] = [Item("book 1", "", source="books"), Item("book 2", "", source="books")]
    asked = every_source(items)
    assert sorted(item.id for item in asked) == sorted(item.id for item in items)
    assert {"book 1", "book 2"} <= {item.id for item in asked[:7]}
    assert [item.id for item in asked[7:]] == [str(place) for place in range(5, 50)]


def test_the_same_items_are_drawn_for_every_model(tmp_path: Path) -> None:
    rows = [{"query": f"question {n}", "choices": ["yes", "no"], "gold": 0} for n in range(50)]
    task, data = toy(tmp_path, CHOICE, rows)
    scores = [score_task(task, subject([text]), data, limit=10)[0][0] for text in ("yes", "no")]
    assert scores[0].data_hash == scores[1].data_hash and scores[0].n == 10


@pytest.mark.parametrize(
    "row, rule",
    [
        ({"query": "a", "gold": 0}, "row 1 has no column 'choices'"),
        ({"query": "a", "choices": ["x"], "gold": 7}, "gold 7 is no index"),
    ],
)
def test_a_row_with_a_hole_stops_the_task(tmp_path: Path, row: dict, rule: str) -> None:
    task, data = toy(tmp_path, CHOICE, [row])
    with pytest.raises(DataError, match=rule):
        task.items(data)


def test_a_chat_model_is_asked_with_the_template_a_base_model_plainly(tmp_path: Path) -> None:
    rows = [{"query": "the cat", "choices": ["sat", "ran"], "gold": 0}]
    task, data = toy(tmp_path, CHOICE, rows)
    chat, plain = (score_task(task, subject(["x"], chat=chat), data)[1][0] for chat in (True, False))
    assert chat.prompt == "<|endoftext|><|user|>the cat<|end|><|assistant|>" and plain.prompt == "the cat"


def test_unknown_tasks_are_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'hellaswag'"):
        find_task("helaswag")


@pytest.mark.parametrize("name", task_names())
def test_every_task_keeps_the_contract(name: str) -> None:
    task = find_task(name)
    assert task.name == name and task.metrics and task.kind in ("generation", "choice", "likelihood")
    assert len({metric.name for metric in task.metrics}) == len(task.metrics)


def test_a_benchmark_without_its_folder_says_what_to_write() -> None:
    with pytest.raises(DataError, match="data = "):
        find_task("piqa").items(Data({}))


@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(path.stem for path in TOML_FOLDER.glob("*.toml")))
def test_the_shipped_tasks_read_the_real_rows(real_data: Path, name: str) -> None:
    task = find_task(name)
    # Some sets lie in folders of their own beside "eval"; names that stand in both mean those in "eval".
    file = tomllib.loads((TOML_FOLDER / f"{name}.toml").read_text())["file"]
    in_eval = any((real_data / "eval").rglob(file))
    data = Data({}, real_data / "eval" if in_eval else real_data)
    scores, outcomes = score_task(task, subject(["the man said that it was not"], context_length=4000), data, limit=3)
    assert len(outcomes) == 3 and outcomes[0].prompt and all(score.low <= score.value <= score.high for score in scores)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collect")
    for kind, examples in SAMPLES.get("stories").examples("stories", 600, 1).items():
        write_examples(folder / "examples" / "stories" / f"{kind}.jsonl.zst", examples)
    return folder


@pytest.mark.parametrize("name", ["answers", "sentiment", "summaries", "translation"])
def test_story_tasks_ask_held_out_stories_and_know_their_rivals(collected: Path, name: str) -> None:
    task = find_task(f"stories_{name}")
    data = Data({"collect": collected})
    scores, outcomes = score_task(task, subject(["So it was."], chat=True, context_length=900), data, limit=20)
    assert outcomes and scores[0].baseline is not None and scores[0].baseline_name
    for score in scores:
        assert score.low <= score.value <= score.high
    trained = {item.id for item in task.items(data, "train")}
    assert trained and not trained & {outcome.item.id for outcome in outcomes}


def test_a_perfect_answer_gets_full_marks(collected: Path) -> None:
    for name in ("stories_answers", "stories_sentiment", "stories_summaries", "small_talk"):
        task = find_task(name)
        item = task.items(Data({"collect": collected}))[0]
        assert set(task.mark(item, item.gold).values()) == {1.0}, name
        assert set(task.mark(item, "qwx").values()) == {0.0}, name


def test_small_talk_is_50_openers_and_one_answer_does_not_please_all() -> None:
    task = find_task("small_talk")
    scores, _ = score_task(task, subject(["hm"], context_length=300), Data({}))
    assert scores[0].n == 50 and scores[0].value == 0.0 and 0 < (scores[0].baseline or 0) < 0.5
