"""JSON lines: one object a line; streamed, so that a file may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Iterator

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.columns import Columns
from groundup.collect.formats.plain import skip_line
from groundup.collect.options import SourceOptions


@register(".jsonl", ".ndjson")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One document a row; rows that are no JSON object with text are counted in one problem."""
    columns = Columns(opened.path, options)
    first: dict[str, object] | None = None
    used = 0
    number = 0
    while line := opened.stream.readline(options.max_bytes):
        number += 1
        if len(line) >= options.max_bytes and not line.endswith(b"\n"):
            skip_line(opened.stream)
            columns.skip(number, f"longer than max_bytes = {options.max_bytes:,}")
            continue
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8", "replace"))
        except ValueError as error:
            columns.skip(number, f"no JSON ({error})")
            continue
        if isinstance(row, str):
            row = {"text": row}
        if not isinstance(row, dict):
            columns.skip(number, f"a JSON {type(row).__name__}, not an object")
            continue
        first = first or row
        column = columns.text_column(row)
        if column is None:
            columns.skip(number, "no text column")
        elif found := columns.found(row, column, number):
            used += 1
            yield found
    if first is not None and not used and columns.text_column(first) is None:
        yield columns.no_text(first)
    else:
        yield from columns.problems()
    if not number:
        yield Problem(opened.path, "empty", "no rows")
