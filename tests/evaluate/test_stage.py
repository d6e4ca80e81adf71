from __future__ import annotations

import math
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.errors import DataError, Interrupted, RecipeError, UsageError
from groundup.core.recipe import validate
from groundup.core.score import read_scores
from groundup.core.stage import Context
from groundup.evaluate.options import EvaluateOptions
from groundup.evaluate.stage import read_items, run
from groundup.evaluate.subject import is_chat, load_subject
from groundup.evaluate.table import table
from groundup.evaluate.text import measure
from tests.evaluate.small_run import make

TASKS = ["bits_per_byte", "stories_answers", "stories_sentiment", "small_talk"]
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def output(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    run(EvaluateOptions(tasks=TASKS, limit=8), inputs, folder, Context(console=QUIET, device="cpu"))
    return folder


def test_an_untrained_model_gets_honest_scores(output: Path) -> None:
    scores = read_scores(output / "scores.json")
    assert {score.task for score in scores} == set(TASKS)
    for score in scores:
        assert score.low <= score.value <= score.high and score.n > 0 and score.data_hash and score.protocol
        assert score.baseline is not None and math.isfinite(score.baseline)
    bits = next(score for score in scores if score.task == "bits_per_byte")
    # It knows nothing: more bits than the frequencies of tokens need, about those of a uniform guess.
    assert bits.baseline < bits.value < 8 and not bits.higher_is_better
    answers = next(score for score in scores if score.metric == "exact_match")
    assert answers.value == 0.0 and "chat template" in answers.protocol


def test_every_item_is_kept_as_it_was_shown(output: Path) -> None:
    rows = list(read_items(output / "items" / "stories_answers.jsonl.zst"))
    assert len(rows) == 8
    for row in rows:
        assert row["prompt"].startswith("<|endoftext|><|user|>") and row["prompt"].endswith("<|end|><|assistant|>")
        assert row["gold"] and set(row["marks"]) == {"exact_match", "token_f1"}


def test_a_stopped_run_continues_where_it_was(inputs: dict[str, Path], output: Path, tmp_path: Path) -> None:
    asked = iter([False, False, True])
    options = EvaluateOptions(tasks=TASKS, limit=8)
    with pytest.raises(Interrupted):
        run(options, inputs, tmp_path, Context(console=QUIET, device="cpu", stop=lambda: next(asked)))
    made = sorted((tmp_path / "items").iterdir())
    times = [path.stat().st_mtime_ns for path in made]
    assert len(made) == 2
    run(options, inputs, tmp_path, Context(console=QUIET, device="cpu"))
    assert [path.stat().st_mtime_ns for path in made] == times
    assert (tmp_path / "scores.json").read_bytes() == (output / "scores.json").read_bytes()


def test_several_numbers_of_shots_are_scored_apart(inputs: dict[str, Path], tmp_path: Path) -> None:
    options = EvaluateOptions(tasks=["stories_sentiment"], limit=4, shots=[0, 1])
    run(options, inputs, tmp_path, Context(console=QUIET, device="cpu"))
    scores = read_scores(tmp_path / "scores.json")
    assert [score.protocol.rpartition(" ")[2] for score in scores if score.metric == "accuracy"] == ["0-shot", "1-shot"]


def test_the_format_follows_the_stage_that_made_the_model(inputs: dict[str, Path], tmp_path: Path) -> None:
    base = make(tmp_path, tuned=False)["model"]
    assert is_chat(inputs["model"]) and not is_chat(base)
    assert load_subject(base, device="cpu", format="chat").chat and not load_subject(base, device="cpu").chat


def test_windows_agree_with_the_engines_own_token_logprobs(inputs: dict[str, Path], tmp_path: Path) -> None:
    subject = load_subject(inputs["model"], device="cpu")
    text = "In the end the sailor was glad. " * 6
    (tmp_path / "a.txt").write_text(text)
    ids = subject.begin() + subject.tokenizer.encode(text)
    assert len(ids) < subject.context_length
    bits = -float(subject.engine.token_logprobs(ids)[1:].sum()) / math.log(2)
    assert measure(subject.engine, tmp_path / "a.txt").bits_per_byte == pytest.approx(bits / len(text), rel=1e-4)


def test_the_table_says_when_a_score_is_at_chance(output: Path) -> None:
    scores = read_scores(output / "scores.json")
    text = table(scores)
    assert text.splitlines()[0].startswith("task") and len(text.splitlines()) == len(scores) + 1
    chance = [score for score in scores if score.at_chance]
    assert text.count("at chance") == len(chance)


def test_unknown_tasks_stop_before_the_model_is_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'small_talk'"):
        run(EvaluateOptions(tasks=["smalltalk"]), {"model": tmp_path}, tmp_path, Context(console=QUIET))


def test_a_missing_data_folder_is_named(inputs: dict[str, Path], tmp_path: Path) -> None:
    options = EvaluateOptions(tasks=["piqa"], data=str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere"):
        run(options, inputs, tmp_path, Context(console=QUIET, device="cpu"))


@pytest.mark.parametrize(
    "values, rule",
    [
        ({"tasks": []}, "at least one task"),
        ({"tasks": ["copa", "copa"]}, "twice: copa"),
        ({"limit": 0}, "1 or more"),
        ({"limit": "some"}, "limit"),
        ({"shots": -1}, "from 0"),
        ({"shots": [0, 0]}, "different"),
        ({"task": ["copa"]}, "Did you mean 'tasks'"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(values: dict, rule: str) -> None:
    with pytest.raises(RecipeError, match=rule):
        validate(EvaluateOptions, values)
