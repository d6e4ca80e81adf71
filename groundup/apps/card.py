"""What is known of an application: the scores it reached when they were last measured, and its limits, as a card section.

`measured.json` is written by `python -m benchmarks.apps --write`; the studio's pages, `groundup app NAME --card` and the
table in docs/how_to/applications.md all read it, so that a figure stands in one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup.apps.base import App
from groundup.core.files import read_json

MEASURED = Path(__file__).parent / "measured.json"
COLUMNS = ("task", "metric", "ours", "95 %", "n", "baseline", "published")


def measured(name: str) -> list[dict[str, Any]]:
    """The scores of an application, one a row: task, metric, value, low, high, n, baseline, published, command ..."""
    rows: list[dict[str, Any]] = read_json(MEASURED).get(name, {}).get("scores", [])
    return rows


def facts(name: str) -> dict[str, Any]:
    """How it was measured: command, date, machine, the size of its models, milliseconds of one call."""
    found = dict(read_json(MEASURED).get(name, {}))
    found.pop("scores", None)
    return found


def shown(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A score as COLUMNS."""
    beside = "" if row.get("baseline") is None else f"{row['baseline']:.3f} {row.get('baseline_name', '')}".strip()
    interval = f"{row['low']:.3f} to {row['high']:.3f}"
    return (
        row["title"],
        row["metric"],
        f"{row['value']:.3f}",
        interval,
        str(row["n"]),
        beside,
        row.get("published", ""),
    )


def section(app: App, rows: Sequence[Mapping[str, Any]] | None = None) -> str:
    """Markdown: what it is for, what was measured, what it cannot do. rows: fresh scores in the place of the kept ones."""
    found, known = (measured(app.name) if rows is None else list(rows)), facts(app.name)
    lines = [f"## {app.name.capitalize()}", "", app.purpose, ""]
    if found:
        lines += [line(COLUMNS), line(["---"] * len(COLUMNS)), *(line(shown(row)) for row in found), ""]
        how = [f"`{known['command']}`"] if known.get("command") else []
        how += [str(known[key]) for key in ("date", "machine", "size") if known.get(key)]
        how += [f"{known['milliseconds']} ms a call"] if known.get("milliseconds") else []
        lines += ["Measured: " + ", ".join(how) + ".", ""] if how and rows is None else []
    lines += ["What it cannot do:", "", *(f"- {one}" for one in app.limits), ""]
    return "\n".join(lines)


def line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
