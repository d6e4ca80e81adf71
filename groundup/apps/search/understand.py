"""Understanding a query: its words and stems, corrected spelling, the user's synonyms, and what kind of answer it wants."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from groundup.apps.search.stem import STOP_WORDS, fold, stem, tokens
from groundup.core.errors import DataError

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PREFIXES = ("un", "in", "im", "non", "re", "dis", "over", "under", "pre", "mis")
LARGE_VOCABULARY = 2000  # in a small index a word that is two edits away is mostly another word: parking, paying
MOST_WORDS = 64  # a longer query is a pasted document; its first words say what it is about, and BM25 stays fast
# What the first words of a question ask for; the first that fits counts.
EXPECTS = (
    ("number", re.compile(
        r"\bhow (?:many|much|long|old|far|high|tall|fast|often|big|large|deep)\b|\bwhat (?:percent|share|number)")),
    ("date", re.compile(r"\bwhen\b|\b(?:what|which|in what) (?:year|date|day|month|century|decade)\b")),
    ("person", re.compile(r"\bwho(?:se|m)?\b")),
    ("place", re.compile(r"\bwhere\b|\b(?:what|which) (?:city|country|state|place|town)\b")),
)  # fmt: skip
QUESTION = re.compile(
    r"\?\s*$|^\s*(?:who|whose|whom|what|when|where|which|why|how|is|are|do|does|did|can|may|could)\b", re.I
)


@dataclass(frozen=True)
class Query:
    """A query as the legs of the search use it."""

    text: str  # as typed, after spelling
    words: tuple[str, ...]  # folded words that carry meaning, in order, without repeats
    stems: tuple[str, ...]
    also: tuple[str, ...] = ()  # synonyms: words or phrases that may stand in
    corrected: Mapping[str, str] | None = None  # what was typed -> what was searched
    kind: str = "keywords"  # or "question"
    expects: str = ""  # "number", "date", "person", "place" or ""

    def expression(self) -> str:
        """The FTS5 expression: any of the words. Every word is quoted, so that no operator of FTS5 can be smuggled in."""
        quoted = [f'"{word}"' for word in self.words]
        quoted += [f'"{" ".join(word for _, _, word in tokens(phrase))}"' for phrase in self.also]
        return " OR ".join(part for part in quoted if part != '""')


def understand(
    text: str,
    vocabulary: Mapping[str, int],
    synonyms: Mapping[str, tuple[str, ...]],
    has_stem: Callable[[str], bool] = lambda _: False,
) -> Query:
    """Read a query against the vocabulary and stems of the index (an empty vocabulary checks no spelling)."""
    text = text.replace("\x00", " ")
    words: list[str] = []
    corrected: dict[str, str] = {}
    for _, _, word in tokens(text[:20_000])[: MOST_WORDS * 4]:
        if word in STOP_WORDS or word in words or len(words) >= MOST_WORDS:
            continue
        better = correct(word, vocabulary, has_stem)
        if better != word:
            corrected[word] = better
        if better not in words:
            words.append(better)
    if not words:  # only stop words: better they than nothing ("the who")
        words = list(dict.fromkeys(word for _, _, word in tokens(text[:1000])))[:8]
    lower = f" {' '.join(words)} "
    also = [other for key, others in synonyms.items() if f" {key} " in lower for other in others]
    shown = text
    for wrong, right in corrected.items():
        shown = re.sub(rf"\b{re.escape(wrong)}\b", right, shown, flags=re.IGNORECASE)
    return Query(
        text=shown.strip(),
        words=tuple(words),
        stems=tuple(dict.fromkeys(stem(word) for word in words)),
        also=tuple(dict.fromkeys(also)),
        corrected=corrected,
        kind="question" if QUESTION.search(text.strip()) else "keywords",
        expects=next((name for name, pattern in EXPECTS if pattern.search(text[:500].lower())), ""),
    )


def correct(word: str, vocabulary: Mapping[str, int], has_stem: Callable[[str], bool] = lambda _: False) -> str:
    """The word the index knows that is nearest: edit distance 1 (with swaps), or 2 for words of 7 letters
    and more in an index of some size.

    Among equals the more frequent wins. Short words, numbers and words that the index knows in any form are left
    alone (Norvig's scheme of generating the neighbours, then looking them up).
    """
    if not vocabulary or not 4 <= len(word) <= 20 or not word.isascii() or not word.isalpha():
        return word
    if _known(word, vocabulary, has_stem):
        return word
    near = neighbours(word)
    best = max((w for w in near if w in vocabulary), key=lambda w: (w[0] == word[0], vocabulary[w]), default="")
    if not best and len(word) >= 7 and len(vocabulary) >= LARGE_VOCABULARY:
        wider = (
            w
            for first in near
            if first[:1] == word[:1]
            for w in neighbours(first)
            if w in vocabulary and w[0] == word[0]
        )
        best = max(wider, key=lambda w: vocabulary[w], default="")
    return best or word


def neighbours(word: str) -> set[str]:
    """Every string one deletion, swap, replacement or insertion away."""
    parts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    near = {left + right[1:] for left, right in parts if right}
    near |= {left + right[1] + right[0] + right[2:] for left, right in parts if len(right) > 1}
    near |= {left + letter + right[1:] for left, right in parts if right for letter in LETTERS}
    near |= {left + letter + right for left, right in parts for letter in LETTERS}
    near.discard(word)
    return near


def _known(word: str, vocabulary: Mapping[str, int], has_stem: Callable[[str], bool]) -> bool:
    """True when the index holds the word, another form of it, or the word behind its prefix ("un" + "controlled")."""
    if word in vocabulary or has_stem(stem(word)):
        return True
    return any(word.startswith(prefix) and has_stem(stem(word[len(prefix) :])) for prefix in PREFIXES)


def read_synonyms(path: Path) -> dict[str, tuple[str, ...]]:
    """A text file with one group a line, ``sofa, couch, settee``; every member then also finds the others."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The synonyms in {path} cannot be read: {error}.") from None
    groups: dict[str, tuple[str, ...]] = {}
    for line in lines:
        members = [" ".join(fold(part).split()) for part in line.partition("#")[0].split(",")]
        members = [member for member in members if member]
        for member in members:
            others = tuple(other for other in members if other != member)
            if others:
                groups[member] = tuple(dict.fromkeys((*groups.get(member, ()), *others)))
    return groups
