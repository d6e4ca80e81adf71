"""Texts from outside the corpus: evaluation sets, an older corpus, examples of good and bad.

In: files or folders that an option names. Out: rows, dictionaries with at least one text. Reads our own Parquet shards
(a run's ``2_clean`` or ``documents`` folder too), JSON lines, JSON, CSV and TSV (each also .gz, .bz2, .xz or .zst), and
plain text or Markdown, one text a file.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from groundup.core.document import read_documents
from groundup.core.errors import ArtifactError, DataError

TEXT = ("text", "content", "body", "document", "tweet", "sentence")
PACKED: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
TABLES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
TEXTS = (".txt", ".md", ".rst")


def rows_of(places: Sequence[str], option: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(file name, row number from 1, row) of every file in `places`. option: who asks, for the error.

    Raises DataError for a place that does not exist or holds nothing that can be read.
    """
    for place in places:
        found = False
        for name, path in _files(Path(place).expanduser(), option):
            for number, row in enumerate(_rows(path), start=1):
                found = True
                yield name, number, row
        if not found:
            raise DataError(f"{option}: nothing to read in {place}.", repair="Name a file or folder of texts.")


def texts_of(places: Sequence[str], option: str) -> Iterator[str]:
    """The main text of every row; a row whose columns we do not know gives its longest text."""
    for _, _, row in rows_of(places, option):
        text = text_of(row)
        if text.strip():
            yield text


def text_of(row: dict[str, Any]) -> str:
    """The text of a row: the usual column, else its longest text."""
    named = next((row[name] for name in TEXT if isinstance(row.get(name), str)), None)
    return named if named is not None else max((v for v in row.values() if isinstance(v, str)), key=len, default="")


def _files(place: Path, option: str) -> Iterator[tuple[str, Path]]:
    if not place.exists():
        raise DataError(f"{option} names {place}, which does not exist.", repair="Correct the path in the recipe.")
    if place.is_file():
        yield place.name, place
        return
    for inner in ("2_clean/documents", "documents"):  # a run, a stage's folder
        if (place / inner).is_dir():
            place = place / inner
            break
    for path in sorted(place.rglob("*")):
        is_about = path.name.lower().startswith("readme")  # about the texts, none of them
        if (
            path.is_file()
            and not is_about
            and not path.name.startswith(".")
            and _kind(path) in (*TABLES, *TEXTS, ".parquet")
        ):
            yield path.relative_to(place).as_posix(), path


def _kind(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (*PACKED, ".zst"):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _open(path: Path) -> BinaryIO:
    if path.suffix in PACKED:
        return cast(BinaryIO, PACKED[path.suffix](path))
    if path.suffix == ".zst":
        import zstandard

        return cast(BinaryIO, zstandard.open(path, "rb"))
    return open(path, "rb")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    kind = _kind(path)
    try:
        if kind == ".parquet":
            for document in read_documents(path):
                yield {"text": document.text, "id": document.id, "licence": document.licence}
            return
        with _open(path) as stream, io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="") as text:
            if kind in (".jsonl", ".ndjson"):
                values: Iterator[Any] = (json.loads(line) for line in text if line.strip())
            elif kind == ".json":
                values = iter(_list_in(json.load(text)))
            elif kind in (".csv", ".tsv"):
                values = iter(csv.DictReader(text, delimiter="\t" if kind == ".tsv" else ","))
            else:
                values = iter([text.read()])
            for value in values:
                yield value if isinstance(value, dict) else {"text": str(value)}
    except (OSError, EOFError, ValueError, csv.Error, lzma.LZMAError, ArtifactError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None


def _list_in(value: Any) -> list[Any]:
    """The items of a JSON file: a list, or the rows nested in an object (SQuAD: data, paragraphs, qas)."""
    if isinstance(value, list):
        return [row for item in value for row in (_list_in(item) if _is_nest(item) else [item])]
    return (
        _list_in(next((part for part in value.values() if isinstance(part, list)), [value]))
        if _is_nest(value)
        else [value]
    )


def _is_nest(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    parts = [part for part in value.values() if isinstance(part, list) and part and isinstance(part[0], dict)]
    return len(parts) == 1 and not any(isinstance(value.get(name), str) for name in ("question", "context", *TEXT))
