"""Charts as SVG without a script: curves, intervals, bars. Colours come from the page's CSS.

Everything scales with the page while text and strokes keep their size: positions are percentages, curves live in a
stretched inner drawing with non-scaling strokes, and labels are HTML beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundup.report.markup import Html, number, tag

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """One line of a chart. kind: "line", "faint" (the raw values behind a smooth line) or "second" (dashed)."""

    points: list[Point]
    name: str
    kind: str = "line"


def smooth(points: list[Point], weight: float = 0.95) -> list[Point]:
    """Exponential moving average that follows closely at the start, where a loss falls fast, and calms down later."""
    result, mean = [], 0.0
    for index, (x, y) in enumerate(points):
        now = min(weight, index / (index + 8))
        mean = now * mean + (1 - now) * y
        result.append((x, mean))
    return result


def thin(points: list[Point], limit: int = 600) -> list[Point]:
    """At most about `limit` points, keeping the lowest and highest of each bucket, so that spikes stay visible."""
    if len(points) <= limit:
        return points
    size = math.ceil(len(points) / (limit / 2))
    kept: list[Point] = []
    for start in range(0, len(points), size):
        bucket = points[start : start + size]
        ends = {min(bucket, key=lambda point: point[1]), max(bucket, key=lambda point: point[1])}
        kept += sorted(ends)
    return kept


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values between low and high (1, 2, 2.5 or 5 times a power of ten)."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def line_chart(curves: list[Curve], *, x_name: str, y_name: str, title: str) -> Html | None:
    """Curves over one x axis. None when there is nothing to draw."""
    curves = [Curve([p for p in c.points if all(map(math.isfinite, p))], c.name, c.kind) for c in curves]
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return None
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    low_x, high_x = min(xs), max(max(xs), min(xs) + 1e-9)
    pad = (max(ys) - min(ys)) * 0.06 or 0.1
    low_y, high_y = min(ys) - pad, max(ys) + pad

    def place(point: Point) -> str:
        x = (point[0] - low_x) / (high_x - low_x) * 1000
        y = (high_y - point[1]) / (high_y - low_y) * 1000
        return f"{x:.1f},{y:.1f}"

    lines = [
        tag("polyline", points=" ".join(place(point) for point in thin(curve.points)), class_=f"curve {curve.kind}")
        for curve in curves
    ]
    y_ticks = [(value, (high_y - value) / (high_y - low_y) * 100) for value in ticks(low_y, high_y)]
    x_ticks = [(value, (value - low_x) / (high_x - low_x) * 100) for value in ticks(low_x, high_x, 5)]
    grid = [tag("line", x1=0, x2=1000, y1=f"{top * 10:.1f}", y2=f"{top * 10:.1f}", class_="grid") for _, top in y_ticks]
    plot = tag("svg", grid, lines, viewBox="0 0 1000 1000", preserveAspectRatio="none", role="img", aria_label=title)
    y_labels = [tag("span", number(round(value, 6)), style=f"top:{top:.1f}%") for value, top in y_ticks]
    x_labels = [tag("span", number(round(value, 6)), style=f"left:{left:.1f}%") for value, left in x_ticks if left < 90]
    legend = [
        tag("span", tag("i", class_=f"key {curve.kind}"), f"{curve.name} ", tag("b", number(curve.points[-1][1])))
        for curve in curves
        if curve.kind != "faint"
    ]
    return tag(
        "figure",
        tag("figcaption", tag("span", tag("b", title), f", {y_name}"), tag("span", legend, class_="legend")),
        tag("div", y_labels, class_="y-axis", aria_hidden="true"),
        tag("div", plot, class_="plot"),
        tag("div", x_labels, tag("span", x_name, class_="axis-name"), class_="x-axis", aria_hidden="true"),
        class_="chart",
    )


def interval(
    low: float, value: float, high: float, *, rivals: list[tuple[float, str, str]], span: tuple[float, float], text: str
) -> Html:
    """A dot with its whisker on an axis `span`; rivals are (value, name, kind) ticks beside it."""

    def left(amount: float) -> str:
        share = (amount - span[0]) / ((span[1] - span[0]) or 1)
        return f"{min(1.0, max(0.0, share)) * 100:.2f}%"

    marks = [
        tag(
            "line", tag("title", f"{name} {number(amount)}"), x1=left(amount), x2=left(amount), y1=4, y2=24, class_=kind
        )
        for amount, name, kind in rivals
    ]
    return tag(
        "svg",
        tag("line", x1="0%", x2="100%", y1=14, y2=14, class_="rail"),
        marks,
        tag("line", x1=left(low), x2=left(high), y1=14, y2=14, class_="whisker"),
        tag("line", x1=left(low), x2=left(low), y1=9, y2=19, class_="whisker"),
        tag("line", x1=left(high), x2=left(high), y1=9, y2=19, class_="whisker"),
        tag("circle", tag("title", text), cx=left(value), cy=14, r=5, class_="dot"),
        class_="interval",
        role="img",
        aria_label=text,
        height=28,
        width="100%",
    )


def bar(share: float, *, lost: float = 0.0, label: str = "") -> Html:
    """A bar filled to `share` of its width, followed by `lost` in another tone (both between 0 and 1)."""
    share, lost = min(1.0, max(0.0, share)), min(1.0, max(0.0, lost))
    return tag(
        "svg",
        tag("rect", x=0, y=2, width="100%", height=14, rx=3, class_="bar-rail"),
        tag("rect", x=0, y=2, width=f"{share * 100:.2f}%", height=14, rx=3, class_="bar-kept"),
        tag("rect", x=f"{share * 100:.2f}%", y=2, width=f"{lost * 100:.2f}%", height=14, class_="bar-lost")
        if lost > 0
        else None,
        class_="bar",
        height=18,
        width="100%",
        role="img",
        aria_label=label,
    )
