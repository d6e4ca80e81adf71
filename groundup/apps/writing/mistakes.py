"""Mistakes put into right sentences, as writers and learners make them: what the corrector learns from and is scored on.

Each mistake comes with the edit that undoes it, in tokens of the wrong sentence, so that the truth is exact.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from groundup.apps.writing.candidates import Candidate
from groundup.apps.writing.counts import Counts
from groundup.apps.writing.forms import ARTICLES, CONFUSED, CONTRACTIONS, JOINED, OPENERS, PREPOSITIONS, family
from groundup.apps.writing.tokens import cased

# How often a mistake of each kind is tried; after the error types of learner corpora, spelling and forms first.
SHARES = {
    "spelling": 0.26,
    "form": 0.17,
    "confused": 0.17,
    "article": 0.13,
    "preposition": 0.09,
    "apostrophe": 0.05,
    "twice": 0.03,
    "capital": 0.05,
    "joined": 0.02,
    "comma": 0.02,
    "stop": 0.01,
}
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SOUNDS = (
    ("ie", "ei"),
    ("ei", "ie"),
    ("ance", "ence"),
    ("ence", "ance"),
    ("able", "ible"),
    ("ible", "able"),
    ("tion", "sion"),
    ("ph", "f"),
    ("ea", "ee"),
    ("ee", "ea"),
    ("ou", "u"),
    ("ary", "ery"),
    ("ant", "ent"),
    ("ly", "ley"),
    ("ck", "k"),
)
WITHOUT_APOSTROPHE = {right: wrong for wrong, right in CONTRACTIONS.items()}
APART = {right: wrong for wrong, right in JOINED.items()}


def spoil(
    words: Sequence[str], counts: Counts, chance: random.Random, most: int = 3
) -> tuple[list[str], list[Candidate]]:
    """``(wrong words, edits that undo it)``; a third of the sentences stay right, so that rightness is learned too."""
    number = chance.choices(range(most + 1), weights=(0.34, 0.36, 0.2, 0.1)[: most + 1])[0]
    wrong: list[list[str]] = [[word] for word in words]  # what stands in the place of each right word
    marks: dict[int, str] = {}  # place -> kind of mistake
    for _ in range(number * 3):
        if len(marks) >= number:
            break
        kind = chance.choices(list(SHARES), weights=list(SHARES.values()))[0]
        place = chance.randrange(len(words))
        if any(near in marks for near in (place - 1, place, place + 1)):
            continue
        changed = _mistake(kind, words, place, counts, chance)
        if changed is not None:
            wrong[place] = changed
            marks[place] = kind
    return _collect(words, wrong, marks)


def _collect(words: Sequence[str], wrong: list[list[str]], marks: dict[int, str]) -> tuple[list[str], list[Candidate]]:
    spoiled: list[str] = []
    edits: list[Candidate] = []
    skip = 0
    for place, (word, stands) in enumerate(zip(words, wrong, strict=True)):
        if skip:
            skip -= 1
            continue
        first = len(spoiled)
        kind = marks.get(place)
        if kind is None:
            spoiled += stands
        elif kind == "twice":
            spoiled += [word, word.lower()]
            edits.append(Candidate(first + 1, first + 2, (), kind))
        elif kind == "joined":
            spoiled += stands
            edits.append(Candidate(first, first + 1, (word, words[place + 1]), kind))
            skip = 1
        elif not stands:  # a word left out
            edits.append(Candidate(first, first, (word,), kind))
        elif len(stands) == 2:  # a word put in before
            spoiled += stands
            edits.append(Candidate(first, first + 1, (), kind))
        else:
            spoiled += stands
            edits.append(Candidate(first, first + 1, (word,), kind))
    return spoiled, edits


def _mistake(kind: str, words: Sequence[str], place: int, counts: Counts, chance: random.Random) -> list[str] | None:
    """What stands in the place of words[place] after a mistake of this kind; None where it cannot be made."""
    word, lower = words[place], words[place].lower()
    if kind == "stop":
        return [] if place == len(words) - 1 and word == "." and len(words) > 4 else None
    if kind == "comma":
        return [] if place == 1 and word == "," and words[0].lower() in OPENERS else None
    if not word[0].isalpha():
        return None
    if kind == "spelling":
        new = _misspelt(lower, chance) if len(lower) > 3 and word.isalpha() and (word.islower() or place == 0) else ""
        return [cased(new, word)] if new and not counts.knows(new) else None
    if kind == "form":
        others = sorted(one for one in family(lower) if counts.frequency(one) > 3)
        return [cased(chance.choice(others), word)] if others and counts.knows(lower) else None
    if kind == "confused":
        others = sorted(one for one in CONFUSED.get(lower, ()) if counts.knows(one.lower()))
        return [cased(chance.choice(others), word)] if others else None
    if kind == "apostrophe":
        straight = word.replace("\u2019", "'")
        bare = WITHOUT_APOSTROPHE.get(straight) or WITHOUT_APOSTROPHE.get(straight.lower())
        return None if not bare else [bare if word == "I'm" else cased(bare, word)]
    if kind == "twice":
        return [word, word] if len(word) < 6 and place > 0 else None
    if kind == "capital":
        if word == "I" or (word[0].isupper() and (place == 0 or lower in counts.upper) and word[1:].islower()):
            return [lower]
        return None
    if kind == "joined":
        both = f"{lower} {words[place + 1].lower()}" if place + 1 < len(words) else ""
        return [cased(APART[both], word)] if both in APART else None
    small = ARTICLES if kind == "article" else PREPOSITIONS
    return _of_small_word(word, lower, place, words, small, chance)


def _of_small_word(
    word: str, lower: str, place: int, words: Sequence[str], small: Sequence[str], chance: random.Random
) -> list[str] | None:
    """An article or preposition left out, exchanged or put in."""
    if lower in small:
        if chance.random() < 0.5 and place > 0:
            return []
        if small is ARTICLES and lower in ("a", "an"):
            return [cased("an" if lower == "a" else "a", word)] if chance.random() < 0.4 else [cased("the", word)]
        return [cased(chance.choice([one for one in small if one != lower]), word)]
    before = words[place - 1].lower() if place else ""
    free = place > 0 and before[:1].isalpha() and before not in ARTICLES and lower not in (*ARTICLES, *PREPOSITIONS)
    if free and before not in PREPOSITIONS and word.islower() and chance.random() < 0.12:
        return [chance.choice(small if small is PREPOSITIONS else ("a", "the")), word]
    return None


def _misspelt(word: str, chance: random.Random) -> str:
    """One slip of the finger or of the ear."""
    if chance.random() < 0.35:
        fitting = [(old, new) for old, new in SOUNDS if old in word[1:]]
        if fitting:
            old, new = chance.choice(fitting)
            cut = word.index(old, 1)
            return word[:cut] + new + word[cut + len(old) :]
    place = chance.randrange(1, len(word))
    kind = chance.randrange(5)
    if kind == 0 and place + 1 < len(word):
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    if kind == 2:
        return word[:place] + word[place] + word[place:]
    if kind == 3:
        return word[:place] + _beside(word[place], chance) + word[place + 1 :]
    doubled = [n for n in range(1, len(word)) if word[n] == word[n - 1]]
    if doubled:
        cut = chance.choice(doubled)
        return word[:cut] + word[cut + 1 :]
    return word[:place] + _beside(word[place], chance) + word[place:]


def _beside(letter: str, chance: random.Random) -> str:
    """A key beside the letter's."""
    for row in KEYBOARD:
        at = row.find(letter)
        if at >= 0:
            return chance.choice([row[near] for near in (at - 1, at + 1) if 0 <= near < len(row)])
    return "e"
