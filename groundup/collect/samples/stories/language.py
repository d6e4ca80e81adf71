"""Velmish, the second language of the small world, built by rules from the words of the first.

- Each English stem has one Velmish word of open syllables, coined in a fixed order without doubles: `dictionary`.
- Order: subject, object, verb; adjectives stand behind their noun; there are no articles.
- Endings: -en past, -ka in, -ko to, -ta at a time, -mo with, -ri because of, -na of, -su as. "na" before a verb: not.
- Names of people and towns stay as they are, with their endings behind a hyphen.

So a translation has exactly one right answer, and a learner must find both the words and the order.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from groundup.collect.samples.stories import grammar, lexicon

_CONSONANTS = "bdfghklmnprstvz"
_VOWELS = "aeiou"
_CAPITALS = frozenset([*lexicon.DAYS, *lexicon.MONTHS])  # written with one, but words like others


def translate(gloss: str) -> str:
    """A filled gloss ("Mara Elmford+ka baker be+en") as a Velmish sentence."""
    words = []
    for token in gloss.split():
        stem, _, ending = token.partition("+")
        if stem[0].isupper() and stem not in _CAPITALS:
            words.append(f"{stem}-{ending}" if ending else stem)
        elif stem == "na":
            words.append("na")
        else:
            words.append(dictionary()[stem] + ending)
    sentence = " ".join(words)
    return sentence[0].upper() + sentence[1:] + "."


@lru_cache(maxsize=1)
def dictionary() -> dict[str, str]:
    """English stem -> Velmish word, for every stem of the lexicon and the grammar. No two words alike."""
    taken = {"na"}
    words = {}
    for stem in sorted(_stems()):
        attempt = 0
        while (word := _coin(stem, attempt)) in taken:
            attempt += 1
        taken.add(word)
        words[stem] = word
    return words


def _coin(stem: str, attempt: int) -> str:
    digest = hashlib.sha256(f"velmish/{stem}/{attempt}".encode()).digest()
    num_syllables = 2 if len(stem) < 6 else 3
    pairs = zip(digest[:num_syllables], digest[8 : 8 + num_syllables], strict=True)
    return "".join(_CONSONANTS[first % len(_CONSONANTS)] + _VOWELS[second % len(_VOWELS)] for first, second in pairs)


def _stems() -> set[str]:
    phrases = [
        *lexicon.JOBS,
        *lexicon.DAYS,
        *lexicon.MONTHS,
        *lexicon.PLACES,
        *lexicon.ANIMALS,
        *lexicon.SPOTS,
        *lexicon.WEATHER,
    ]
    for words in (*lexicon.RELATIONS.values(), *lexicon.FEELINGS.values()):
        phrases += words
    for topic in lexicon.TOPICS:
        phrases += [*topic.verbs, *topic.things, *topic.looks, *topic.causes]
    patterns = [*grammar.INTRODUCTION, *grammar.WISH, *grammar.TRIP, *grammar.SIGHT, *grammar.ENDING]
    patterns += [pattern for pair in grammar.OUTCOME for pattern in pair]
    glosses = [re.sub(r"\{\w+\}", " ", gloss) for _, gloss in patterns]
    stems = {stem for phrase in phrases for stem in gloss_of(phrase).split()} | {"he", "she"}
    for gloss in glosses:
        stems |= {token.partition("+")[0] for token in gloss.split()}
    return stems - {"na", ""}


def gloss_of(phrase: str) -> str:
    """Stems of an English phrase in Velmish order: the other way round, without articles ("quilt green")."""
    words = re.findall(r"[\w'-]+", phrase)
    if phrase.endswith("."):  # a sentence begins with a capital that is not a name's
        words[0] = words[0].lower()
    return " ".join(word for word in reversed(words) if word not in ("a", "an", "the"))
