"""Documents to search: any folder of text files, or the clean documents of a run.

Text, Markdown, HTML, CSV, JSON and source code are read here, lightly; PDF, DOCX, EPUB and every other format that stage 1
knows are read by its readers (``groundup.collect``), so that a folder needs no run to be searched.
"""

from __future__ import annotations

import csv
import html.parser
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from groundup.core.document import Document, read_documents, shards_in
from groundup.core.errors import DataError, GroundupError

_PLAIN = (
    ".txt .md .markdown .rst .text .py .js .ts .java .c .h .cpp .rs .go .rb .sh .toml .yaml .yml .ini .cfg .tex .log"
)
PLAIN = frozenset(_PLAIN.split())
HTML = frozenset((".html", ".htm", ".xhtml"))
LARGEST_BYTES = 50_000_000  # taste: a larger "text" is a dump; it is named among the skipped, not read
HIDDEN = frozenset(("node_modules", "__pycache__"))
NOT_TEXT = frozenset(("script", "style", "template", "noscript", "head"))
_BLOCKS = "p div li tr h1 h2 h3 h4 h5 h6 section article br td th blockquote pre"
BLOCKS = frozenset(_BLOCKS.split())


def documents_of(place: Path, skipped: list[str], source: str) -> Iterator[Document]:
    """Documents of a run (its cleaned documents, else its raw ones), a folder of Parquet shards, a folder, or a file.

    source: the name for files that carry none. What cannot be read is named in `skipped` with the reason and does
    not stop the rest.
    """
    if not place.exists():
        raise DataError(f"{place} does not exist.", repair="Name a folder of documents, or a run.")
    for stage in ("2_clean", "1_collect"):
        if (place / stage / "documents").is_dir():
            yield from read_documents(place / stage / "documents")
            return
    if place.is_dir() and shards_in(place):
        yield from read_documents(place)
        return
    root = place if place.is_dir() else place.parent
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        inside = path.relative_to(root)
        if any(part.startswith(".") or part in HIDDEN for part in inside.parts) or not path.is_file():
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            skipped.append(f"{inside}: a link that leaves the folder")
            continue
        yield from _file(path, inside, source, skipped)


def _file(path: Path, inside: Path, source: str, skipped: list[str]) -> Iterator[Document]:
    kind = path.suffix.lower()
    if kind not in PLAIN | HTML | {".csv", ".jsonl", ".json"}:
        yield from _collected(path, inside, source, skipped)
        return
    try:
        if path.stat().st_size > LARGEST_BYTES:
            skipped.append(f"{inside}: larger than {LARGEST_BYTES // 1_000_000} MB")
            return
        data = path.read_bytes()
    except OSError as error:
        skipped.append(f"{inside}: {error.strerror}")
        return
    if b"\x00" in data[:4096]:
        skipped.append(f"{inside}: binary")
        return
    text = _decode(data)
    date = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
    if kind in HTML:
        yield Document(text=html_text(text), source=source, path=str(inside), date=date)
    elif kind == ".csv":
        for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
            body = "\n".join(f"{name}: {value}" for name, value in row.items() if isinstance(value, str) and value)
            yield Document(text=body, source=source, path=f"{inside}#{number}", date=date)
    elif kind in (".jsonl", ".json"):
        yield from _json(text, inside, source, date, kind, skipped)
    else:
        title = next((line.lstrip("# ").strip() for line in text.splitlines()[:5] if line.startswith("# ")), "")
        meta = {"title": title} if title else {}
        yield Document(text=text, source=source, path=str(inside), date=date, meta=meta)


def _collected(path: Path, inside: Path, source: str, skipped: list[str]) -> Iterator[Document]:
    """A file in one of stage 1's formats; a format nobody knows, or a reader that is not installed, is named in `skipped`."""
    from groundup.collect.base import Problem
    from groundup.collect.files import documents_of as collected
    from groundup.collect.options import SourceOptions

    try:
        for number, item in enumerate(collected(source, SourceOptions.model_validate({"from": str(path)}))):
            if isinstance(item, Problem):
                skipped.append(f"{inside}: {item.problem} {item.detail}".rstrip())
            else:
                name = str(inside) if number == 0 else f"{inside}#{number + 1}"
                yield Document(text=item.text, source=source, path=name, date=item.date, meta=item.meta)
    except GroundupError as error:
        skipped.append(f"{inside}: {error.message}")


def _json(text: str, inside: Path, source: str, date: str, kind: str, skipped: list[str]) -> Iterator[Document]:
    rows = text.splitlines() if kind == ".jsonl" else [text]
    for number, row in enumerate(rows, start=1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
        except (ValueError, RecursionError):
            skipped.append(f"{inside}#{number}: not valid JSON")
            continue
        body = value.get("text") if isinstance(value, dict) else None
        if not isinstance(body, str):
            body = json.dumps(value, ensure_ascii=False, indent=1)
        meta = {"title": value["title"]} if isinstance(value, dict) and isinstance(value.get("title"), str) else {}
        yield Document(text=body, source=source, path=f"{inside}#{number}", date=date, meta=meta)


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def html_text(page: str) -> str:
    """The readable text of a page: no scripts or styles, one line a block."""
    parser = _Text()
    parser.feed(page)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)


class _Text(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in NOT_TEXT
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in NOT_TEXT))
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
