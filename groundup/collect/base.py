"""The contract between the walk over files and the formats.

A reader gets an open binary stream and yields what it found: `Found` (one text) or `Problem` (what could not be
used). It never raises for bad content; the walk turns what slips through into a problem too.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from groundup.collect.options import SourceOptions
from groundup.core.registry import Registry


@dataclass(frozen=True)
class Problem:
    """A file or a part of it that was skipped: one line of problems.jsonl."""

    path: str
    problem: str  # a short counted word: "binary", "empty", "truncated"
    detail: str = ""


@dataclass(frozen=True)
class Found:
    """One text as a reader found it. `part` tells it apart within its file: "12" for row 12, "" for the whole file."""

    text: str
    part: str = ""
    kind: str = "prose"  # "prose", "code", "html", "markdown": what clean may judge it by
    licence: str = ""
    language: str = ""
    date: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """A file or archive member, open for reading."""

    path: str  # "a/b.txt", "a.tar.gz!inner/file.txt"
    name: str  # its own name without packing: "b.txt"
    stream: BinaryIO
    size: int | None = None  # bytes, where known

    @property
    def suffix(self) -> str:
        """The last suffix of the name in lower case, with the dot; empty when there is none."""
        dot = self.name.rfind(".")
        return self.name[dot:].lower() if dot > 0 else ""


Reader = Callable[[Opened, SourceOptions], Iterator[Found | Problem]]

FORMATS: Registry[Reader] = Registry("file format")  # by suffix: ".jsonl"


def register(*suffixes: str) -> Callable[[Reader], Reader]:
    """Register one reader for several suffixes."""

    def add(reader: Reader) -> Reader:
        for suffix in suffixes:
            FORMATS.register(suffix)(reader)
        return reader

    return add


def read_inside(suffix: str, path: str, body: bytes, options: SourceOptions) -> Iterator[Found | Problem]:
    """Hand a page that came out of something else (an archive, the web) to the reader of `suffix`.

    Whatever the page holds, only the page is lost: an error becomes a Problem.
    """
    try:
        yield from FORMATS.get(suffix)(Opened(path, f"page{suffix}", io.BytesIO(body), len(body)), options)
    except Exception as error:
        yield Problem(path, "unreadable", f"{type(error).__name__}: {error}"[:300])
