"""How much personal data is left after masking: an estimate for whole documents, not for single strings.

A document leaks when one thing in it was missed, so the share of leaking documents is what counts, not F2. What was
missed is by its nature unknown; two laxer looks bound it from above:

    suspects     anything with the outline of personal data, whether its checks pass or not: an @ inside a word, seven
                 digits and more, a title before a capital letter. Many are none; a document without one is likely clean
    leak_bound   the share of documents with a suspect, with its 95 % interval (Wilson), from a sample of documents
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from groundup.language.recognisers import Finding, of_match

_SUSPECTS = (
    ("email", re.compile(r"[A-Za-z0-9]{1,64} ?(?:@|\(at\)|\[at\]) ?[A-Za-z0-9]{1,64}")),
    ("number", re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ ./()-]{0,2}[0-9]){6,30}(?![0-9A-Za-z])")),
    ("person", re.compile(r"\b(?:Mr|Mrs|Ms|Dr)\.? [A-Z][a-z]{1,30}")),
    # 24 characters and more that mix digits and capitals
    (
        "key",
        re.compile(
            r"(?<![A-Za-z0-9+/=_-])(?=[A-Za-z+/_-]{0,63}[0-9])(?=[0-9a-z+/_-]{0,63}[A-Z])[A-Za-z0-9+/_-]{24,64}"
            r"(?![A-Za-z0-9+/=_-])"
        ),
    ),
)  # fmt: skip
Z = 1.96  # 95 %


@dataclass(frozen=True)
class Leak:
    """Documents looked at, those with a suspect, the share and its interval, and suspects by kind."""

    documents: int
    suspect: int
    share: float
    low: float
    high: float
    kinds: dict[str, int]


def suspects(text: str, kinds: Iterable[str] = ("email", "number", "key")) -> list[Finding]:
    """What has the outline of personal data; of each kind in order. "person" is asked for where names were masked."""
    wanted = set(kinds)
    return [of_match(match, kind) for kind, pattern in _SUSPECTS if kind in wanted for match in pattern.finditer(text)]


def leak_bound(texts: Iterable[str], kinds: Iterable[str] = ("email", "number", "key")) -> Leak:
    """The upper estimate over masked texts."""
    listed = tuple(kinds)
    documents = suspect = 0
    by_kind: dict[str, int] = {}
    for text in texts:
        found = suspects(text, listed)
        documents += 1
        suspect += bool(found)
        for item in found:
            by_kind[item.kind] = by_kind.get(item.kind, 0) + 1
    share = suspect / max(1, documents)
    if not documents:
        return Leak(0, 0, 0.0, 0.0, 1.0, {})
    middle = (share + Z * Z / (2 * documents)) / (1 + Z * Z / documents)
    half = Z * math.sqrt(share * (1 - share) / documents + Z * Z / (4 * documents**2)) / (1 + Z * Z / documents)
    return Leak(documents, suspect, share, max(0.0, middle - half), min(1.0, middle + half), by_kind)
