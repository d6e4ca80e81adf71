"""Plain text and light markup: .txt, .md, .rst and files without a known suffix that hold text.

A file longer than `max_bytes` is cut at line ends into documents "#1", "#2" ...; a single line longer than that is
skipped. Memory: one piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.encoding import BinaryData, decode
from groundup.collect.options import SourceOptions

MARKDOWN = (".md", ".mdx", ".markdown", ".rst", ".adoc", ".org")


@register(".txt", ".text", "", *MARKDOWN)
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """The file as one text, or as several where it is longer than `max_bytes`."""
    kind = "markdown" if opened.suffix in MARKDOWN else "prose"
    yield from read_text(opened, options, kind)


def read_text(opened: Opened, options: SourceOptions, kind: str, **meta: str) -> Iterator[Found | Problem]:
    """Decode and cut one stream of text; `kind` and `meta` go to every piece."""
    number = 0
    for piece, is_last in pieces(opened.stream, options.max_bytes):
        number += 1
        part = "" if number == 1 and is_last else str(number)
        path = f"{opened.path}#{part}" if part else opened.path
        if piece is None:
            yield Problem(path, "long_line", f"one line is longer than max_bytes = {options.max_bytes:,}; skipped")
            continue
        try:
            text, encoding = decode(piece)
        except BinaryData as error:
            yield Problem(opened.path, "binary", f"not text: {error}")
            return
        if number == 1 and not is_last:
            yield Problem(opened.path, "cut", f"longer than max_bytes = {options.max_bytes:,}; cut at line ends")
            if encoding.startswith(("utf-16", "utf-32")):
                yield Problem(opened.path, "too_large", f"{encoding} files longer than max_bytes are not cut")
                return
        facts = dict(meta) if encoding == "utf-8" else {**meta, "encoding": encoding}
        broken = text.count("\ufffd")
        if broken and encoding == "utf-8":
            yield Problem(path, "broken_characters", f"{broken} places are not valid UTF-8; kept with U+FFFD there")
        yield Found(text, part, kind, meta=facts)


def pieces(stream: BinaryIO, max_bytes: int) -> Iterator[tuple[bytes | None, bool]]:
    """(bytes up to `max_bytes` cut at a line end, whether they are the last); None stands for a line that is longer."""
    rest = b""
    while True:
        chunk = read_up_to(stream, max_bytes + 1 - len(rest))
        data = rest + chunk
        if len(data) <= max_bytes:
            if data:
                yield data, True
            return
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut], False
            rest = data[cut:]
        else:
            yield None, False
            rest = _after_line(stream)
            if not rest:
                return


def read_up_to(stream: BinaryIO, count: int) -> bytes:
    """Up to `count` bytes; fewer only at the end (one read of a packed stream may return less)."""
    parts = []
    while count > 0 and (data := stream.read(min(count, 1 << 22))):
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


def _after_line(stream: BinaryIO) -> bytes:
    """Skip to the end of the current line; returns what was read behind it."""
    while data := stream.read(1 << 20):
        place = data.find(b"\n")
        if place >= 0:
            return data[place + 1 :]
    return b""


def skip_line(stream: BinaryIO) -> None:
    """Read on to the end of the current line, holding at most a megabyte of it."""
    while (data := stream.readline(1 << 20)) and not data.endswith(b"\n"):
        pass
