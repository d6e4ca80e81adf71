"""From token ids to text that may be shown: whole characters only, and never a part of a stop string.

A byte-level token can end in the middle of a character, and a stop string can be spread over tokens. `TextStream`
holds both back until they are whole or ruled out, so what was shown is never taken back.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

BYTE_KINDS = ("bpe", "bytes", "characters")  # tokenizers whose text is the tokens' bytes joined


class TextStream:
    """The text of one answer, token by token.

    push(id) returns the text that may be shown now. When a stop string is complete, `stopped` is True and `text`
    ends before it. `finish()` returns what was held back.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._stop = tuple(stop)
        self._bytewise = tokenizer.kind in BYTE_KINDS
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._ids: list[int] = []
        self._decoded = 0  # characters of decode(ids) already in _text, for kinds that are not bytewise
        self._text = ""
        self._shown = 0
        self.stopped = False

    @property
    def text(self) -> str:
        """What was shown so far."""
        return self._text[: self._shown]

    def push(self, token: int) -> str:
        """Take one more token; returns the text that may be shown now (often a word, sometimes nothing)."""
        return self._advance(self._new_text(token))

    def finish(self) -> str:
        """No more tokens: returns the rest of the text (a broken character becomes U+FFFD)."""
        if self.stopped:
            return ""
        if self._bytewise:
            self._text += self._decoder.decode(b"", final=True)
        elif self._ids:
            self._text += self._tokenizer.decode(self._ids)[self._decoded :]
        rest = self._text[self._shown :]
        self._shown = len(self._text)
        return rest

    def _new_text(self, token: int) -> str:
        if self._bytewise:
            return self._decoder.decode(self._tokenizer.token_bytes(token))
        self._ids.append(token)
        text = self._tokenizer.decode(self._ids).rstrip("\ufffd")  # a character that is not whole yet
        new = text[self._decoded :]
        self._decoded = len(text)
        return new

    def _advance(self, new: str) -> str:
        if self.stopped:
            return ""
        before = self._shown
        self._text += new
        found = [place for stop in self._stop if (place := self._text.find(stop, before)) >= 0]
        if found:
            self._text = self._text[: min(found)]
            self._shown = len(self._text)
            self.stopped = True
        else:
            self._shown = len(self._text) - self._held_back()
        return self._text[before : self._shown]

    def _held_back(self) -> int:
        """Characters at the end that may still become a stop string (all of it lies behind what was shown)."""
        unshown = self._text[self._shown :]
        longest = 0
        for stop in self._stop:
            for length in range(min(len(stop) - 1, len(unshown)), longest, -1):
                if unshown.endswith(stop[:length]):
                    longest = length
                    break
        return longest
