"""Documents: the noun that flows through collect and clean, and their Parquet shards.

A document that a step drops is kept as `Dropped`, with the stage, the step, the reason and the detail:
nothing vanishes silently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from groundup.core.errors import ArtifactError
from groundup.core.files import atomic_writer

COLUMNS = ("id", "content_hash", "text", "source", "path", "licence", "language", "date", "meta")
DROPPED_COLUMNS = (*COLUMNS, "stage", "step", "reason", "detail")


def hash_text(text: str) -> str:
    """The first 32 hexadecimal digits (128 bits) of the text's SHA-256: content_hash of a document."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def document_id(source: str, path: str) -> str:
    """A document's identity: a hash of where it came from, so that it stays the same when its text is cleaned."""
    return hash_text(f"{source}\n{path}")


@dataclass(frozen=True)
class Document:
    """One text with its origin. `id` hashes source and path; `content_hash` hashes the text as it is now."""

    text: str
    source: str  # the recipe's name of the source: "stories"
    path: str  # where in the source: a file, a URL, a row; unique within the source
    licence: str = ""  # SPDX where known, else the origin's words
    language: str = ""  # ISO 639-1, filled by clean
    date: str = ""  # ISO 8601, where the origin tells
    meta: dict[str, Any] = field(default_factory=dict)  # anything else, JSON
    id: str = ""
    content_hash: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", document_id(self.source, self.path))
        if not self.content_hash:
            object.__setattr__(self, "content_hash", hash_text(self.text))

    def with_text(self, text: str, **changes: Any) -> Document:
        """The same document (same id) with another text, and `changes` to other fields."""
        return replace(self, text=text, content_hash=hash_text(text), **changes)


@dataclass(frozen=True)
class Dropped:
    """A document a step took out, and why. `reason` is a short counted word; `detail` the evidence."""

    document: Document
    step: str
    reason: str
    detail: str = ""
    stage: str = "clean"


def write_documents(path: Path, documents: Iterable[Document | Dropped], *, batch: int = 1000) -> int:
    """Write one Parquet shard (zstd), atomically, streaming. Returns the number of rows.

    An iterable of `Dropped` writes the four extra columns. An empty iterable writes an empty shard.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = 0
    writer = None
    with atomic_writer(path) as file:
        rows: list[dict[str, Any]] = []

        def flush() -> None:
            nonlocal writer
            names = DROPPED_COLUMNS if rows and "reason" in rows[0] else COLUMNS
            schema = pa.schema([(name, pa.large_string() if name == "text" else pa.string()) for name in names])
            if writer is None:
                writer = pq.ParquetWriter(file, schema, compression="zstd")
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            rows.clear()

        for item in documents:
            rows.append(_row(item))
            count += 1
            if len(rows) >= batch:
                flush()
        if rows or writer is None:
            flush()
        assert writer is not None
        writer.close()
    return count


def read_documents(*paths: Path, batch: int = 500) -> Iterator[Document]:
    """Stream the documents of Parquet shards; a folder stands for all its ``*.parquet`` files in name order."""
    for row in _read_rows(paths, COLUMNS, batch):
        yield _document(row)


def read_dropped(*paths: Path, batch: int = 500) -> Iterator[Dropped]:
    """Stream what was dropped, with reasons."""
    for row in _read_rows(paths, DROPPED_COLUMNS, batch):
        yield Dropped(_document(row), step=row["step"], reason=row["reason"], detail=row["detail"], stage=row["stage"])


def shards_in(folder: Path) -> list[Path]:
    """The Parquet shards of a folder in name order (sub-folders included)."""
    return sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith("."))


def _row(item: Document | Dropped) -> dict[str, Any]:
    document = item.document if isinstance(item, Dropped) else item
    row = dict(vars(document))
    # Lone surrogates cannot be stored as UTF-8; they are not characters, so they become U+FFFD here.
    row["text"] = row["text"].encode("utf-8", "replace").decode("utf-8")
    row["meta"] = json.dumps(document.meta, ensure_ascii=False, sort_keys=True)
    if isinstance(item, Dropped):
        row.update(stage=item.stage, step=item.step, reason=item.reason, detail=item.detail)
    return row


def _document(row: dict[str, Any]) -> Document:
    values = {name: row[name] for name in COLUMNS}
    values["meta"] = json.loads(values["meta"] or "{}")
    return Document(**values)


def _read_rows(paths: Iterable[Path], columns: tuple[str, ...], batch: int) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in paths:
        for shard in shards_in(path) if path.is_dir() else [path]:
            try:
                with pq.ParquetFile(shard) as file:
                    if file.metadata.num_rows == 0:
                        continue
                    for table in file.iter_batches(batch_size=batch, columns=list(columns)):
                        yield from table.to_pylist()
            except (pa.ArrowException, OSError) as error:
                raise ArtifactError(
                    f"{shard} cannot be read as a shard of documents: {error}.",
                    repair="It is damaged or not ours; make its stage again with --again.",
                ) from None
