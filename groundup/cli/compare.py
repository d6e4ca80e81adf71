"""groundup compare A B ..."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from groundup.cli.output import columns, show

if TYPE_CHECKING:
    from groundup.evaluate.compare import Comparison

HELP = """Is the difference between evaluated runs real? Paired tests over the items that all answered.

  groundup compare tiny demo                       B against A, task by task
  groundup compare base wide deep --plot d.svg     several against the first, and a picture
  groundup compare a1,a2,a3 b1,b2,b3               each model as three runs with different seeds"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "a", metavar="A", help="a run, or a folder made by `groundup evaluate --out`; runs of other seeds after commas"
    )
    parser.add_argument("others", metavar="B", nargs="+")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the differences with their intervals")


def run(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from groundup.evaluate.compare import compare

    names = [options.a, *options.others]
    results = compare(*[[_scores_folder(part) for part in name.split(",") if part] for name in names])
    if options.plot:
        from groundup.core.files import write_bytes
        from groundup.evaluate.forest import forest

        write_bytes(options.plot, forest(results, names).encode("utf-8"))
    show(options, [asdict(one) for one in results], _table(results, names))
    return 0


def _table(results: Sequence[Comparison], names: Sequence[str]) -> str:
    several = len(names) > 2
    beside = ["", "other", "other - A"] if several else ["B", "B - A"]
    head = ["task", "metric", "A", *beside, "95 % interval", "n", "p", ""]
    rows = []
    for one in results:
        middle = [one.other, f"{one.b:.4f}"] if several else [f"{one.b:.4f}"]
        interval = f"{one.low:+.4f} to {one.high:+.4f}"
        numbers = [f"{one.difference:+.4f}", interval, str(one.n), f"{one.p:.3f}"]
        rows.append([one.task, one.metric, f"{one.a:.4f}", *middle, *numbers, one.verdict])
    lines = [columns(rows, head=head)]
    if several:
        lines += ["", *(f"{chr(ord('A') + place)} = {name}" for place, name in enumerate(names))]
    if any(max(one.seeds) > 1 for one in results):
        lines += ["", "the runs behind each mean:"]
        lines += [
            f"  {one.task}, {one.metric}: A {_values(one.values_a)}; {one.other} {_values(one.values_b)}"
            for one in results
        ]
    lines += ["", "p: adjusted for the number of lines (Holm); a difference counts from p < 0.05."]
    return "\n".join(lines)


def _values(values: Sequence[float]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def _scores_folder(name: str) -> Path:
    from groundup.core.errors import UsageError
    from groundup.pipeline import run_folder_of

    folder = run_folder_of(name)
    for place in ([folder / "6_evaluate"] if folder else []) + [Path(name)]:
        if (place / "scores.json").is_file():
            return place
    raise UsageError(f"{name} holds no scores.", repair=f"Make them with: groundup evaluate {name} --out FOLDER")
