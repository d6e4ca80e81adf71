"""The data funnel: what was collected, what each step took out and why, with examples; what was changed."""

from __future__ import annotations

from typing import Any

from groundup.core.document import Dropped
from groundup.report.charts import bar
from groundup.report.markup import Html, number, shorten, tag
from groundup.report.read import Run
from groundup.report.sections.statement import statement

NAMED = 5  # reasons named under a step's bar; all of them stand below with examples


def section(run: Run) -> Html | None:
    """Funnel, examples of drops, changes. None before anything was collected."""
    collected = run.num_documents("1_collect/documents")
    if not collected:
        return None
    kept = run.num_documents("2_clean/documents")
    counts, samples = run.drops
    reasons = _by_step(run, counts)
    return tag(
        "section",
        tag("h2", "The data"),
        tag("p", _lead(collected, kept), class_="lead"),
        _funnel(collected, kept, reasons),
        statement(run),
        _reasons(samples, reasons),
        _changes(run),
        id="data",
    )


def _lead(collected: int, kept: int | None) -> str:
    if kept is None:
        return f"{collected:,} documents were collected; they have not been cleaned yet."
    return (
        f"Of {collected:,} documents collected, {kept:,} were kept ({kept / collected:.0%}). Nothing vanishes silently."
    )


def _by_step(run: Run, counts: dict[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Step -> reason -> documents: steps in the recipe's order, the commonest reason first."""
    record = run.json("2_clean/clean.json")
    steps = record.get("steps", []) if isinstance(record, dict) else []
    order = [str(step.get("step")) for step in steps if isinstance(step, dict)]
    grouped: dict[str, dict[str, int]] = {step: {} for step in order if any(step == name for name, _ in counts)}
    for (step, reason), count in sorted(counts.items(), key=lambda item: -item[1]):
        grouped.setdefault(step, {})[reason] = count
    return grouped


def _said(reason: str) -> str:
    """ "gopher.too_short" for people: "too short (gopher)"."""
    rule, _, name = reason.rpartition(".")
    return f"{name.replace('_', ' ')} ({rule})" if rule else name.replace("_", " ")


def _funnel(collected: int, kept: int | None, reasons: dict[str, dict[str, int]]) -> Html:
    rows = [_row("collected", collected, 0, collected)]
    left = collected
    for step, dropped in reasons.items():
        left -= sum(dropped.values())
        named = [f"{_said(reason)} {count:,}" for reason, count in dropped.items()]
        more = f", {len(named) - NAMED} more reasons" if len(named) > NAMED else ""
        rows.append(_row(step, max(0, left), sum(dropped.values()), collected, ", ".join(named[:NAMED]) + more))
    if kept is not None:
        rows.append(_row("kept", kept, 0, collected))
    return tag("div", rows, class_="funnel")


def _row(name: str, left: int, lost: int, whole: int, why: str = "") -> Html:
    change = f"-{lost:,}" if lost else f"{left:,}"
    label = f"{name}: {left:,} left" + (f", {lost:,} taken out" if lost else "")
    return tag(
        "div",
        tag("span", name, class_="name"),
        tag("span", bar(left / whole, lost=lost / whole, label=label), class_="drawn"),
        tag("span", change, class_="amount lost" if lost else "amount"),
        tag("p", why, class_="why") if why else None,
        class_="funnel-row",
    )


def _reasons(samples: dict[tuple[str, str], list[Dropped]], reasons: dict[str, dict[str, int]]) -> Html | None:
    if not samples:
        return None
    blocks = [
        tag(
            "details",
            tag("summary", tag("b", _said(reason)), f" by {step}, {count:,} document{'s' if count != 1 else ''}"),
            [_example(item) for item in samples[(step, reason)]],
        )
        for step, dropped in reasons.items()
        for reason, count in dropped.items()
    ]
    return tag("div", tag("h3", "What was dropped, and why"), blocks)


def _example(item: Dropped) -> Html:
    return tag(
        "div",
        tag("p", f"{item.document.source} / {item.document.path}", class_="origin"),
        tag("div", shorten(item.document.text, 320), class_="document"),
        tag("p", f"Why: {item.detail}", class_="why") if item.detail else None,
    )


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
