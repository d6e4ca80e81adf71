"""Walking files, folders and archives: every file becomes documents or a line in problems.jsonl.

In: a [collect.NAME] table that names a folder or a file. Out: a stream of `Document` and `Problem`, in an order that
depends only on the names. Memory is bounded by `max_bytes`.
"""

from __future__ import annotations

import fnmatch
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from groundup.collect.base import FORMATS, Found, Opened, Problem
from groundup.collect.formats import load
from groundup.collect.options import SourceOptions
from groundup.collect.packing import ARCHIVES, MAX_DEPTH, PACKED, Bomb, members, unpacked
from groundup.core.document import Document
from groundup.core.errors import DataError

# Files that nobody means as documents: looked over in silence would be a lie, so they are counted as "ignored".
IGNORED_FOLDERS = frozenset((".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv"))


def documents_of(name: str, options: SourceOptions, folder: Path | None = None) -> Iterator[Document | Problem]:
    """The documents of the source `name`. folder: what a relative path is relative to (the recipe's folder)."""
    if options.from_ == "-":
        load()
        found = (
            item if isinstance(item, Problem) else to_document(name, item[0], item[1], options)
            for item in _read_standard_input(options)
        )
        yield from _at_most(options.count, found)
        return
    root = Path(options.from_).expanduser()
    root = root if root.is_absolute() or folder is None else folder / root
    if not root.exists():
        raise DataError(
            f"[collect.{name}] reads '{options.from_}', which does not exist (looked at {root.absolute()}).",
            repair='Correct the path, or use a sample: from = "samples:stories"',
        )
    load()
    done = 0
    for path, file in _walk(root):
        if isinstance(file, Problem):
            yield file
        elif is_wanted(path, options):
            for item in _read_file(path, file, options):
                if isinstance(item, Problem):
                    yield item
                    continue
                yield to_document(name, item[0], item[1], options)
                done += 1
                if options.count is not None and done >= options.count:
                    return


def _at_most(count: int | None, items: Iterator[Document | Problem]) -> Iterator[Document | Problem]:
    done = 0
    for item in items:
        yield item
        done += isinstance(item, Document)
        if count is not None and done >= count:
            return


def _walk(root: Path) -> Iterator[tuple[str, Path | Problem]]:
    """(path below the root, file) in name order. Links are followed once; a loop is a problem, not a hang."""
    if root.is_file():
        yield root.name, root
        return
    seen: set[str] = set()

    def visit(folder: Path, below: str) -> Iterator[tuple[str, Path | Problem]]:
        real = os.path.realpath(folder)
        if real in seen:
            yield below, Problem(below, "link_loop", f"leads back to {real}")
            return
        seen.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            yield below, Problem(below, "unreadable", str(error.strerror))
            return
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            try:
                if entry.is_dir():
                    if entry.name in IGNORED_FOLDERS:
                        yield path, Problem(path, "ignored", "a folder of tools, not of documents")
                    else:
                        yield from visit(Path(entry.path), path)
                elif entry.is_file():
                    yield path, Path(entry.path)
                else:
                    yield path, Problem(path, "unreadable", "a broken link, a pipe or a device")
            except OSError as error:
                yield path, Problem(path, "unreadable", str(error.strerror))

    yield from visit(root, "")


def is_wanted(path: str, options: SourceOptions) -> bool:
    """Whether include and exclude let a path through."""
    name = path.rsplit("/", 1)[-1]

    def matches(patterns: tuple[str, ...]) -> bool:
        return any(fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(name, pattern) for pattern in patterns)

    return (not options.include or matches(options.include)) and not matches(options.exclude)


def _read_file(path: str, file: Path, options: SourceOptions) -> Iterator[tuple[str, Found] | Problem]:
    try:
        size = file.stat().st_size
        with open(file, "rb") as stream:
            if size == 0:
                yield Problem(path, "empty", "no bytes")
                return
            yield from read_opened(Opened(path, file.name, stream, size), options, depth=0)
    except OSError as error:
        yield Problem(path, "unreadable", error.strerror or str(error))


def _read_standard_input(options: SourceOptions) -> Iterator[tuple[str, Found] | Problem]:
    """Standard input: JSON lines or HTML where its first character says so, packed data unpacked, else plain text."""
    stream = cast(io.BufferedReader, sys.stdin.buffer)
    head = stream.peek(64)[:64].lstrip()
    signs = (
        (b"{", ".jsonl"),
        (b"<!", ".html"),
        (b"<html", ".html"),
        (b"\x1f\x8b", ".txt.gz"),
        (b"(\xb5/\xfd", ".txt.zst"),
    )
    suffix = next((name for sign, name in signs if head.lower().startswith(sign)), ".txt")
    yield from read_opened(Opened("stdin", f"stdin{suffix}", stream), options, depth=0)


def read_opened(opened: Opened, options: SourceOptions, depth: int = 0) -> Iterator[tuple[str, Found] | Problem]:
    """Read one open file: unpack it, walk an archive, or hand it to the reader of its suffix."""
    if depth > MAX_DEPTH:
        yield Problem(opened.path, "nested", f"archives nested more than {MAX_DEPTH} deep")
    elif opened.suffix in PACKED:
        inner, guard = unpacked(opened)
        yield from read_opened(inner, options, depth + 1)
        if guard.damage:
            yield Problem(opened.path, "truncated", f"what came before the damage is kept ({guard.damage})")
    elif opened.suffix in ARCHIVES:
        for member in members(opened):
            if isinstance(member, Problem):
                yield member
            else:
                yield from read_opened(member, options, depth + 1)
    else:
        yield from _read_plain(opened, options)


def _read_plain(opened: Opened, options: SourceOptions) -> Iterator[tuple[str, Found] | Problem]:
    reader = FORMATS.get(opened.suffix) if opened.suffix in FORMATS else FORMATS.get(".txt")
    count = 0
    try:
        for item in reader(opened, options):
            if isinstance(item, Problem):
                yield item
                continue
            if not item.text or item.text.isspace():
                yield Problem(_path(opened, item), "empty", "no text")
                continue
            yield opened.path, item
            count += 1
            if options.max_documents_per_file is not None and count >= options.max_documents_per_file:
                return
    except Bomb as error:
        yield Problem(opened.path, "bomb", str(error))
    except MemoryError:
        yield Problem(opened.path, "too_large", "does not fit in memory")
    except Exception as error:  # whatever a file holds, the walk goes on; the problem names the error
        yield Problem(opened.path, "unreadable", f"{type(error).__name__}: {error}"[:300])


def _path(opened: Opened, item: Found) -> str:
    return f"{opened.path}#{item.part}" if item.part else opened.path


def to_document(source: str, path: str, found: Found, options: SourceOptions) -> Document:
    """What a reader found as a document of `source`."""
    return Document(
        text=found.text,
        source=source,
        path=f"{path}#{found.part}" if found.part else path,
        licence=found.licence or options.licence,
        language=found.language or options.language,
        date=found.date,
        meta={"kind": found.kind, **found.meta},
    )
