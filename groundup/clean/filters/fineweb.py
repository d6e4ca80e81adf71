"""FineWeb's own rules (Penedo et al. 2024, "The FineWeb Datasets", section 3.6): lists, menus, repeated lines."""

from __future__ import annotations

from groundup.clean.filters.measure import FILTERS, Measured, Reason
from groundup.clean.filters.repetition import duplicate_shares
from groundup.clean.options import QualityOptions

_MARKS = (".", "!", "?", "\u2026", '."', '!"', '?"', ".\u201d", "!\u201d", "?\u201d", ".'", ".)", "\u3002", "\uff01",
          "\uff1f", "\u300d", "\u0964", "\u06d4", "\u061f", ":", '"', "\u201d")  # fmt: skip


@FILTERS.register("fineweb")
def fineweb(measured: Measured, options: QualityOptions) -> Reason | None:
    """Few lines that end as sentences do, many short lines, repeated lines, many line breaks. Pages only."""
    if measured.is_book or measured.kind == "markdown":
        return None
    rule = options.fineweb
    lines = measured.content_lines or measured.lines
    ended = sum(line.endswith(_MARKS) for line in lines) / len(lines)
    if ended < rule.min_lines_with_end_mark:
        return "no_end_marks", f"{ended:.0%} of the lines end in a mark"
    short = sum(len(line) <= rule.short_line_characters for line in lines) / len(lines)
    if short > rule.max_short_lines:
        return "short_lines", f"{short:.0%} of the lines"
    _, characters = duplicate_shares(lines)
    if characters > rule.max_duplicate_line_characters:
        return "repeated_lines", f"{characters:.1%} of the characters"
    breaks = len(lines) / max(1, len(measured.words))
    if breaks > rule.max_newlines_per_word and not measured.is_unspaced:
        return "many_breaks", f"{breaks:.2f} a word"
    return None
