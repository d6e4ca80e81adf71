"""Repair of characters: mojibake, control and zero-width characters, soft hyphens, ligatures, white space, NFC.

Nearly all text needs nothing: a search for anything suspicious comes first, over arrays of code points, and only what
it finds is paid for. Mojibake is repaired by ftfy (Speer 2019), line by line, only in lines that hold a pair of
characters which UTF-8 read in a wrong encoding would leave.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

import numpy as np

from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped

LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
SPACES = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F)
NEWLINES = (0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029)
# Soft hyphen, zero-width space, word joiner, byte order mark, direction marks, invisible operators
INVISIBLE = (0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0x180E)
CONTROLS = (*range(0x00, 0x09), *range(0x0E, 0x1C), 0x1F, 0x7F, *range(0x80, 0x85), *range(0x86, 0xA0))
QUOTES = {0x2018: "'", 0x2019: "'", 0x201A: "'", 0x201B: "'", 0x201C: '"', 0x201D: '"', 0x201E: '"', 0x201F: '"'}
_TABLE: dict[int, str | None] = {
    **dict.fromkeys(SPACES, " "), **dict.fromkeys(NEWLINES, "\n"), **dict.fromkeys((*INVISIBLE, *CONTROLS)), **LIGATURES
}  # fmt: skip
_ASCII_CONTROLS = bytes(code for code in CONTROLS + NEWLINES if code < 0x80)
# Joiners carry meaning in Arabic and Indic scripts and in emoji, none beside Latin letters
_JOINERS = re.compile("(?<=[A-Za-z\u00c0-\u024f])[\u200c\u200d]|[\u200c\u200d](?=[A-Za-z\u00c0-\u024f])")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|mdash|ndash|hellip|[lr][sd]quo|#[0-9]{2,5}|#x[0-9A-Fa-f]{2,5});")
_RUN = re.compile(r"(?<=\S)(?:[ \t]{2,}|\t)(?=\S)")
_EMPTY_LINES = re.compile(r"\n{3,}")
# The encodings that UTF-8 is most often mistaken for: ftfy's
WRONG_ENCODINGS = ("latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1257", "iso8859-2", "mac-roman",
                   "cp437")  # fmt: skip
_FEW = 0x10000  # code points that the tables tell apart; those beyond count as the last one, which is nothing


@STEPS.register("text")
class Text(Step):
    """Repairs characters; a document without any text left is dropped as "empty"."""

    name = "text"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.text

    def apply(self, document: Document) -> Document | Dropped:
        text = repair(document.text, kind_of(document), mojibake=self.options.mojibake)
        if self.options.straight_quotes and not text.isascii():
            text = text.translate(QUOTES)
        if not text:
            return self.drop(document, "empty")
        return document if text == document.text else document.with_text(text)


def repair(text: str, kind: str = "prose", *, mojibake: bool = True) -> str:
    """`text` repaired. White space inside code and before lines stays; HTML keeps its entities."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "&" in text and kind == "prose" and "<" not in text and _ENTITY.search(text):
        text = html.unescape(text)
    if not text.isascii():
        if mojibake:
            text = without_mojibake(text)
        if "\u200c" in text or "\u200d" in text:
            text = _JOINERS.sub("", text)
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
    text = _without_special(text)
    if kind in ("code", "html"):
        return text.strip("\n") if text.strip() else ""
    return _tidy(text, kind) if _is_untidy(text) else text


def _is_untidy(text: str) -> bool:
    """Plain searches for fixed strings, ten times as fast as one pattern."""
    if not text:
        return False
    runs = "  " in text or "\t" in text or " \n" in text or "\n\n\n" in text
    return runs or text[0].isspace() or text[-1].isspace()


def _tidy(text: str, kind: str) -> str:
    """White space: no trailing, at most one empty line, and in prose no runs between words."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if "  " in line or "\t" in line or line[-1:] == " ":
            line = line.rstrip(" \t")
            lines[place] = _RUN.sub(" ", line) if kind == "prose" else line
    text = _EMPTY_LINES.sub("\n\n", "\n".join(lines))
    return text.strip("\n").rstrip() if kind == "markdown" else text.strip()


def _without_special(text: str) -> str:
    """`text` with every character of _TABLE replaced, one kind after the other: seldom are there two."""
    if text.isascii():
        data = text.encode()
        found = (
            {code for code in _ASCII_CONTROLS if code in data} if data.translate(None, _ASCII_CONTROLS) != data else ()
        )
    else:
        codes = _codes(text)
        found = np.unique(codes[_is_special()[np.minimum(codes, _FEW - 1)]]).tolist()
    for code in found:
        text = text.replace(chr(code), _TABLE[code] or "")
    return text


def without_mojibake(text: str) -> str:
    """`text` as ftfy.fix_encoding gives it, line by line; a line without any suspicious pair is not looked at closer."""
    spots = _suspicious(text)
    if not len(spots):
        return text
    from ftfy import fix_encoding

    parts, done = [], 0
    for spot in spots.tolist():
        if spot < done:
            continue
        start = text.rfind("\n", done, spot) + 1
        end = text.find("\n", spot)
        end = len(text) if end < 0 else end
        parts += [text[done:start], fix_encoding(text[start:end])]
        done = end
    return "".join(parts) + text[done:]


def _suspicious(text: str) -> np.ndarray:
    """Where a first byte of a UTF-8 character and a following one stand as a wrong encoding shows them."""
    if text.isascii():
        return np.zeros(0, dtype=np.int64)
    codes = _codes(f"{text}\n")
    high = np.flatnonzero(codes > 0x7F)
    first, following = _first_and_following()
    is_pair = first[np.minimum(codes[high], _FEW - 1)] & following[np.minimum(codes[high + 1], _FEW - 1)]
    return high[is_pair != 0]


def _codes(text: str) -> np.ndarray:
    """(characters,) uint32: the code points."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@cache
def _is_special() -> np.ndarray:
    """(_FEW,) bool: code points of _TABLE."""
    table = np.zeros(_FEW, dtype=bool)
    table[list(_TABLE)] = True
    return table


@cache
def _first_and_following() -> tuple[np.ndarray, np.ndarray]:
    """Two tables (_FEW,) uint16, a bit an encoding: which show a code point for a first byte, which for a following."""
    first, following = np.zeros(_FEW, dtype=np.uint16), np.zeros(_FEW, dtype=np.uint16)
    for number, encoding in enumerate(WRONG_ENCODINGS):
        first[_shown(range(0xC2, 0xF5), encoding)] |= np.uint16(1 << number)
        following[_shown(range(0x80, 0xC0), encoding)] |= np.uint16(1 << number)
    following[0xFFFD] = (1 << len(WRONG_ENCODINGS)) - 1  # a byte that an encoding does not know
    # Two more kinds: a following byte A0 that became a plain space, and a control character that Windows shows as a mark
    space, control = np.uint16(1 << 14), np.uint16(1 << 15)
    first[[ord(letter) for letter in "\u00c2\u00c3\u00e2"]] |= space
    following[ord(" ")] |= space
    first[0x80:0xA0] |= control
    following |= control
    return first, following


def _shown(values: range, encoding: str) -> list[int]:
    """The code points that an encoding shows for byte values; undefined bytes stay as they are."""
    shown = []
    for value in values:
        try:
            shown.append(ord(bytes([value]).decode(encoding)))
        except UnicodeDecodeError:
            shown.append(value)
    return shown
