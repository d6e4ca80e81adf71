"""Repair of characters: mojibake, control and zero-width characters, soft hyphens, ligatures, white space, NFC.

Nearly all text needs nothing: a search for anything suspicious comes first, and only what it finds is paid for.
Mojibake is repaired by ftfy (Speer 2019), line by line, only in lines that hold a pair of characters which UTF-8
read in a wrong encoding would leave.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

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
_SPECIAL = re.compile("[" + "".join(re.escape(chr(code)) for code in _TABLE) + "]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # all of them that ASCII has
# Joiners carry meaning in Arabic and Indic scripts and in emoji, none beside Latin letters
_JOINERS = re.compile("(?<=[A-Za-z\u00c0-\u024f])[\u200c\u200d]|[\u200c\u200d](?=[A-Za-z\u00c0-\u024f])")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|mdash|ndash|hellip|[lr][sd]quo|#[0-9]{2,5}|#x[0-9A-Fa-f]{2,5});")
_RUN = re.compile(r"(?<=\S)(?:[ \t]{2,}|\t)(?=\S)")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")
# The encodings that UTF-8 is most often mistaken for; ftfy knows the same ones
WRONG_ENCODINGS = ("latin-1", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859-2", "mac-roman", "cp437")


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
    if (_CONTROL if text.isascii() else _SPECIAL).search(text):
        text = text.translate(_TABLE)
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
    if kind == "prose":
        text = _RUN.sub(" ", text)
    text = _EMPTY_LINES.sub("\n\n", _TRAILING.sub("", text))
    return text.strip("\n").rstrip() if kind == "markdown" else text.strip()


def without_mojibake(text: str) -> str:
    """`text` as ftfy.fix_encoding gives it, line by line; a text without any suspicious pair is not looked at closer."""
    if not _likely_pairs().search(text) or not _pairs().search(text):
        return text
    from ftfy import fix_encoding

    pairs = _pairs()
    lines = text.split("\n")
    return "\n".join(fix_encoding(line) if pairs.search(line) else line for line in lines)


@cache
def _pairs() -> re.Pattern[str]:
    """A first byte of a UTF-8 character and a following one, as each wrong encoding shows them."""
    choices = ["\u00c3 ", "\u00e2 "]  # a continuation byte A0 that became a plain space
    for encoding in WRONG_ENCODINGS:
        first = _characters(range(0xC2, 0xF5), encoding)
        following = _characters(range(0x80, 0xC0), encoding)
        choices.append(f"[{first}][{following}]")
    return re.compile("|".join(choices))


@cache
def _likely_pairs() -> re.Pattern[str]:
    """Any first character and any following one: a wider net than `_pairs`, and five times as fast."""
    first = "".join(_characters(range(0xC2, 0xF5), encoding) for encoding in WRONG_ENCODINGS)
    following = "".join(_characters(range(0x80, 0xC0), encoding) for encoding in WRONG_ENCODINGS)
    return re.compile(f"[{first}][{following} ]")


def _characters(values: range, encoding: str) -> str:
    """The characters of byte values in an encoding, ready for a character class; undefined bytes stay as they are."""
    shown = []
    for value in values:
        try:
            shown.append(bytes([value]).decode(encoding))
        except UnicodeDecodeError:
            shown.append(chr(value))
    return re.escape("".join(dict.fromkeys(shown)))
