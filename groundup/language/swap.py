"""Turn a text's gender around: the counterfactual that mitigation trains on (Lu et al. 2020; Hall Maudslay et al. 2019).

Pronouns, nouns of persons and pairs of common first names are exchanged, upper and lower case kept. "her" is two words:
before a noun it is "his", elsewhere "him"; "his" that no noun follows is "hers". Turning twice gives the text back, but
for these two where the next word misleads. English only; names without a partner in the list stay.
"""

from __future__ import annotations

import re

PAIRS = (
    "he she|himself herself|man woman|men women|boy girl|boys girls|father mother|fathers mothers|dad mum|"
    "son daughter|sons daughters|brother sister|brothers sisters|husband wife|husbands wives|uncle aunt|uncles aunts|"
    "grandfather grandmother|grandpa grandma|nephew niece|nephews nieces|king queen|prince princess|"
    "mr mrs|sir madam|lord lady|gentleman gentlewoman|gentlemen gentlewomen|actor actress|waiter waitress|host hostess|"
    "widower widow|groom bride|male female|males females|boyfriend girlfriend|policeman policewoman|hero heroine"
)  # fmt: skip
# First names of about equal frequency in English texts, paired by age group. Taste.
NAMES = (
    "Adam Anna|David Emma|Jack Lucy|Peter Maria|John Mary|James Jane|Robert Helen|William Margaret|Thomas Elizabeth|"
    "George Alice|Charles Sarah|Henry Rose|Daniel Laura|Paul Julia|Mark Susan|Michael Jennifer|Simon Clara|"
    "Felix Nora|Oscar Ida|Leo Ella|Max Mia|Noah Olivia|Ben Amy|Sam Kate|Tom Ruth|Harry Grace|Edward Flora|Martin Hannah"
)
# Words that follow an object ("saw her in town") or a pronoun standing alone ("his was red"), never a noun's beginning.
_AFTER = (
    "a about after again all alone also although always an and anymore around as asked at away back because before but by "
    "came could did do down during every everything first for from go had has have he here how if in into is it just know last "
    "later many more never next no not of off often on once one or out over she should so some soon that the then there these "
    "they this those through to today tomorrow too towards twice under until up very was we were what when where which "
    "while who why will with without would yesterday"
)
AFTER_OBJECT = frozenset(_AFTER.split())
WORD = re.compile(r"\b(?:[A-Za-z]+)\b")
NEXT = re.compile(r"\s+([A-Za-z]+)")


def _both_ways(pairs: str) -> dict[str, str]:
    listed = [pair.split(" ") for pair in pairs.split("|")]
    return dict(listed) | {second: first for first, second in listed}


SWAPS = _both_ways(PAIRS)
NAME_SWAPS = _both_ways(NAMES)


def swapped(text: str) -> str:
    """The text with every gendered word turned around."""

    def turned(match: re.Match[str]) -> str:
        word = match.group()
        if word in NAME_SWAPS:
            return NAME_SWAPS[word]
        low = word.lower()
        new = SWAPS.get(low) or _pronoun(low, text, match.end())
        return word if new is None else _cased(new, word)

    return WORD.sub(turned, text)


def _pronoun(low: str, text: str, end: int) -> str | None:
    """The forms that need the next word to be told apart; None for other words."""
    if low == "him":
        return "her"
    if low == "hers":
        return "his"
    if low not in ("her", "his"):
        return None
    following = NEXT.match(text, end)
    owns = following is not None and following.group(1).lower() not in AFTER_OBJECT
    if low == "her":
        return "his" if owns else "him"
    return "her" if owns else "hers"


def _cased(new: str, like: str) -> str:
    """`new` in the case of `like`."""
    if like.isupper() and len(like) > 1:
        return new.upper()
    return new.capitalize() if like[0].isupper() else new
