"""Everything that may be wrong with a sentence: for each place the edits a corrector could make, right or not.

An edit replaces the tokens ``first:last`` by words; its kind names the rule it comes from, and its reason for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundup.apps.search.understand import neighbours
from groundup.apps.writing.counts import Counts
from groundup.apps.writing.forms import ARTICLES, CONFUSED, CONTRACTIONS, JOINED, OPENERS, PREPOSITIONS, family
from groundup.apps.writing.tokens import Token, cased
from groundup.metrics.edits import edit_distance

REASONS = {
    "spelling": "This is not a word that is known; this one is near it.",
    "confused": "These two words are easily mixed up.",
    "form": "Another form of the word fits better here.",
    "article": "The article does not fit here.",
    "preposition": "Another preposition is usual here.",
    "twice": "The word stands here twice.",
    "capital": "This is written with a capital letter.",
    "joined": "This is written apart.",
    "apostrophe": "An apostrophe is missing.",
    "comma": "A comma is usual after this opening word.",
    "stop": "The sentence has no end mark.",
}
NUM_SPELLINGS = 4
APOSTROPHE = "'"


@dataclass(frozen=True)
class Candidate:
    """Replace tokens[first:last] by `words` (as they will be written)."""

    first: int
    last: int
    words: tuple[str, ...]
    kind: str
    rank: int = 0  # among the spellings of one word


def candidates(sentence: Sequence[Token], counts: Counts) -> list[Candidate]:
    """All edits of one sentence that some rule can make."""
    found: list[Candidate] = []
    for place, token in enumerate(sentence):
        if token.is_word:
            found += _of_word(sentence, place, counts)
            found += _inserted(sentence, place, counts)
    if sentence and len(sentence) > 3 and sentence[-1].is_word:
        found.append(Candidate(len(sentence), len(sentence), (".",), "stop"))
    return found


def _of_word(sentence: Sequence[Token], place: int, counts: Counts) -> list[Candidate]:
    token = sentence[place]
    lower, word = token.lower, token.word
    at_start = place == 0

    def one(new: str, kind: str, rank: int = 0) -> Candidate:
        like = word if not (len(word) == 1 and word.isupper()) else ("A" if at_start else "a")
        shaped = new if new in ("I", "I'm", "I've") else tuple(cased(part, like) for part in new.split())
        parts = (shaped,) if isinstance(shaped, str) else (shaped[0], *new.split()[1:])
        return Candidate(place, place + 1, parts, kind, rank)

    if place > 0 and sentence[place - 1].lower == lower and lower not in ("had", "that"):
        return [Candidate(place, place + 1, (), "twice")]
    if lower in JOINED:
        return [one(JOINED[lower], "joined")]
    found: list[Candidate] = []
    if lower in CONTRACTIONS and (not counts.knows(lower) or lower == "lets"):
        return [one(CONTRACTIONS[lower], "apostrophe")]
    if (at_start and word[0].islower()) or ((word == "i" or lower in counts.upper) and word.islower()):
        found.append(Candidate(place, place + 1, (word[:1].upper() + word[1:],), "capital"))
    if not counts.knows(lower):
        if word.isalpha() and 2 < len(word) < 21 and not (word[0].isupper() and not at_start) and word.isascii():
            near = spellings(lower, counts)
            found += [one(new, "spelling", rank) for rank, new in enumerate(near)]
        return found
    found += [one(new, "confused") for new in sorted(CONFUSED.get(lower, ())) if new.lower() != lower]
    if len(lower) > 2 or lower in ("is", "am", "be", "do", "go"):
        skip = CONFUSED.get(lower, frozenset())
        found += [one(new, "form") for new in sorted(family(lower)) if counts.frequency(new) > 3 and new not in skip]
    if lower in ARTICLES:
        found.append(Candidate(place, place + 1, (), "article"))
        found += [one(new, "article") for new in ARTICLES if new != lower and new not in CONFUSED.get(lower, ())]
    if lower in PREPOSITIONS:
        found.append(Candidate(place, place + 1, (), "preposition"))
        skip = CONFUSED.get(lower, frozenset())
        found += [one(new, "preposition") for new in PREPOSITIONS if new != lower and new not in skip]
    return found


def _inserted(sentence: Sequence[Token], place: int, counts: Counts) -> list[Candidate]:
    """Words that may be missing before a token: only those seen beside both neighbours."""
    before = sentence[place - 1].lower if place else ""
    lower = sentence[place].lower
    if place == 1 and before in OPENERS and sentence[place].is_word:
        return [Candidate(place, place, (",",), "comma")]
    if place == 0 or before in ARTICLES or lower in ARTICLES or not sentence[place - 1].is_word:
        return []
    new = [(word, "article") for word in ARTICLES]
    if lower not in PREPOSITIONS and before not in PREPOSITIONS:
        new += [(word, "preposition") for word in ("to", "of", "in", "for", "on", "at")]
    return [
        Candidate(place, place, (word,), kind)
        for word, kind in new
        if counts.pair(before, word) and counts.pair(word, lower)
    ]


def spellings(word: str, counts: Counts) -> list[str]:
    """The known words nearest to an unknown one: one edit away, else two; then two words run together."""
    near = {one for one in neighbours(word) if counts.knows(one) and len(one) > 1}
    near |= {one for one in _with_apostrophe(word) if counts.knows(one)}
    if not near and len(word) > 4:
        near = {one for one in counts.alike(word) if edit_distance(word, one) <= 2}
    ordered = sorted(near, key=lambda one: (-_closeness(word, one) - _commonness(counts.frequency(one)), one))
    halves = [
        f"{word[:cut]} {word[cut:]}"
        for cut in range(2, len(word) - 1)
        if counts.frequency(word[:cut]) > 50
        and counts.frequency(word[cut:]) > 50
        and counts.pair(word[:cut], word[cut:])
    ]
    return ordered[:NUM_SPELLINGS] + halves[:1]


def _commonness(frequency: int) -> float:
    return min(4.0, len(str(frequency)) * 0.8)


def _closeness(word: str, other: str) -> float:
    """Likely slips count more: same first letter, same letters in another order, a doubled letter."""
    value = 1.5 * (word[0] == other[0]) + (sorted(word) == sorted(other))
    return (
        value
        + (_undoubled(word) == _undoubled(other))
        + 0.5 * (word[-1] == other[-1])
        - 1.5 * (abs(len(word) - len(other)) > 1)
    )


def _undoubled(word: str) -> str:
    return "".join(letter for place, letter in enumerate(word) if place == 0 or word[place - 1] != letter)


def _with_apostrophe(word: str) -> list[str]:
    return [word[:place] + APOSTROPHE + word[place:] for place in range(1, len(word))]
