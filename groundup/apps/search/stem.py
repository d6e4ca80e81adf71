"""Porter's stemmer (Porter 1980, "An algorithm for suffix stripping"), equal to the one inside SQLite FTS5.

The index stems with FTS5's ``porter`` tokenizer; snippets, answers and document frequencies need the same stems in
Python. A test holds the two equal over a long list of words. Words of other alphabets pass through unchanged.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

# The rules of the paper, longest suffix first where one ends in another.
STEP_2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("logi", "log"),
    ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"),
    ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"),
    ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
)  # fmt: skip
STEP_3 = (("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""))
STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate",
    "iti", "ous", "ive", "ize",
)  # fmt: skip
WORD = re.compile(r"\w+", re.UNICODE)

# Words that say nothing about the subject. Own list: question words, articles, pronouns, auxiliaries, prepositions.
_STOP_WORDS = (
    "a about above after again all also am an and any are as at be because been before being below between "
    "both but by can could did do does doing down during each few for from further had has have having he her "
    "here hers him his how i if in into is it its itself just many may me might more most much must my no nor "
    "not now of off often on once only or other our ours out over own please same shall she should so some such tell "
    "than that the their theirs them then there these they this those through to too under until up upon us "
    "very was we were what when where which while who whom whose why will with would you your yours"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())


def tokens(text: str) -> list[tuple[int, int, str]]:
    """``(start, end, word)`` of every word: letters and digits, lower case, without accents, as FTS5 cuts them."""
    found = []
    for match in WORD.finditer(text):
        place = match.start()
        for part in match.group().split("_"):  # FTS5's unicode61 ends a word at an underscore
            if part:
                found.append((place, place + len(part), fold(part)))
            place += len(part) + 1
    return found


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """Lower case without accents: 'Cafe' and 'caf\\u00e9' are one word."""
    if word.isascii():
        return word.lower()
    split = unicodedata.normalize("NFD", word.lower())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def stems(text: str) -> list[str]:
    """The stems of the words of a text that carry meaning, in order."""
    return [stem(word) for _, _, word in tokens(text) if word not in STOP_WORDS]


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The stem of one lower-case word; short words and words with other letters come back as they are.

    FTS5 leaves words under 3 and over 64 letters alone, and so do we.
    """
    if len(word) < 3 or len(word) > 64 or not word.isascii() or not word.isalnum():
        return word
    word = _step_1(word)
    for rules in (STEP_2, STEP_3):
        for suffix, other in sorted(rules, key=lambda rule: -len(rule[0])):
            if word.endswith(suffix):
                if _measure(word[: -len(suffix)]) > 0:
                    word = word[: -len(suffix)] + other
                break
    word = _step_4(word)
    if word.endswith("e"):
        rest = word[:-1]
        if _measure(rest) > 1 or (_measure(rest) == 1 and not _ends_short(rest)):
            word = rest
    if word.endswith("ll") and _measure(word[:-1]) > 1:
        word = word[:-1]
    return word


def _step_1(word: str) -> str:
    """Plurals, -ed, -ing, and y after a vowel."""
    if (word.endswith("sses") and len(word) > 4) or (word.endswith("ies") and len(word) > 3):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if word.endswith("eed"):
        if _measure(word[:-3]) > 0:
            word = word[:-1]
    else:
        for suffix in ("ed", "ing"):
            rest = word[: -len(suffix)]
            if word.endswith(suffix) and _has_vowel(rest):
                word = rest
                if word.endswith(("at", "bl", "iz")):
                    word += "e"
                elif len(word) > 1 and word[-1] == word[-2] and word[-1] not in "aeioulsz":
                    word = word[:-1]
                elif _measure(word) == 1 and _ends_short(word):
                    word += "e"
                break
    if word.endswith("y") and _has_vowel(word[:-1]):
        word = word[:-1] + "i"
    return word


def _step_4(word: str) -> str:
    for suffix in sorted(STEP_4, key=len, reverse=True):
        if word.endswith(suffix):
            rest = word[: -len(suffix)]
            if _measure(rest) > 1 and (suffix != "ion" or rest.endswith(("s", "t"))):
                return rest
            return word
    return word


def _is_consonant(word: str, place: int) -> bool:
    letter = word[place]
    if letter in "aeiou":
        return False
    return letter != "y" or place == 0 or not _is_consonant(word, place - 1)


def _measure(word: str) -> int:
    """The number m of vowel-consonant sequences: [C](VC)^m[V]."""
    kinds = [_is_consonant(word, place) for place in range(len(word))]
    return sum(1 for before, here in pairwise(kinds) if not before and here)


def _has_vowel(word: str) -> bool:
    return any(not _is_consonant(word, place) for place in range(len(word)))


def _ends_short(word: str) -> bool:
    """The paper's *o: ends consonant-vowel-consonant, the last not w, x or y."""
    if len(word) < 3:
        return False
    last = len(word) - 1
    return (
        _is_consonant(word, last)
        and not _is_consonant(word, last - 1)
        and _is_consonant(word, last - 2)
        and word[-1] not in "wxy"
    )
