"""Scores as a table for a terminal, with the remark that a reader needs: at chance, or no better than a simple rival."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.core.score import Score


def table(scores: Sequence[Score]) -> str:
    """The scores for a terminal: value, interval, n, chance, the best simple rival, and what to think of it."""
    rows = [("task", "metric", "value", "95 % interval", "n", "chance", "baseline", "")]
    keys = [(score.task, score.metric, score.source) for score in scores]
    for score, key in zip(scores, keys, strict=True):
        name = f"{score.task} ({score.source})" if score.source else score.task
        if keys.count(key) > 1:  # asked with several numbers of shots
            name += f", {score.protocol.rpartition(' ')[2]}"
        rival = "" if score.baseline is None else f"{score.baseline:.3f} {score.baseline_name}"
        rows.append(
            (
                name,
                score.metric,
                f"{score.value:.3f}",
                f"{score.low:.3f} to {score.high:.3f}",
                str(score.n),
                "" if score.chance is None else f"{score.chance:.3f}",
                rival,
                remark(score),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numbers = {2, 4, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def headline(score: Score) -> str:
    """One score in a line: metric, value, interval."""
    return f"{score.metric} {score.value:.3f} ({score.low:.3f} to {score.high:.3f})"


def remark(score: Score) -> str:
    """What a reader should know at a glance: at chance, below the baseline, or nothing."""
    if score.at_chance:
        return "at chance"
    if score.baseline is None:
        return ""
    ahead = score.low > score.baseline if score.higher_is_better else score.high < score.baseline
    behind = score.high < score.baseline if score.higher_is_better else score.low > score.baseline
    if ahead:
        return ""
    return "below the baseline" if behind else "not clearly above the baseline"
