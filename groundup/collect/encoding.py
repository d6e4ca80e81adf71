"""Bytes to text: byte order marks, UTF-8, UTF-16 without a mark, and a guess for the old 8-bit and Asian encodings.

The strict reading comes first: bytes that are valid UTF-8 are UTF-8 (chance makes that nearly impossible for other
encodings). Binary data is recognised by its zero and control bytes.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
HEAD_BYTES = 8192
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
          (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip


class BinaryData(ValueError):
    """The bytes are no text in any encoding we know."""


def encoding_of(data: bytes) -> str:
    """The name of the encoding of a whole file's bytes, or BinaryData."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    head = data[:HEAD_BYTES]
    if b"\x00" in head:
        wide = _wide_encoding(head)
        if wide:
            return wide
        raise BinaryData("zero bytes")
    if len(_CONTROL.findall(head)) > 0.1 * len(head):  # taste: text has none, a form feed here and there
        raise BinaryData("control bytes")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(data)
    return "utf-8"


def decode(data: bytes) -> tuple[str, str]:
    """(text, name of the encoding) of a whole file's bytes; characters that do not decode become U+FFFD."""
    encoding = encoding_of(data)
    return data.decode(encoding, "replace"), encoding


def head_encoding(head: bytes) -> str:
    """The encoding of a stream, judged by its first bytes; a character cut off at their end does not count."""
    return encoding_of(head)


def _wide_encoding(head: bytes) -> str:
    """UTF-16 without a mark: nearly every second byte of Western text is zero."""
    pairs = max(1, len(head) // 2)
    if head[1::2].count(0) > 0.6 * pairs and head[0::2].count(0) < 0.1 * pairs:
        return "utf-16-le"
    if head[0::2].count(0) > 0.6 * pairs and head[1::2].count(0) < 0.1 * pairs:
        return "utf-16-be"
    return ""


def _guess(data: bytes) -> str:
    """For bytes that are not valid UTF-8: UTF-8 with a few broken places, else a detector, else Windows-1252."""
    for cut in (1, 2, 3):  # a file that ends inside a character
        try:
            data[:-cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return "utf-8"
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(1 for character in text[:200_000] if character > "\x7f" and character != "\ufffd")
    if broken <= 0.1 * whole:
        return "utf-8"
    from resiliparse.parse.encoding import detect_encoding

    guess = str(detect_encoding(data[:200_000]) or "").lower()
    if guess in ("", "utf-8", "ascii", "us-ascii", "iso-8859-1", "latin-1"):
        guess = "cp1252"
    try:
        data[:1000].decode(guess, "replace")
    except LookupError:
        guess = "cp1252"
    # Five byte values mean nothing in Windows-1252; Latin-1 takes every byte
    if guess == "cp1252" and any(value in data for value in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")):
        return "latin-1"
    return guess
