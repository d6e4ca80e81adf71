"""What a bigger model would change, word by word: its corrected text is compared with the text, never put in its place."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from groundup.apps.writing.corrector import Edit
from groundup.apps.writing.tokens import tokens

REASON = "The bigger model would write it so."
CONFIDENCE = 0.5  # it gives no probability of its own; taste
MOST_CHANGED = 0.5  # share of the words; a text that is rewritten is not corrected


def differences(text: str, made: str, taken: Sequence[Edit]) -> list[Edit]:
    """The suggestions that turn `text` into `made`, without those that touch one of `taken`; [] for another text."""
    before, after = tokens(text), tokens(made)
    matcher = difflib.SequenceMatcher(None, [one.word for one in before], [one.word for one in after], autojunk=False)
    if not before or not after or matcher.ratio() < 1 - MOST_CHANGED:
        return []
    found = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        new = made[after[j1].start : after[j2 - 1].end] if j2 > j1 else ""
        if i2 > i1:
            start, end = before[i1].start, before[i2 - 1].end
        else:  # put in behind the word before, or at the very beginning
            start = end = before[i1 - 1].end if i1 else before[0].start
            new = f" {new}" if i1 and new[:1].isalnum() else new if i1 else f"{new} "
        if all(end <= one.start or start >= one.end for one in taken):
            found.append(Edit(start, end, text[start:end], new, "model", REASON, CONFIDENCE))
    return found
