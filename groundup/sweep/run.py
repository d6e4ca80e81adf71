"""Carry out a sweep: share what no trial changes, run the trials, drop hopeless ones, stop in time, tell what helped.

The stages before the first one that an axis changes are made once (`base/`) and linked into every trial's run folder;
the pipeline finds them made. Each trial is a process of its own, `groundup run` on a recipe of its own, so a trial that
dies takes nothing with it, several can run side by side, and any of them can be opened, continued or repeated by hand.
A budget of the recipe is turned into fixed steps first: trials must differ in what is varied and in nothing else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from groundup.core.console import Console, clock
from groundup.core.errors import GroundupError, Interrupted, UsageError
from groundup.stages import Recipe
from groundup.sweep.goal import Goal
from groundup.sweep.ledger import Ledger, Trial
from groundup.sweep.recipes import Prepared, prepare, write_trial
from groundup.sweep.search import configurations, trials_of
from groundup.sweep.space import Axis
from groundup.sweep.work import Work, start_process, start_ray

Method = Literal["grid", "random", "tpe", "ablation", "ladder"]
Engine = Literal["local", "ray"]
METHODS = ("grid", "random", "tpe", "ablation", "ladder")
DEFAULT_TRIALS = 20  # of tpe without --trials and --budget; taste
POLL_SECONDS = 0.5  # how often running trials are looked at; taste
GRACE = 3  # finished trials before one can be dropped (Optuna's median pruner: 5); taste, budgets here are small
GRACE_SHARE = 0.3  # of a finished trial's looks that a trial gets before it can be dropped; taste


@dataclass(frozen=True)
class SweepOptions:
    """How to sweep. budget_seconds: no trial begins after it, and those running are stopped (and can be continued)."""

    goal: Goal
    method: Method = "grid"
    num_trials: int | None = None
    seeds: tuple[int, ...] = (1,)
    budget_seconds: float | None = None
    parallel: int = 1
    prune: bool = False
    tokens_per_parameter: float | None = None  # ladder: steps grow with the model
    device: str = "auto"
    engine: Engine = "local"  # where trials run: processes here, or a Ray cluster whose machines share the folder


@dataclass
class Result:
    """What came of it. stopped: "" or why not everything was tried."""

    folder: Path
    ledger: Ledger
    goal: Goal
    stopped: str = ""


def sweep(
    recipe: Recipe,
    axes: Sequence[Axis],
    options: SweepOptions,
    folder: Path,
    console: Console,
    *,
    start: Callable[[Path, Path, Sequence[str], SweepOptions], Work] = start_process,
    prepared: Callable[..., Prepared] = prepare,
) -> Result:
    """Run all trials that are not finished yet. start, prepared: how work begins (tests hand in toys).

    UsageError for axes that do not fit; RecipeError for a value the recipe does not allow, before any trial runs;
    Interrupted after Ctrl-C, with everything kept: the same command goes on.
    """
    if options.engine == "ray" and start is start_process:
        start = start_ray
    if not axes:
        raise UsageError("A sweep needs something to vary.", repair="--over pretrain.learning_rate=1e-3,2e-3")
    begun = time.monotonic()
    plan = {
        "recipe": recipe.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "over": [vars(axis) for axis in axes],
        "goal": str(options.goal),
        "method": options.method,
        "seeds": list(options.seeds),
    }
    ready = prepared(recipe, axes, options, folder, console)  # refuses bad values before anything is written
    ledger = Ledger(folder, plan)
    source = _Source(ledger, axes, options, folder)
    result = Result(folder, ledger, options.goal)
    running: dict[int, tuple[Work, float]] = {}
    try:
        while True:
            left = None if options.budget_seconds is None else options.budget_seconds - (time.monotonic() - begun)
            if left is not None and left <= 0:
                result.stopped = f"the budget of {clock(options.budget_seconds or 0)} is spent"
                break
            while len(running) < options.parallel and (trial := source.next()) is not None:
                place = write_trial(ready, trial, folder / trial.folder, options)
                ledger.put(replace(trial, state="running"))
                console.note(f"trial {trial.number}: {trial.name}, seed {trial.seed}")
                running[trial.number] = (start(place, folder / trial.folder, ready.stages, options), time.monotonic())
            if not running:
                break
            time.sleep(POLL_SECONDS if start in (start_process, start_ray) else 0)
            for number in list(running):
                if _ended(number, running, ledger, options, folder, source, console):
                    del running[number]
    except KeyboardInterrupt:
        raise Interrupted(
            "The sweep was stopped; what is finished is kept.", repair="Repeat the command to go on."
        ) from None
    finally:
        for number, (work, since) in running.items():
            work.stop()
            trial = ledger.trials[number]
            ledger.put(replace(trial, state="waiting", seconds=trial.seconds + time.monotonic() - since))
    return result


def _ended(
    number: int,
    running: dict[int, tuple[Work, float]],
    ledger: Ledger,
    options: SweepOptions,
    folder: Path,
    source: _Source,
    console: Console,
) -> bool:
    """Look at one running trial: True when it ended by itself or was dropped."""
    work, since = running[number]
    trial = ledger.trials[number]
    place, goal = folder / trial.folder, options.goal
    code = work.poll()
    looks = goal.looks(place)
    seconds = round(trial.seconds + time.monotonic() - since, 1)
    if code is None:
        if not options.prune or not source.drops(trial, looks):
            return False
        work.stop()
        found = replace(trial, state="pruned", score=looks[-1][1], seconds=seconds, looks=looks)
    elif code == 0:
        try:
            found = replace(trial, state="done", score=goal.read(place), seconds=seconds, looks=looks)
        except GroundupError as error:
            found = replace(trial, state="failed", error=str(error), seconds=seconds, looks=looks)
    else:
        found = replace(trial, state="failed", error=work.error(), seconds=seconds, looks=looks)
    ledger.put(found)
    source.tell(found)
    said = f"{goal} {found.score:.4f}" if found.score is not None else found.error.splitlines()[0][:200]
    console.note(f"trial {number}: {found.state} in {clock(seconds)}, {said}")
    return True


def hopeless(looks: Sequence[tuple[int, float]], done: Sequence[Trial], goal: Goal) -> bool:
    """The median rule (Golovin et al. 2017, Vizier): the best so far is worse than the median of what finished trials
    had at the same step. Never before GRACE trials are done, nor in a trial's first part."""
    if not looks or len(done) < GRACE:
        return False
    step = looks[-1][0]
    last = max((trial.looks[-1][0] for trial in done if trial.looks), default=0)
    if step < GRACE_SHARE * last:
        return False
    then = [[value for at, value in trial.looks if at <= step] for trial in done]
    bests = sorted(goal.best(values) for values in then if values)
    if len(bests) < GRACE:
        return False
    return goal.better(bests[len(bests) // 2], goal.best([value for _, value in looks]))


class _Source:
    """Where the next trial comes from: what was begun first, then what the method proposes."""

    def __init__(self, ledger: Ledger, axes: Sequence[Axis], options: SweepOptions, folder: Path) -> None:
        self._ledger, self._options = ledger, options
        self._study: Any = None
        if options.method == "tpe":
            from groundup.sweep.tpe import Study

            self._study = Study(folder, axes, lower=options.goal.lower, seed=options.seeds[0])
            self._study.forget_lost(list(ledger.trials))
            for trial in ledger.finished:
                self._study.tell(trial)
        else:
            found = configurations(options.method, axes, options.num_trials, options.seeds[0])
            for trial in trials_of(found, options.seeds):
                if trial.number not in ledger.trials:
                    ledger.put(trial)

    def next(self) -> Trial | None:
        """The next trial to run, or None."""
        if waiting := self._ledger.waiting:
            return waiting[0]
        limit = self._options.num_trials or (None if self._options.budget_seconds else DEFAULT_TRIALS)
        if self._study is None or (limit is not None and len(self._ledger.trials) >= limit):
            return None
        return self._ledger.put(self._study.ask(self._options.seeds[0]))

    def drops(self, trial: Trial, looks: Sequence[tuple[int, float]]) -> bool:
        """Whether a running trial is not worth its time: Hyperband where Optuna proposes, else the median rule."""
        if self._study is not None:
            return bool(self._study.hopeless(trial, looks))
        return hopeless(looks, self._ledger.done, self._options.goal)

    def tell(self, trial: Trial) -> None:
        """A trial ended."""
        if self._study is not None:
            self._study.tell(trial)


def threads_of(parallel: int) -> int:
    """Threads for each of so many processes."""
    return max(1, (os.cpu_count() or 1) // parallel)
