"""Files of examples as people have them, read row by row into our `Example` (what a row may look like: `shapes`).

Files: .jsonl, .json (a list of rows, or SQuAD), .csv, .tsv, each also as .gz or .zst. `columns` renames the user's
columns to the names above: {"text": "review", "label": "stars"} (ours = theirs); numbers for a table without a first
line of names: {"label": "1", "text": "2"}. In .tsv a quotation mark is a character like any other.

A row that cannot be used is a `Broken` with its line and the reason, in the place where it stood.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from groundup.core.errors import DataError, near
from groundup.core.example import Example
from groundup.finetune.shapes import RowError, example_of, kind_of

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv")
PACKINGS = (".gz", ".zst")
MAX_ROW_CHARACTERS = 10_000_000  # a longer line is no row of examples; taste, bounds memory


@dataclass(frozen=True)
class Broken:
    """A row that was not usable. line: in the file, from 1 (for JSON and SQuAD: the row's number)."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.reason}"


def is_file_address(address: str) -> bool:
    """True when a data address names a file by its ending: data/chats.jsonl.gz."""
    return _suffix(Path(address)) in SUFFIXES


def read_file(path: Path, columns: Mapping[str, str] | None = None) -> Iterator[Example | Broken]:
    """Stream the examples of a user's file, with broken rows in their places.

    columns: our name -> the file's name. Raises DataError when the file is missing, of no known kind, damaged, or
    when `columns` names a column that is not there (naming the nearest).
    """
    if not path.is_file():
        raise DataError(f"No examples at {path}.")
    suffix = _suffix(path)
    if suffix not in SUFFIXES:
        raise DataError(f"{path}: unknown kind of file.", repair=f"Known: {', '.join(SUFFIXES)}, also as .gz or .zst.")
    import zstandard

    rows = {".csv": _table_rows, ".tsv": _table_rows, ".jsonl": _jsonl_rows, ".json": _json_rows}[suffix]
    try:
        with _open_text(path) as file:
            for line, row in rows(file, path, columns or {}):
                yield from _examples(row, path, line, columns or {})
    except (OSError, EOFError, UnicodeDecodeError, zstandard.ZstdError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None


def _examples(row: Any, path: Path, line: int, columns: Mapping[str, str]) -> Iterator[Example | Broken]:
    if isinstance(row, Broken):
        yield row
        return
    try:
        if not isinstance(row, dict):
            raise RowError(f"a row is an object with names; this is {kind_of(row)}")
        example = example_of(_renamed(row, columns, path))
    except RowError as error:
        yield Broken(str(path), line, str(error))
        return
    yield example


def _renamed(row: Mapping[str, Any], columns: Mapping[str, str], path: Path) -> dict[str, Any]:
    if not columns:
        return dict(row)
    for theirs in columns.values():
        if theirs not in row:
            raise DataError(f"{path} has no column '{theirs}'.", repair=near(theirs, [str(name) for name in row]))
    renamed = {name: value for name, value in row.items() if name not in columns.values()}
    return renamed | {ours: row[theirs] for ours, theirs in columns.items()}


def _jsonl_rows(file: IO[str], path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := file.readline(MAX_ROW_CHARACTERS):
        number += 1
        if len(line) == MAX_ROW_CHARACTERS and not line.endswith("\n"):
            raise DataError(f"{path}, line {number} is longer than {MAX_ROW_CHARACTERS:,} characters: no JSONL.")
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, Broken(str(path), number, f"not JSON: {error}")


def _json_rows(file: IO[str], path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, Any]]:
    try:
        value = json.load(file)
    except (ValueError, RecursionError) as error:
        repair = "If it has one object a line, name it .jsonl."
        raise DataError(f"{path} is not JSON: {error}.", repair=repair) from None
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = list(_squad_rows(value["data"]))
    if not isinstance(value, list):
        raise DataError(f"{path} holds {kind_of(value)}; a list of rows or SQuAD is needed.")
    yield from enumerate(value, start=1)


def _squad_rows(articles: list[Any]) -> Iterator[Any]:
    """SQuAD's nested articles as flat rows; anything of another shape is passed on to be reported."""
    for article in articles:
        if not isinstance(article, dict) or not isinstance(article.get("paragraphs"), list):
            yield article
            continue
        for paragraph in article["paragraphs"]:
            for question in paragraph.get("qas", []):
                answers = [] if question.get("is_impossible") else question.get("answers", [])
                yield {"context": paragraph.get("context"), "question": question.get("question"), "answers": answers}


def _table_rows(file: IO[str], path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, Any]]:
    is_tsv = _suffix(path) == ".tsv"
    delimiter = "\t" if is_tsv else ","
    names, lines = None, iter(file)
    if columns and all(theirs.isdigit() for theirs in columns.values()):
        first = next(lines, "")
        lines = itertools.chain([first], lines)
        names = [str(number) for number in range(1, first.count(delimiter) + 2)]
    reader = csv.DictReader(
        lines, names, delimiter=delimiter, quoting=csv.QUOTE_NONE if is_tsv else csv.QUOTE_MINIMAL, strict=True
    )
    if not reader.fieldnames:
        raise DataError(f"{path} is empty: a first line with the names of the columns is needed.")
    for row in reader:
        if None in row or None in row.values():
            wanted = len(reader.fieldnames)
            yield reader.line_num, Broken(str(path), reader.line_num, f"it does not have {wanted} columns")
        else:
            yield reader.line_num, row


def _open_text(path: Path) -> IO[str]:
    binary: Any = path.open("rb")
    if path.suffix == ".gz":
        binary = gzip.GzipFile(fileobj=binary)
    elif path.suffix == ".zst":
        binary = io.BufferedReader(_ZstdFile(binary))
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


class _ZstdFile(io.RawIOBase):
    """Reads a .zst file and, unlike the library's own reader, notices when its end is missing."""

    def __init__(self, binary: IO[bytes]) -> None:
        import zstandard

        self._binary = binary
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = None  # None between two frames: only there may the file end
        self._packed = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            self._packed = self._packed or self._binary.read(65536)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("its end is missing")
                return 0
            self._frame = self._frame or self._new_frame()
            self._ready = self._frame.decompress(self._packed)
            self._packed = b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._binary.close()
        super().close()


def _suffix(path: Path) -> str:
    return Path(path.stem).suffix.lower() if path.suffix in PACKINGS else path.suffix.lower()
