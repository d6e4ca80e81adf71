"""Results on stdout: text for people, JSON for programs. Shared by the verbs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from groundup.core.console import Console
from groundup.core.manifest import as_plain


def console_of(options: argparse.Namespace) -> Console:
    """The console a verb works with."""
    return Console(quiet=options.quiet)


def show(options: argparse.Namespace, value: Any, text: str) -> None:
    """Print `text`, or `value` as JSON when --json was given."""
    print(json.dumps(as_plain(value), indent=2, ensure_ascii=False, default=str) if options.json else text)


def columns(rows: Sequence[Sequence[object]], *, head: Sequence[str] = ()) -> str:
    """Rows as aligned columns: numbers to the right, text to the left."""
    table = [[str(cell) for cell in row] for row in ([head, *rows] if head else rows)]
    if not table:
        return ""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    right = [all(_numeric(row[column]) for row in table[1 if head else 0 :]) for column in range(len(widths))]
    lines = []
    for row in table:
        cells = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def add_seed(parser: argparse.ArgumentParser) -> None:
    """The shared spelling of --seed."""
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same text (default 0)")


def _numeric(cell: str) -> bool:
    return cell.strip("-+.,% ").replace(",", "").replace(".", "").isdigit() or cell in ("", "-")
