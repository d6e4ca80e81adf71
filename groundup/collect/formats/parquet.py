"""Parquet tables, read in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.columns import DATE, KEPT, LANGUAGE, LICENCE, Columns
from groundup.collect.options import SourceOptions
from groundup.collect.packing import seekable


@register(".parquet")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One document a row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = Columns(opened.path, options)
    try:
        with pq.ParquetFile(seekable(opened.stream)) as file:
            names = file.schema_arrow.names
            column = columns.text_column(names)
            if column is None:
                yield columns.no_text(names)
                return
            wanted = [name for name in names if name in {column, "file", *LICENCE, *LANGUAGE, *DATE, *KEPT}]
            number = 0
            for batch in file.iter_batches(batch_size=256, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    if found := columns.found(row, column, number):
                        yield found
    except (pa.ArrowException, OSError) as error:
        yield Problem(opened.path, "damaged", f"not a whole Parquet file: {error}"[:300])
    yield from columns.problems()
