"""Toxic words: a short list of our own, matched at word boundaries so that 'Scunthorpe' and 'class' stay clean.

A list finds slurs and insults; it does not understand text: quoting, reclaiming and medical use look the same to it.
Use it to count and to look, and train a `HashedLinear` on labelled examples for decisions.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

# Kind -> stems; a star allows an ending ("idiot*" finds "idiots", "idiotic"). Chosen by hand, English only.
TOXIC_WORDS: dict[str, str] = {
    "insult": "idiot* moron* imbecile* stupid dumbass* jackass* asshole* arsehole* bastard* bitch* dickhead* scumbag* "
    "loser* wanker* twat* prick* douchebag* dipshit* shithead* fuckwit* retard*",
    "obscene": "fuck* motherfuck* bullshit shit shits shitty shitting cunt* cock cocks cocksucker* piss pissed tits "
    "bollocks goddamn*",
    "slur": "nigger* nigga* faggot* fag fags dyke dykes kike* spic spics chink* gook* wetback* raghead* towelhead* "
    "tranny trannies paki* coon coons beaner*",
    "sexual": "porn* blowjob* handjob* cumshot* gangbang* whore* slut* milf* hentai dildo*",
    "violence": "kill yourself|kys|rape you|lynch* behead*|gas the|hang yourself",
}


_PHRASE_BEGINS = re.compile(r"\b(?:kill|rape|gas|hang)\Z")  # the first words of the entries of several words


def toxic_words(text: str) -> list[tuple[int, int, str]]:
    """Every listed word in `text` as (start, end, kind), in order."""
    if not any(map(_may_hold_one, set(text.lower().split()))):
        return []  # ten times as fast as the pattern, which most texts do not need
    return [(match.start(), match.end(), str(match.lastgroup)) for match in _pattern().finditer(text)]


def toxicity(text: str) -> float:
    """Listed words per word of the text, in [0, 1]."""
    count = text.count(" ") + 1
    return min(1.0, len(toxic_words(text)) / count)


@lru_cache(maxsize=100_000)
def _may_hold_one(word: str) -> bool:
    return _pattern().search(word) is not None or _PHRASE_BEGINS.search(word) is not None


@cache
def _pattern() -> re.Pattern[str]:
    groups = []
    for kind, listed in TOXIC_WORDS.items():
        items = listed.split("|") if "|" in listed else listed.split()
        phrases = [part for item in items for part in ([item] if " " in item and "*" not in item else item.split())]
        stems = "|".join(re.escape(phrase).replace(r"\*", r"\w{0,6}").replace(r"\ ", r"\s+") for phrase in phrases)
        groups.append(f"(?P<{kind}>{stems})")
    return re.compile(rf"\b(?:{'|'.join(groups)})\b", re.IGNORECASE)
