"""A JSON file: a list of objects, or one object that holds a text or a list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.columns import Columns
from groundup.collect.encoding import BinaryData, decode
from groundup.collect.options import SourceOptions


@register(".json")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One document a row."""
    data = opened.stream.read(options.max_bytes + 1)
    if len(data) > options.max_bytes:
        yield Problem(opened.path, "too_large", f"longer than max_bytes = {options.max_bytes:,}; use JSON lines")
        return
    try:
        value = json.loads(decode(data)[0])
    except BinaryData as error:
        yield Problem(opened.path, "binary", f"not text: {error}")
        return
    except (ValueError, RecursionError) as error:
        yield Problem(opened.path, "bad_json", str(error)[:300])
        return
    columns = Columns(opened.path, options)
    rows = _rows(value, columns)
    used = False
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str):
            row = {"text": row}
        column = columns.text_column(row) if isinstance(row, dict) else None
        if column is None:
            columns.skip(number, "no text column")
        elif found := columns.found(row, column, number):
            used = True
            yield found
    if not used:
        names = rows[0] if rows and isinstance(rows[0], dict) else value if isinstance(value, dict) else ()
        yield columns.no_text(names)
    else:
        yield from columns.problems()


def _rows(value: Any, columns: Columns) -> list[Any]:
    """The rows in a value: itself, or the longest list of objects in it."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        if columns.text_column(value) is not None:
            return [value]
        lists = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
        return max(lists, key=len, default=[])
    return []
