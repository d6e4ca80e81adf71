"""The data funnel: what was collected, what each step took out and why, with examples; what was changed."""

from __future__ import annotations

from typing import Any

from groundup.core.document import Dropped
from groundup.report.charts import bar
from groundup.report.markup import Html, number, shorten, tag
from groundup.report.read import Run


def section(run: Run) -> Html | None:
    """Funnel, examples of drops, changes. None before anything was collected."""
    collected = run.num_documents("1_collect/documents")
    if not collected:
        return None
    kept = run.num_documents("2_clean/documents")
    counts, samples = run.drops
    return tag(
        "section",
        tag("h2", "The data"),
        tag("p", _lead(collected, kept), class_="lead"),
        _statement(run),
        _funnel(collected, kept, counts),
        _reasons(samples, counts),
        _changes(run),
        id="data",
    )


def _lead(collected: int, kept: int | None) -> str:
    if kept is None:
        return f"{collected:,} documents were collected; they have not been cleaned yet."
    return (
        f"Of {collected:,} documents collected, {kept:,} were kept ({kept / collected:.0%}). Nothing vanishes silently."
    )


def _funnel(collected: int, kept: int | None, counts: dict[tuple[str, str], int]) -> Html:
    rows = [_row("collected", collected, 0, collected)]
    left = collected
    for (step, reason), count in counts.items():
        left -= count
        rows.append(_row(f"{step}: {reason.replace('_', ' ')}", max(0, left), count, collected))
    if kept is not None:
        rows.append(_row("kept", kept, 0, collected))
    return tag("div", rows, class_="funnel")


def _statement(run: Run) -> Html | None:
    """The data statement of clean.json, as it comes: a text, or names with texts, numbers, lists or counts."""
    record = run.json("2_clean/clean.json")
    statement = record.get("statement") if isinstance(record, dict) else None
    if isinstance(statement, str) and statement.strip():
        return tag("div", tag("h3", "Data statement"), [tag("p", part) for part in statement.split("\n\n")])
    if isinstance(statement, list):
        statement = {str(one.get("name", number)): one for number, one in enumerate(statement) if isinstance(one, dict)}
    if not isinstance(statement, dict):
        return None
    rows = [(str(name).replace("_", " ").capitalize(), _told(value)) for name, value in statement.items()]
    items = [tag("dt", name) + tag("dd", value) for name, value in rows if value]
    listed = tag("dl", [Html(item) for item in items], class_="facts")
    return tag("div", tag("h3", "Data statement"), listed) if items else None


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(item)}".replace("_", " ") for name, item in list(value.items())[:12])
    if isinstance(value, list):
        return ", ".join(_told(item) for item in value[:12])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value or "")


def _row(name: str, left: int, lost: int, whole: int) -> Html:
    change = f"-{lost:,}" if lost else f"{left:,}"
    label = f"{name}: {left:,} left" + (f", {lost:,} taken out" if lost else "")
    return tag(
        "div",
        tag("span", name, class_="name"),
        tag("span", bar(left / whole, lost=lost / whole, label=label), class_="drawn"),
        tag("span", change, class_="amount lost" if lost else "amount"),
        class_="funnel-row",
    )


def _reasons(samples: dict[tuple[str, str], list[Dropped]], counts: dict[tuple[str, str], int]) -> Html | None:
    if not samples:
        return None
    blocks = []
    for (step, reason), items in samples.items():
        shown = [
            tag(
                "div",
                tag("p", f"{item.document.source} / {item.document.path}", class_="origin"),
                tag("div", shorten(item.document.text, 320), class_="document"),
                tag("p", f"Why: {item.detail}", class_="why") if item.detail else None,
            )
            for item in items
        ]
        summary = tag(
            "summary", tag("b", reason.replace("_", " ")), f" by {step}, {counts[(step, reason)]:,} documents"
        )
        blocks.append(tag("details", summary, shown))
    return tag("div", tag("h3", "What was dropped, and why"), blocks)


def _changes(run: Run) -> Html | None:
    """Samples of changed documents, read from clean.json wherever a {before, after} pair is recorded."""
    record = run.json("2_clean/clean.json")
    found: list[tuple[str, dict[str, Any]]] = []
    _collect_samples(record, "", found)
    if not found:
        return None
    blocks = [
        tag(
            "div",
            tag("p", f"{name.strip(' /')}: {sample.get('path', '')}", class_="origin"),
            tag(
                "div",
                tag("div", tag("small", "before"), tag("div", shorten(str(sample["before"]), 240), class_="document")),
                tag("div", tag("small", "after"), tag("div", shorten(str(sample["after"]), 240), class_="document")),
                class_="pair",
            ),
        )
        for name, sample in found[:6]
    ]
    return tag("details", tag("summary", tag("b", "What was changed"), f", {len(blocks)} examples"), blocks)


def _collect_samples(value: Any, name: str, found: list[tuple[str, dict[str, Any]]]) -> None:
    """At most two changed samples under each name of the nested record."""
    if isinstance(value, dict):
        if value.get("before") and value.get("after") and value["before"] != value["after"]:
            if sum(1 for other, _ in found if other == name) < 2:
                found.append((name, value))
            return
        for key, item in value.items():
            _collect_samples(item, name if key == "samples" else f"{name} {key}", found)
    elif isinstance(value, list):
        for item in value:
            _collect_samples(
                item, f"{name} {item['step']}" if isinstance(item, dict) and "step" in item else name, found
            )


def totals(run: Run) -> list[tuple[str, str]]:
    """Figures for the top of the page."""
    collected, kept = run.num_documents("1_collect/documents"), run.num_documents("2_clean/documents")
    figures = []
    if kept:
        figures.append(("documents kept", number(kept)))
    elif collected:
        figures.append(("documents collected", number(collected)))
    return figures
