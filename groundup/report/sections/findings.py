"""What the audit found, and whether the gate lets the model out."""

from __future__ import annotations

from typing import Any

from groundup.report.markup import Html, number, table, tag
from groundup.report.read import Run

PASSED = ("passed", "pass", "ok", "open")


def section(run: Run) -> Html | None:
    """None before the audit."""
    findings, gate = run.json("7_audit/findings.json"), run.json("7_audit/gate.json")
    if findings is None and gate is None:
        return None
    if isinstance(findings, dict):
        findings = findings.get("findings", [{"name": name, **_as_dict(value)} for name, value in findings.items()])
    rows = [_row(item) for item in findings or [] if isinstance(item, dict)]
    head = ["finding", "value", "interval", "limit", ""]
    if not any(row[3] or row[4] for row in rows):  # no limit was set: two columns would stand empty
        head, rows = head[:3], [row[:3] for row in rows]
    return tag(
        "section",
        tag("h2", "The findings"),
        _gate(gate) if isinstance(gate, dict) else None,
        table(head, rows, numbers=(1, 2, 3)) if rows else tag("p", "None."),
        id="findings",
    )


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"value": value}


def _row(item: dict[str, Any]) -> list[Any]:
    name = " ".join(str(item[key]) for key in ("audit", "kind", "name", "metric") if item.get(key) is not None)
    words = next((str(item[key]) for key in ("text", "note", "message", "summary") if item.get(key)), "")
    value, low, high, limit = (item.get(key) for key in ("value", "low", "high", "limit"))
    passed = item.get("passed")
    verdict = "" if passed is None else tag("b", "within" if passed else "broken", class_="good" if passed else "bad")
    return [
        tag("div", name.replace("_", " "), tag("small", words) if words else None),
        _shown(value) or "not measured",
        f"{_shown(low)} to {_shown(high)}" if low is not None and high is not None else "",
        _shown(limit),
        verdict,
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else ("yes" if value else "no")
    return number(value) if isinstance(value, int | float) else str(value)[:80]


def _gate(gate: dict[str, Any]) -> Html:
    verdict = next((gate[key] for key in ("passed", "pass", "open", "state", "verdict") if key in gate), None)
    passed = verdict is True or str(verdict).lower() in PASSED
    broken: list[Any] = next((gate[key] for key in ("broken", "failed", "reasons") if gate.get(key)), [])
    names = [str(item.get("name", item)) if isinstance(item, dict) else str(item) for item in broken]
    if passed:
        words = "Every limit is kept: the model may be released."
    else:
        listed = ", ".join(name.replace("_", " ") for name in names)
        words = "The gate is closed: a release needs a written waiver." + (f" Broken: {listed}." if listed else "")
    waiver = gate.get("waiver")
    return tag(
        "div",
        tag("b", "Gate open. " if passed else "Gate closed. ", class_="good" if passed else "bad"),
        words,
        tag("p", f"Waiver: {waiver}") if waiver else None,
        class_="gate",
    )
