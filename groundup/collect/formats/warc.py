"""Web archives: WARC (ISO 28500), its text extract WET, and the older ARC; one document per page that was answered well.

Our own streaming reader, because archives from crawls hold broken records: where a record does not parse, it looks for
the next "WARC/" line (ARC: the next record head) and goes on. Requests, metadata (WAT), revisits and pages that are
not text are passed over and counted. Memory: one record, at most `max_bytes`.
"""

from __future__ import annotations

import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from groundup.collect.base import Found, Opened, Problem, read_inside, register
from groundup.collect.options import SourceOptions

# What a page's Content-Type makes of it: the suffix whose reader takes it. Anything else is no text of ours.
READERS = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "text/markdown": ".md",
    "application/pdf": ".pdf",
}  # fmt: skip
MAX_HEAD_LINES = 200  # headers of a record or an answer; real ones have 10 to 40
_ARC_HEAD = re.compile(rb"(?:https?|filedesc)://\S+ [0-9.:a-fA-F]+ [0-9]{8,14} \S+ [0-9]+\s*\Z")
_WARC_LINE = re.compile(rb"WARC/[0-9]\.[0-9]+\s*\Z")


@dataclass(frozen=True)
class Record:
    """One record: its kind ("response", "conversion", ...), address, date, type of content, and the content."""

    kind: str
    url: str
    date: str
    content_type: str
    content: bytes


@register(".warc", ".arc", ".wet", ".wat")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """The pages of an archive. `part` is the number of the record; `meta.url` the page's address."""
    passed: Counter[str] = Counter()
    for number, item in enumerate(records(opened.stream, options.max_bytes), start=1):
        if isinstance(item, Problem):
            yield Problem(f"{opened.path}#{number}", item.problem, item.detail)
            continue
        page = _page(item)
        if isinstance(page, str):
            passed[page] += 1
            continue
        suffix, body = page
        for found in read_inside(suffix, opened.path, body, options):
            if isinstance(found, Problem):
                yield Problem(f"{opened.path}#{number}", found.problem, found.detail)
            else:
                yield Found(
                    found.text, str(number), found.kind, found.licence, found.language, item.date,
                    {**found.meta, "url": item.url},
                )  # fmt: skip
    if passed:
        listed = ", ".join(f"{count} {kind}" for kind, count in passed.most_common())
        yield Problem(opened.path, "passed_over", f"records without a page of text: {listed}")


def records(stream: BinaryIO, max_bytes: int) -> Iterator[Record | Problem]:
    """All records of a WARC or ARC stream; what is broken becomes a Problem ("bad_record", "truncated", "too_large")."""
    in_garbage = False
    while line := stream.readline(1 << 16):
        if _WARC_LINE.match(line):
            head = _headers(stream)
        elif _ARC_HEAD.match(line):
            url, _, date, content_type, length = line.split()
            kind = "warcinfo" if url.startswith(b"filedesc:") else "response"
            head = {"warc-type": kind, "warc-target-uri": url.decode("latin-1"), "warc-date": _arc_date(date),
                    "content-type": content_type.decode("latin-1"), "content-length": length.decode()}  # fmt: skip
        else:
            if line.strip() and not in_garbage:
                in_garbage = True
                yield Problem("", "bad_record", f"skipped to the next record from: {line[:60]!r}")
            continue
        in_garbage = False
        length_text = head.get("content-length", "")
        if not length_text.isdigit():
            yield Problem("", "bad_record", f"Content-Length is {length_text[:40]!r}")
            continue
        size = int(length_text)
        if size > max_bytes:
            _skip(stream, size)
            yield Problem("", "too_large", f"a record of {size:,} bytes; max_bytes = {max_bytes:,}")
            continue
        content = _exactly(stream, size)
        if len(content) < size:
            yield Problem("", "truncated", f"{len(content):,} of {size:,} bytes")
        yield Record(
            head.get("warc-type", ""), head.get("warc-target-uri", "").strip("<>"), head.get("warc-date", "")[:20],
            head.get("content-type", ""), content,
        )  # fmt: skip


def _page(record: Record) -> tuple[str, bytes] | str:
    """(suffix of the reader, body) of a record that holds a page, else in a word why not."""
    content, content_type = record.content, record.content_type
    if record.kind == "response":
        if content.startswith(b"HTTP/"):
            answer = _http(content)
            if answer is None:
                return "broken answer"
            status, content_type, content = answer
            if status != 200:
                return f"status {status}"
        elif "http" in content_type:
            return "broken answer"
    elif record.kind not in ("conversion", "resource"):
        return record.kind or "without kind"
    plain = content_type.split(";")[0].strip().lower()
    suffix = READERS.get(plain)
    if suffix is None:
        return plain[:60] or "without type"
    return suffix, as_utf8(content, content_type)


def _http(content: bytes) -> tuple[int, str, bytes] | None:
    """(status, content type, body as the server meant it) of a stored HTTP answer; None when its head is broken."""
    stream = io.BytesIO(content)
    status = stream.readline().split()
    if len(status) < 2 or not status[1].isdigit():
        return None
    head = _headers(stream)
    body = stream.read()
    if "chunked" in head.get("transfer-encoding", "").lower():
        body = _without_chunks(body)
    if head.get("content-encoding", "").lower() in ("gzip", "x-gzip", "deflate"):
        try:  # archives often keep the header of an encoding that they have already undone
            body = zlib.decompressobj(47).decompress(body, 64 * len(body) + 1_000_000)
        except zlib.error:
            pass
    return int(status[1]), head.get("content-type", ""), body


def as_utf8(body: bytes, content_type: str) -> bytes:
    """A text body in the charset that its header declares, as UTF-8; as it is where it says nothing that holds."""
    match = re.search(r"charset=[\"']?([\w-]{3,30})", content_type, re.IGNORECASE)
    name = match.group(1).lower() if match else ""
    if name in ("", "utf-8", "utf8"):
        return body
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        try:  # browsers read iso-8859-1 as Windows-1252 (WHATWG Encoding Standard)
            return body.decode("cp1252" if name == "iso-8859-1" else name, "replace").encode("utf-8")
        except LookupError:
            pass
    return body


def _without_chunks(body: bytes) -> bytes:
    """Chunked transfer coding undone; from the first chunk that does not parse on, the rest as it is."""
    parts: list[bytes] = []
    place = 0
    while True:
        end = body.find(b"\r\n", place, place + 20)
        try:
            size = int(body[place:end].split(b";")[0], 16) if end > 0 else -1
        except ValueError:
            size = -1
        if size < 0:
            return b"".join([*parts, body[place:]])
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        place = end + 4 + size
        if place >= len(body):
            return b"".join(parts)


def _headers(stream: BinaryIO) -> dict[str, str]:
    """Header lines up to the empty one: lower-case name -> value; lines without a colon are passed over."""
    found: dict[str, str] = {}
    for _ in range(MAX_HEAD_LINES):
        line = stream.readline(1 << 16)
        if not line.strip():
            break
        name, colon, value = line.decode("utf-8", "replace").partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _arc_date(digits: bytes) -> str:
    """20240131235959 -> 2024-01-31."""
    text = digits.decode()
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}"


def _exactly(stream: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0 and (data := stream.read(min(size, 1 << 20))):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _skip(stream: BinaryIO, size: int) -> None:
    while size > 0 and (data := stream.read(min(size, 1 << 20))):
        size -= len(data)
