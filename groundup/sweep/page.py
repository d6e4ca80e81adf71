"""sweep.html: which value won, by how much, and which key mattered. One page without scripts, as the report is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from groundup.core.console import clock
from groundup.core.files import write_bytes
from groundup.report.charts import Curve, bar, line_chart
from groundup.report.markup import Html, join, table, tag
from groundup.sweep.analysis import importance, power_law, summarize
from groundup.sweep.ledger import Trial
from groundup.sweep.run import Result
from groundup.sweep.space import Axis

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # as the report's
SHOWN_CURVES = 8  # more lines than that cannot be told apart; taste


def write_page(result: Result, axes: Sequence[Axis], method: str, points: Sequence[tuple[float, float]] = ()) -> Path:
    """Write sweep.html into the sweep's folder. points: (compute, score) of a ladder."""
    path = result.folder / "sweep.html"
    write_bytes(path, render(result, axes, method, points).encode("utf-8", "replace"))
    return path


def render(result: Result, axes: Sequence[Axis], method: str, points: Sequence[tuple[float, float]] = ()) -> str:
    """The page as text."""
    trials = result.ledger.finished
    parts = [_head(result, method), _rows(result, method), _mattered(result, axes), _by_value(trials, axes, result)]
    parts += [_ladder(points), _curves(trials, str(result.goal)), _others(trials)]
    body = tag("main", join(part for part in parts if part is not None))
    style = files("groundup.report").joinpath("page.css").read_text(encoding="utf-8")
    policy = tag("meta", http_equiv="Content-Security-Policy", content=POLICY)
    head = tag("head", tag("meta", charset="utf-8"), policy, tag("title", "Sweep"), tag("style", Html(style)))
    return "<!doctype html>\n" + tag("html", head, tag("body", body), lang="en")


def _head(result: Result, method: str) -> Html:
    states = [trial.state for trial in result.ledger.trials.values()]
    counts = ", ".join(f"{states.count(name)} {name}" for name in dict.fromkeys(states))
    spent = clock(sum(trial.seconds for trial in result.ledger.trials.values()))
    way = "lower is better" if result.goal.lower else "higher is better"
    lead = f"{method}, {result.goal} ({way}). Trials: {counts}; {spent} of work."
    note = tag("p", f"Not everything was tried: {result.stopped}.") if result.stopped else None
    return tag("section", tag("h1", "Sweep"), tag("p", lead, class_="lead"), note)


def _rows(result: Result, method: str) -> Html | None:
    rows = summarize(result.ledger.done, result.goal, against_base=method == "ablation")
    if not rows:
        return tag("section", tag("p", "No trial has finished."))
    head = ["what", str(result.goal), "95 % over seeds", "seeds", "time"]
    cells: list[list[object]] = []
    for row in rows:
        cells.append([row.name, f"{row.mean:.4f}", _between(row.low, row.high), row.num_seeds, clock(row.seconds)])
        if method == "ablation":
            cells[-1] += ["" if math.isnan(row.difference) else f"{row.difference:+.4f}"]
            cells[-1] += [_between(row.difference_low, row.difference_high), row.verdict]
    if method == "ablation":
        head += ["difference to base", "95 %", ""]
    return tag("section", tag("h2", "What came out"), table(head, cells, numbers=(1, 3)))


def _between(low: float, high: float) -> str:
    return "-" if math.isnan(low) else f"{low:.4f} to {high:.4f}"


def _mattered(result: Result, axes: Sequence[Axis]) -> Html | None:
    found = importance(result.ledger.done, axes, result.goal)
    if not found:
        return None
    rows = [[one.key, bar(one.share), f"{one.share:.0%}", str(one.best)] for one in found]
    lead = "The share of the scores' variance that each key alone explains. Keys that act together share theirs."
    head = ["key", "", "explains", "value of the best trial"]
    return tag("section", tag("h2", "What mattered"), tag("p", lead), table(head, rows, numbers=(2,)))


def _by_value(trials: Sequence[Trial], axes: Sequence[Axis], result: Result) -> Html | None:
    charts = []
    for axis in axes:
        points = [
            (math.log10(float(value)) if axis.log else float(value), trial.score)
            for trial in trials
            if trial.state == "done" and trial.score is not None
            if isinstance(value := trial.values.get(axis.key), int | float) and not isinstance(value, bool)
        ]
        if len({x for x, _ in points}) > 1:
            name = f"log10 of {axis.key}" if axis.log else axis.key
            line = [Curve(sorted(points), "a trial")]
            charts.append(line_chart(line, x_name=name, y_name=str(result.goal), title=f"{result.goal} by {name}"))
    return tag("section", tag("h2", "By value"), join(charts)) if charts else None


def _ladder(points: Sequence[tuple[float, float]]) -> Html | None:
    law = power_law([x for x, _ in points], [y for _, y in points])
    if law is None:
        return None
    logs = sorted((math.log10(x), y) for x, y in points)
    reach = [*(x for x, _ in logs), logs[-1][0] + 1]
    fitted = Curve([(x, law.at(10**x)) for x in reach], "fit, ten times further", "second")
    chart = line_chart([Curve(logs, "measured"), fitted], x_name="log10 of FLOPs", y_name="score", title="Scaling")
    said = (
        f"score = {law.factor:.4g} x FLOPs^-{law.exponent:.4f}, off by {law.error:.1%} at its points. Ten times the compute: "
        f"{law.at(10 ** logs[-1][0] * 10):.4f}, if the line goes on."
    )
    return tag("section", tag("h2", "Scaling ladder"), tag("p", said), chart)


def _curves(trials: Sequence[Trial], name: str) -> Html | None:
    curves = [
        Curve([(float(step), value) for step, value in trial.looks], f"{trial.number}: {trial.name}")
        for trial in trials
        if len(trial.looks) > 1
    ]
    chart = line_chart(curves[:SHOWN_CURVES], x_name="step", y_name=name, title=f"{name} while training")
    return None if chart is None else tag("section", tag("h2", "While training"), chart)


def _others(trials: Sequence[Trial]) -> Html | None:
    rows = [
        [trial.number, trial.name, trial.state, trial.error or "dropped"] for trial in trials if trial.state != "done"
    ]
    return tag("section", tag("h2", "Not finished"), table(["trial", "what", "", "why"], rows)) if rows else None
