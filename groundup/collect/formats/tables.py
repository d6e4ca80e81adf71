"""CSV and TSV with a header line; streamed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO, cast

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.columns import Columns
from groundup.collect.encoding import HEAD_BYTES, BinaryData, encoding_of
from groundup.collect.options import SourceOptions


@register(".csv", ".tsv")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One document a row."""
    stream = opened.stream if hasattr(opened.stream, "peek") else io.BufferedReader(cast(io.RawIOBase, opened.stream))
    head = cast(io.BufferedReader, stream).peek(HEAD_BYTES)[: 8 * HEAD_BYTES]
    try:
        encoding = encoding_of(head)
    except BinaryData as error:
        yield Problem(opened.path, "binary", f"not text: {error}")
        return
    csv.field_size_limit(max(csv.field_size_limit(), options.max_bytes))
    lines = io.TextIOWrapper(cast(BinaryIO, stream), encoding=encoding, errors="replace", newline="")
    # "excel" quoting for both; a TSV rarely quotes, but where it does this is the way
    rows = csv.reader(_bounded(lines, options.max_bytes), delimiter="\t" if opened.suffix == ".tsv" else ",")
    columns = Columns(opened.path, options)
    try:
        names = next(rows, [])
        column = columns.text_column(names)
        if column is None:
            yield columns.no_text(names)
            return
        number = 0
        while True:
            try:
                values = next(rows)
            except StopIteration:
                break
            except csv.Error as error:
                columns.skip(number + 1, str(error))
                break
            number += 1
            if found := columns.found(dict(zip(names, values, strict=False)), column, number):
                yield found
    finally:
        lines.detach()
    yield from columns.problems()


def _bounded(lines: io.TextIOWrapper, limit: int) -> Iterator[str]:
    while line := lines.readline(limit):
        yield line
