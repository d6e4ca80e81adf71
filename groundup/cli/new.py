"""groundup new FOLDER"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict
from pathlib import Path

from groundup.cli.output import show

HELP = """Look at a folder of documents and write a recipe for a model of them, with comments on what was found."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="your documents: any mix of formats")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write it (default NAME.toml)")
    parser.add_argument("--budget", default="30m", help="time for the whole run (default 30m)")
    parser.add_argument("--purpose", default="", help="what the model is for, in a sentence")


def run(options: argparse.Namespace) -> int:
    from groundup.core.errors import DataError, UsageError
    from groundup.proposal import look, name_of, recipe_text
    from groundup.stages import parse_duration, recipe_from_text

    folder = options.folder
    if not folder.exists():
        raise DataError(f"{folder} does not exist.")
    if parse_duration(options.budget) is None:
        raise UsageError(f"--budget {options.budget} is not a time.", repair='Write it as "90s", "30m" or "2h".')
    name = name_of(folder)
    target = options.out or Path(f"{name}.toml")
    if target.exists():
        raise UsageError(f"{target} exists.", repair="Choose another file with --out.")
    found = look(folder)
    if not found.documents:
        raise DataError(f"{folder} holds no document that can be read: {found.problem_samples or 'it is empty'}.")
    text = recipe_text(name, folder.absolute(), options.budget, options.purpose, found)
    recipe_from_text(text, str(target))  # what we write is valid, or we fail here
    target.write_text(text, encoding="utf-8")
    call = shlex.quote(str(target))
    text = f"wrote {target}\nnext: groundup plan {call}\n      groundup run {call}"
    show(options, {"recipe": str(target), **asdict(found)}, text)
    return 0
