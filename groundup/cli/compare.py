"""groundup compare A B"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import columns, show

HELP = """Is the difference between two evaluated runs real? Paired tests over the items that both answered."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="a run, or a folder made by `groundup evaluate --out`")
    parser.add_argument("b", metavar="B")


def run(options: argparse.Namespace) -> int:
    from groundup.evaluate.compare import compare

    results = compare(_scores_folder(options.a), _scores_folder(options.b))
    rows = [
        [item.task, item.metric, f"{item.a:.4f}", f"{item.b:.4f}", f"{item.p:.3f}", item.verdict] for item in results
    ]
    show(options, [item.__dict__ for item in results], columns(rows, head=["task", "metric", "A", "B", "p", ""]))
    return 0


def _scores_folder(name: str) -> Path:
    from groundup.core.errors import UsageError
    from groundup.pipeline import run_folder_of

    folder = run_folder_of(name)
    for place in ([folder / "6_evaluate"] if folder else []) + [Path(name)]:
        if (place / "scores.json").is_file():
            return place
    raise UsageError(f"{name} holds no scores.", repair=f"Make them with: groundup evaluate {name} --out FOLDER")
