"""A sweep over toys that really work: a trial's score follows from its values, so what should win is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.errors import ArtifactError, RecipeError, UsageError
from groundup.stages import read_recipe
from groundup.sweep.analysis import importance, interval, power_law, summarize
from groundup.sweep.goal import Goal
from groundup.sweep.ledger import Trial
from groundup.sweep.page import render
from groundup.sweep.recipes import Prepared, changed, prepare
from groundup.sweep.run import SweepOptions, hopeless, sweep
from groundup.sweep.search import configurations, trials_of
from groundup.sweep.space import Axis, parse

GOAL = Goal.parse("pretrain.bits_per_byte")
RATES = "pretrain.learning_rate=0.001,0.01,0.1"


class Toy:
    """Bits per byte are lowest at a rate of 0.01; the number of steps hardly matters. Four looks, then it ends."""

    def __init__(self, recipe: Path, folder: Path, started: list[str]) -> None:
        values = read_recipe(str(recipe))
        self.score = 1 + (math.log10(values.pretrain.learning_rate) + 2) ** 2 + 0.001 * values.seed
        self.path = folder / "4_pretrain" / "metrics.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.step, self.stopped = 0, False
        started.append(folder.name)

    def poll(self) -> int | None:
        self.step += 1
        row = {"kind": "validation", "step": self.step, "bits_per_byte": self.score + 1 / self.step}
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        return 0 if self.step == 4 else None

    def stop(self) -> None:
        self.stopped = True

    def error(self) -> str:
        return ""


def run(folder: Path, over: list[str], started: list[str] | None = None, **options):
    def ready(recipe, axes, chosen, place, console):
        return Prepared(recipe.model_dump(mode="json", by_alias=True, exclude_unset=True), ("pretrain",), (), place)

    counted = [] if started is None else started
    return sweep(
        read_recipe("tiny"),
        parse(over),
        SweepOptions(GOAL, **options),
        folder,
        Console(quiet=True),
        start=lambda recipe, place, stages, chosen: Toy(recipe, place, counted),
        prepared=ready,
    )


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("a.b=1,2.5,true,x", Axis("a.b", (1, 2.5, True, "x"))),
        ('a.b=["p","q"],["r"]', Axis("a.b", (["p", "q"], ["r"]))),
        ("a.b=1e-4..1e-2", Axis("a.b", (), 1e-4, 1e-2, False, True)),
        ("a.b=2..8", Axis("a.b", (), 2.0, 8.0, True, False)),
    ],
)
def test_axes_are_read(text, wanted):
    assert parse([text]) == [wanted]


@pytest.mark.parametrize(
    "texts, rule",
    [
        (["a.b"], "what to vary"),
        (["a=1,1"], "stands twice"),
        (["a=2..1"], "smaller"),
        (["a=1", "a=2"], "names 'a' twice"),
    ],
)
def test_axes_that_cannot_be_read_are_told(texts, rule):
    with pytest.raises(UsageError, match=rule):
        parse(texts)


def test_a_grid_finds_the_best_value_and_goes_on_where_it_stopped(tmp_path):
    started: list[str] = []
    result = run(tmp_path / "s", [RATES], started, parallel=2)
    rows = summarize(result.ledger.done, GOAL, against_base=False)
    assert rows[0].values["pretrain.learning_rate"] == 0.01 and len(rows) == 3
    assert rows[0].mean == pytest.approx(1.251) and math.isnan(rows[0].low)
    run(tmp_path / "s", [RATES], started)
    assert started == ["trial-000", "trial-001", "trial-002"]  # nothing twice
    with pytest.raises(ArtifactError, match="another sweep"):
        run(tmp_path / "s", ["pretrain.learning_rate=0.5"])


def test_a_killed_sweep_runs_what_was_running_again(tmp_path):
    result = run(tmp_path / "s", [RATES])
    lost = replace(result.ledger.trials[1], state="running")
    result.ledger.put(lost)
    with open(tmp_path / "s" / "trials.jsonl", "a", encoding="utf-8") as file:
        file.write('{"number": 2, "sta')  # and a line that the kill cut off
    started: list[str] = []
    again = run(tmp_path / "s", [RATES], started)
    assert started == ["trial-001"] and len(again.ledger.done) == 3


def test_a_budget_that_is_spent_stops_and_says_so(tmp_path):
    result = run(tmp_path / "s", [RATES], budget_seconds=0.0)
    assert "is spent" in result.stopped and not result.ledger.done and len(result.ledger.waiting) == 3


def test_hopeless_trials_are_dropped(tmp_path):
    over = ["pretrain.learning_rate=0.01,0.011,0.012,0.9"]
    result = run(tmp_path / "s", over, prune=True)
    states = [trial.state for trial in result.ledger.finished]
    assert states == ["done", "done", "done", "pruned"]


def test_the_median_rule_waits_for_company_and_for_time():
    done = [Trial(n, {}, 1, n, state="done", score=1.0, looks=[(5, 1.5), (10, 1.0)]) for n in range(3)]
    assert hopeless([(5, 2.0)], done, GOAL) and not hopeless([(5, 1.0)], done, GOAL)
    assert not hopeless([(5, 2.0)], done[:2], GOAL) and not hopeless([(1, 9.0)], done, GOAL)
    higher = Goal.parse("finetune.chat.exact_match")
    assert not hopeless([(5, 2.0)], done, higher) and hopeless([(5, 0.5)], done, higher)


def test_an_ablation_compares_each_change_with_the_base_over_seeds(tmp_path):
    over = ["pretrain.learning_rate=0.1", "pretrain.warmup_steps=7"]
    start = read_recipe("tiny", ["pretrain.learning_rate=0.01"])
    found = configurations("ablation", parse(over), None, 1)
    assert [one.name for one in found] == ["base", "learning_rate 0.1", "warmup_steps 7"]
    trials = []
    for trial in trials_of(found, (1, 2, 3)):
        rate = trial.values.get("pretrain.learning_rate", start.pretrain.learning_rate)
        trials.append(
            replace(trial, state="done", score=rate + 0.001 * trial.seed + 0.0001 * (trial.seed == trial.group))
        )
    by_name = {row.name: row for row in summarize(trials, GOAL, against_base=True)}
    assert by_name["learning_rate 0.1"].difference == pytest.approx(0.09, abs=1e-3)
    assert by_name["learning_rate 0.1"].verdict == "differs"
    assert by_name["warmup_steps 7"].verdict == "no evidence of a difference"
    assert by_name["base"].verdict == "" and by_name["base"].num_seeds == 3


def test_an_interval_of_few_seeds_is_students():
    mean, low, high = interval([1.0, 2.0, 3.0])
    assert mean == 2.0 and high - mean == pytest.approx(4.303 / math.sqrt(3), rel=1e-3) and low < mean
    assert math.isnan(interval([1.0])[1])


def test_what_mattered_is_found():
    axes = parse(["pretrain.learning_rate=1e-4..1e0", "pretrain.batch_size=2,4,8"])
    found = configurations("random", axes, 30, seed=3)
    assert len(found) == 30 and all(1e-4 <= one.values["pretrain.learning_rate"] <= 1 for one in found)
    trials = [
        replace(trial, state="done", score=(math.log10(trial.values["pretrain.learning_rate"]) + 2) ** 2)
        for trial in trials_of(found, [1])
    ]
    first, second = importance(trials, axes, GOAL)
    assert first.key == "pretrain.learning_rate" and first.share > 0.99 and second.share < 0.3


def test_a_power_law_is_fitted_and_goes_on():
    law = power_law([1e9, 1e10, 1e11], [3 * (10.0**n) ** -0.05 for n in (9, 10, 11)])
    assert law is not None and law.exponent == pytest.approx(0.05) and law.at(1e12) == pytest.approx(3 * 1e12**-0.05)
    assert power_law([1.0, 2.0], [1.0, 2.0]) is None


def test_tpe_moves_to_where_it_is_good_and_is_continued(tmp_path):
    pytest.importorskip("optuna")
    over = ["pretrain.learning_rate=1e-4..1e0"]
    run(tmp_path / "s", over, method="tpe", num_trials=8)
    started: list[str] = []
    result = run(tmp_path / "s", over, started, method="tpe", num_trials=16)
    assert started == [f"trial-{number:03d}" for number in range(8, 16)] and (tmp_path / "s" / "study.db").is_file()
    best = min(result.ledger.done, key=lambda trial: trial.score)
    assert 0.003 < best.values["pretrain.learning_rate"] < 0.03


def test_hyperband_drops_what_is_behind_in_its_race(tmp_path):
    pytest.importorskip("optuna")
    over = ["pretrain.learning_rate=1e-4..1e0"]
    result = run(tmp_path / "s", over, method="tpe", num_trials=16, prune=True)
    states = [trial.state for trial in result.ledger.finished]
    assert states.count("pruned") >= 3 and states.count("done") >= 3 and len(states) == 16
    dropped = [trial for trial in result.ledger.finished if trial.state == "pruned"]
    assert all(len(trial.looks) < 4 for trial in dropped)
    best = min(trial.score for trial in result.ledger.done)
    assert best <= min(trial.looks[-1][1] for trial in dropped)


@pytest.mark.slow
def test_trials_run_on_a_ray_cluster(tmp_path):
    ray = pytest.importorskip("ray")
    recipe = read_recipe("tiny", ["pretrain.steps=2", "collect.stories.count=200", "tokenizer.vocabulary_size=400"])
    options = SweepOptions(GOAL, parallel=2, device="cpu", engine="ray")
    try:
        result = sweep(
            recipe, parse(["pretrain.learning_rate=0.001,0.02"]), options, tmp_path / "s", Console(quiet=True)
        )
    finally:
        ray.shutdown()
    assert [trial.state for trial in result.ledger.finished] == ["done", "done"]
    assert len({trial.score for trial in result.ledger.done}) == 2


def test_the_page_shows_winner_reason_and_failures(tmp_path):
    result = run(tmp_path / "s", [RATES + ",0.02"])
    result.ledger.put(Trial(9, {"a": 1}, 1, 9, "odd <b>", "failed", error="groundup: no"))
    text = render(result, parse([RATES]), "grid")
    assert (
        "learning_rate 0.01" in text and "What mattered" in text and "odd &lt;b&gt;" in text and "groundup: no" in text
    )
    assert "<script" not in text and "default-src" in text


def test_values_the_recipe_refuses_stop_before_any_work(tmp_path):
    recipe = read_recipe("tiny")
    values = recipe.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert changed(values, {"pretrain.learning_rate": 0.5}).pretrain.learning_rate == 0.5
    with pytest.raises(RecipeError, match="Did you mean 'learning_rate'"):
        changed(values, {"pretrain.learning_rat": 0.5})
    for over, rule in (
        ("pretrain.learning_rate=-1,0.1", "greater than 0"),
        ("pretrain.warmup_step=1,2", "warmup_steps"),
    ):
        with pytest.raises(RecipeError, match=rule):
            prepare(recipe, parse([over]), SweepOptions(GOAL), tmp_path / "s", Console(quiet=True))
    with pytest.raises(UsageError, match="no trial would differ"):
        prepare(recipe, parse(["evaluate.limit=1,2"]), SweepOptions(GOAL), tmp_path / "s", Console(quiet=True))
    assert not (tmp_path / "s").exists()


def test_goals_name_what_there_is(tmp_path):
    with pytest.raises(UsageError, match=r"pretrain.bits_per_byte"):
        Goal.parse("accuracy")
    assert Goal.parse("evaluate.small_talk.exact_match").lower is False and GOAL.lower


@pytest.mark.slow
def test_real_trials_share_the_data_and_differ_in_the_rate(tmp_path):
    over = parse(["pretrain.learning_rate=0.001,0.02"])
    recipe = read_recipe("tiny", ["pretrain.steps=6", "collect.stories.count=200", "tokenizer.vocabulary_size=400"])
    options = SweepOptions(GOAL, parallel=2, device="cpu")
    result = sweep(recipe, over, options, tmp_path / "s", Console(quiet=True))
    assert [trial.state for trial in result.ledger.finished] == ["done", "done"]
    assert len({trial.score for trial in result.ledger.done}) == 2
    name = "3_tokenizer/manifest.json"
    base = (tmp_path / "s" / "base" / name).stat().st_ino
    assert all((tmp_path / "s" / trial.folder / name).stat().st_ino == base for trial in result.ledger.done)
