r"""How text is cut into pre-tokens; merges never cross a cut.

The pattern is that of Qwen2 and Qwen3 (a GPT-4 pattern with single digits), so that llama.cpp, vLLM and
transformers know it:

    (?i:'s|'t|'re|'ve|'m|'ll|'d)      English contractions
    [^\r\n\p{L}\p{N}]?\p{L}+          letters, with one leading character that is no letter: usually the space
    \p{N}                             one digit at a time: numbers are spelled the same wherever they stand
     ?[^\s\p{L}\p{N}]+[\r\n]*         punctuation, with its line ends
    \s*[\r\n]+                        line ends, with the blanks before them
    \s+(?!\S)                         blanks, but the last one before a word
    \s+

Qwen also normalises to NFC; we do not, so that decode(encode(text)) is the text, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import regex

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    r"|[^\r\n\p{L}\p{N}]?\p{L}+"
    r"|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)

# Between a line end and a letter, and between a letter and a blank before a letter, the pattern always cuts:
# a long text cut there encodes to the same ids as the whole.
_SAFE_CUT = r"(?<=\n)(?=\p{L})|(?<=\p{L})(?= \p{L})"


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern)


def pre_tokens(text: str) -> list[str]:
    """The pre-tokens of a text; joined they are the text."""
    return _compiled(PATTERN).findall(text)


def pieces(text: str, limit: int) -> Iterator[str]:
    """The text in pieces of about `limit` characters (at most twice that), cut where the pattern cuts anyway.

    Keeps memory bounded on huge documents. Where a stretch of `limit` characters has no such place (one endless
    line without blanks) it is cut hard.
    """
    start = 0
    while len(text) - start > 2 * limit:
        found = _compiled(_SAFE_CUT).search(text, start + limit, start + 2 * limit)
        end = found.start() if found else start + limit
        yield text[start:end]
        start = end
    yield text[start:]


@cache
def byte_characters() -> tuple[str, ...]:
    """For each byte 0..255 the printable character that stands for it in a byte-level vocabulary (GPT-2's table).

    Printable Latin-1 bytes stand for themselves, the others for the characters from U+0100 on, in order.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {byte: chr(byte) for byte in printable}
    others = [byte for byte in range(256) if byte not in table]
    table.update({byte: chr(0x100 + place) for place, byte in enumerate(others)})
    return tuple(table[byte] for byte in range(256))


@cache
def character_bytes() -> dict[str, int]:
    """The way back: printable character -> byte."""
    return {character: byte for byte, character in enumerate(byte_characters())}
