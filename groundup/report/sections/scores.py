"""Scores with their intervals, beside chance and the best simple rival; what is at chance says so."""

from __future__ import annotations

from groundup.core.score import Score
from groundup.report.charts import interval
from groundup.report.markup import Html, number, tag
from groundup.report.read import Run


def section(run: Run) -> Html | None:
    """None before evaluation."""
    if not run.scores:
        return None
    shares = [score for score in run.scores if _is_share(score)]
    others = [score for score in run.scores if not _is_share(score)]
    legend = tag(
        "p",
        tag("span", tag("i", class_="key line"), "the model, with its 95 % interval"),
        tag("span", tag("i", class_="key rival"), "best simple rival"),
        tag("span", tag("i", class_="key chance"), "chance"),
        class_="legend",
    )
    words = "Measured on documents the model never saw. A score whose interval includes chance shows no skill."
    return tag(
        "section",
        tag("h2", "The scores"),
        tag("p", words, class_="lead"),
        legend,
        [_row(score, (0.0, 1.0)) for score in shares],
        [_row(score, _span(score)) for score in others],
        id="scores",
    )


def _is_share(score: Score) -> bool:
    values = [score.value, score.low, score.high, score.chance or 0.0, score.baseline or 0.0]
    return score.higher_is_better and all(0 <= value <= 1 for value in values)


def _span(score: Score) -> tuple[float, float]:
    """An axis of its own for a score that is no share: from 0 (or the lowest value) to a little past the largest."""
    values = [score.low, score.high, score.value]
    values += [value for value in (score.chance, score.baseline) if value is not None]
    low, high = min(0.0, *values), max(values)
    return low, high + (high - low) * 0.05 or 1.0


def _row(score: Score, span: tuple[float, float]) -> Html:
    rivals = []
    if score.chance is not None:
        rivals.append((score.chance, "chance", "chance"))
    if score.baseline is not None:
        rivals.append((score.baseline, score.baseline_name or "baseline", "rival"))
    text = f"{score.task} {score.metric} {number(score.value)}, interval {number(score.low)} to {number(score.high)}"
    notes = []
    if score.baseline is not None:
        notes.append(f"{score.baseline_name or 'baseline'} {number(score.baseline)}")
    if score.chance is not None:
        notes.append(f"chance {number(score.chance)}")
    notes.append(f"{score.n:,} items")
    if not score.higher_is_better:
        notes.append("lower is better")
    name = score.task.replace("_", " ") + (f" ({score.source})" if score.source else "")
    return tag(
        "div",
        tag("div", tag("b", name), tag("small", score.metric.replace("_", " ")), class_="name"),
        tag("div", interval(score.low, score.value, score.high, rivals=rivals, span=span, text=text), class_="drawn"),
        tag(
            "div",
            tag("b", number(score.value)),
            tag("small", f"{number(score.low)} to {number(score.high)}"),
            class_="amount",
        ),
        tag("p", tag("b", verdict(score)) if verdict(score) else None, ", ".join(notes), class_="why"),
        class_="score-row",
    )


def verdict(score: Score) -> str:
    """What a reader must not miss, as a short sentence with a space behind it; "" where the score shows skill."""
    if score.at_chance:
        return "At chance. "
    if score.baseline is None:
        return ""
    best, worst = (score.high, score.low) if score.higher_is_better else (-score.low, -score.high)
    rival = score.baseline if score.higher_is_better else -score.baseline
    if best < rival:
        return "Below the simple rival. "
    return "Not clearly above the simple rival. " if worst <= rival else ""


def figures(run: Run, limit: int = 3) -> list[tuple[str, str]]:
    """Up to three scores for the top of the page: the first metric of each task."""
    first = {score.task: score for score in reversed(run.scores) if not score.source}
    chosen = [first[task] for task in dict.fromkeys(score.task for score in run.scores) if task in first]
    names = [dict.fromkeys((score.task.replace("_", " "), score.metric.replace("_", " "))) for score in chosen]
    return [(", ".join(name), number(score.value)) for name, score in zip(names, chosen[:limit], strict=False)]
