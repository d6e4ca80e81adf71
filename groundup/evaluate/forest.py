"""Comparisons as one picture: a dot and its 95 % interval a row, zero in the middle. SVG without a script.

Rows whose interval holds zero are drawn hollow: no evidence of a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from groundup.evaluate.compare import NO_EVIDENCE, Comparison

ROW, LEFT, WIDTH, RIGHT, TOP = 22, 330, 360, 210, 46  # pixels; taste
STYLE = (
    "text{font:12px sans-serif;fill:#222}.rail{stroke:#ddd}.zero{stroke:#888}.whisker{stroke:#1f5fa8;stroke-width:2}"
    ".dot{fill:#1f5fa8;stroke:#1f5fa8;stroke-width:2}.hollow{fill:#fff}.faint{fill:#666}"
)


def forest(comparisons: Sequence[Comparison], names: Sequence[str]) -> str:
    """The picture. names: of A and the others, as the reader called them. Differences are counted as gains."""
    rows = [(one, _as_gain(one)) for one in comparisons]
    reach = max((max(abs(low), abs(high)) for _, (_, low, high) in rows), default=0.0) or 1.0
    height = TOP + ROW * len(rows) + 30

    def across(value: float) -> float:
        return LEFT + WIDTH * (value / reach + 1) / 2

    middle = across(0.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" role="img">',
        f"<style>{STYLE}</style>",
        f'<text x="8" y="18">Gain over A = {escape(names[0])}, with 95 % intervals; hollow: {NO_EVIDENCE}</text>',
        f'<line class="zero" x1="{middle:.1f}" x2="{middle:.1f}" y1="{TOP - 14}" y2="{height - 24}"/>',
    ]
    for number, (one, (value, low, high)) in enumerate(rows):
        y = TOP + ROW * number
        name = names[ord(one.other) - ord("A")] if len(one.other) == 1 else one.other
        hollow = " hollow" if one.verdict == NO_EVIDENCE else ""
        said = f"{one.difference:+.3f}, p = {one.p:.2g}, n = {one.n}"
        parts += [
            f'<text x="8" y="{y + 4}">{escape(_short(f"{name}: {one.task}, {one.metric}"))}</text>',
            f'<line class="rail" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y}" y2="{y}"/>',
            f'<line class="whisker" x1="{across(low):.1f}" x2="{across(high):.1f}" y1="{y}" y2="{y}"/>',
            f'<circle class="dot{hollow}" cx="{across(value):.1f}" cy="{y}" r="4"/>',
            f'<text class="faint" x="{LEFT + WIDTH + 10}" y="{y + 4}">{escape(said)}</text>',
        ]
    ends = [(-reach, "start"), (0.0, "middle"), (reach, "end")]
    parts += [
        f'<text class="faint" x="{across(value):.1f}" y="{height - 8}" text-anchor="{anchor}">{value:+.3g}</text>'
        for value, anchor in ends
    ]
    return "\n".join([*parts, "</svg>", ""])


def _as_gain(one: Comparison) -> tuple[float, float, float]:
    """(difference, low, high), turned where lower is better."""
    if one.higher_is_better:
        return one.difference, one.low, one.high
    return -one.difference, -one.high, -one.low


def _short(text: str, most: int = 48) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
