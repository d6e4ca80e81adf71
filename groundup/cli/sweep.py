"""groundup sweep RECIPE --over KEY=VALUES"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from groundup.cli.output import columns, console_of, show
from groundup.core.console import clock

HELP = """Run a recipe over changed values and tell which change helped.

  groundup sweep tiny --over pretrain.learning_rate=5e-3,1e-2,2e-2
  groundup sweep demo --over pretrain.learning_rate=1e-3..1e-1 --method tpe --budget 1h --prune
  groundup sweep tiny --method ablation --over pretrain.optimizer=adamw --over model.qk_norm=false --seeds 3
  groundup sweep tiny --method ladder --over model.depth=2,3,4 --tokens-per-parameter 5

Stages that no value changes are made once. The same command goes on where a sweep was stopped."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument("--over", action="append", default=[], metavar="KEY=V,V", help="a list, or a range LOW..HIGH")
    parser.add_argument("--method", default="grid", choices=("grid", "random", "tpe", "ablation", "ladder"))
    parser.add_argument(
        "--goal", default="pretrain.bits_per_byte", help="the number that decides (default %(default)s)"
    )
    parser.add_argument("--trials", type=int, metavar="N", help="at most so many configurations")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="each configuration with so many seeds")
    parser.add_argument("--budget", metavar="TIME", help='no trial begins after it: "90s", "30m", "1h"')
    parser.add_argument("--parallel", type=int, default=1, metavar="N", help="processes at once")
    parser.add_argument("--prune", action="store_true", help="drop trials that fall behind (tpe: Hyperband)")
    parser.add_argument("--engine", default="local", choices=("local", "ray"), help="processes here, or a Ray cluster")
    parser.add_argument("--tokens-per-parameter", type=float, metavar="X", help="ladder: steps grow with the model")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="assignments")
    parser.add_argument("--seed", type=int, help="the first seed (default: the recipe's)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="the sweep's folder (default runs/NAME-sweep)")
    parser.add_argument("--device", default="auto")


def run(options: argparse.Namespace) -> int:
    from groundup.core.errors import UsageError
    from groundup.pipeline import RUNS
    from groundup.stages import parse_duration, read_recipe
    from groundup.sweep.analysis import importance, summarize
    from groundup.sweep.goal import Goal
    from groundup.sweep.page import write_page
    from groundup.sweep.run import SweepOptions, sweep
    from groundup.sweep.space import parse

    for name in ("trials", "seeds", "parallel"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise UsageError(f"--{name} must be 1 or more; came: {getattr(options, name)}.")
    seconds = None if options.budget is None else parse_duration(options.budget)
    if options.budget is not None and seconds is None:
        raise UsageError(f"--budget {options.budget} is no time.", repair='Write "90s", "30m" or "1h".')
    recipe = read_recipe(options.recipe, options.assignments)
    axes = parse(options.over)
    first = recipe.seed if options.seed is None else options.seed
    chosen = SweepOptions(
        Goal.parse(options.goal),
        options.method,
        options.trials,
        tuple(range(first, first + options.seeds)),
        seconds,
        options.parallel,
        options.prune,
        options.tokens_per_parameter,
        options.device,
        options.engine,
    )
    folder = (options.out or RUNS / f"{recipe.name}-sweep").absolute()
    result = sweep(recipe, axes, chosen, folder, console_of(options))
    page = write_page(result, axes, options.method, _points(result) if options.method == "ladder" else ())
    rows = summarize(result.ledger.done, result.goal, against_base=options.method == "ablation")
    mattered = importance(result.ledger.done, axes, result.goal)
    value = {
        "folder": str(folder),
        "page": str(page),
        "goal": str(result.goal),
        "stopped": result.stopped,
        "configurations": [{**vars(row), "verdict": row.verdict} for row in rows],
        "importance": [vars(one) for one in mattered],
        "failed": [{"trial": t.number, "error": t.error} for t in result.ledger.finished if t.state == "failed"],
    }
    show(options, _finite(value), "\n".join([_table(rows, result), f"page: {page}"]))
    return 0 if rows else 1


def _points(result: Any) -> list[tuple[float, float]]:
    """(FLOPs, score) of each finished rung: 6 times parameters times tokens (Kaplan et al. 2020)."""
    from groundup.core.errors import DataError
    from groundup.sweep.recipes import tokens_and_parameters

    found = []
    for trial in result.ledger.done:
        try:
            tokens, parameters = tokens_and_parameters(result.folder / trial.folder)
        except DataError:
            continue
        found.append((6 * tokens * parameters, float(trial.score or 0)))
    return found


def _table(rows: list[Any], result: Any) -> str:
    lines = []
    for row in rows:
        ends = "-" if math.isnan(row.low) else f"{row.low:.4f} to {row.high:.4f}"
        lines.append([row.name, f"{row.mean:.4f}", ends, row.num_seeds, clock(row.seconds), row.verdict])
    goal, stopped = result.goal, result.stopped
    made = columns(lines, head=["what", str(goal), "95 % over seeds", "seeds", "time", ""]) or "No trial has finished."
    return f"{made}\n{f'Not everything was tried: {stopped}.' if stopped else ''}".rstrip() + "\n"


def _finite(value: object) -> object:
    """nan is no JSON: null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
