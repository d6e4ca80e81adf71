"""Which language a text is written in, offline: cheap and sure signs first, py3langid for the rest.

1. A script that only one language uses (Greek, Thai, Hangul ...) tells it at once.
2. Function words: where one language's small words are frequent and no other's come near, that is the language.
3. py3langid (n-grams, naive Bayes) judges what is left: short texts, near relatives, rarer languages.

Measured beside its peers by benchmarks/language.py (figures in docs/log.md).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from groundup.language.function_words import FUNCTION_WORDS, SCRIPT_BLOCKS, languages_of_words

SAMPLE_CHARACTERS = 1200  # taste: three windows of 400; longer samples changed no answer in our tests
WINDOW = 400  # characters judged by the cheap signs; of a long text both its beginning and its end
GLANCE = 220  # characters looked at first: enough for nine passages of ten, in half the time
MIN_SCORE = 2.0  # shares of function words in a window, summed; below, py3langid judges
SURE_SCORE = 4.0  # ... at the first glance
LEAD = 1.35  # times the runner-up's score, and ...
AHEAD = 1.2  # ... so much more: at least two words of its own. Nearer relatives go to py3langid
SCRIPT_SHARE = 0.6  # of the letters looked at, in one script
KANA_SHARE = 0.12  # of the letters: Japanese prose has a third and more, Chinese that quotes Japanese names far less
LOOKED_AT = 48  # characters of a window, evenly spread, whose script is looked up

_KANA = re.compile(r"[\u3040-\u30ff]")


def identify(text: str) -> tuple[str, float]:
    """(ISO 639-1 code, confidence in [0, 1]); ('', 0.0) for a text without letters.

    Long texts are judged by three windows: begin, middle, end.
    """
    sample = _sample(text)
    language = _by_signs(sample[:GLANCE], SURE_SCORE) or _by_signs(sample[:WINDOW])
    if language and len(sample) > 2 * WINDOW and _by_signs(sample[-WINDOW:]) != language:
        language = ""
    if language:
        return language, 1.0
    if not any(character.isalpha() for character in sample):
        return "", 0.0
    found, confidence = _identifier().classify(sample)
    return _TWO_LETTERS.get(str(found), str(found)), float(confidence)


def _sample(text: str) -> str:
    if len(text) <= SAMPLE_CHARACTERS:
        return text
    third = SAMPLE_CHARACTERS // 3
    middle = len(text) // 2
    return f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"


def _by_signs(part: str, enough: float = MIN_SCORE) -> str:
    """The language, where its script or its function words leave no doubt; else ''."""
    if part.isascii():
        return _by_words(part, enough)
    far = [character for character in part[:: max(1, len(part) // LOOKED_AT)] if character > "\u036f"]
    language = _by_script(part, far) or _by_words(part, enough)
    if len(far) > LOOKED_AT // 8 and language in _LATIN:
        return ""  # English words in Russian text, or the other way round
    return language


def _by_script(part: str, letters: list[str]) -> str:
    """The language of the script that most of the letters have, if one language alone uses it."""
    if len(letters) < 8:
        return ""
    blocks = _blocks()
    counts: dict[str, int] = {}
    known = 0
    for character in letters:
        language = blocks.get(ord(character) >> 4)
        if language:
            counts[language] = counts.get(language, 0) + 1
            known += 1
    if known < SCRIPT_SHARE * len(letters):
        return ""
    language = max(counts, key=counts.__getitem__)
    if language in ("zh", "ja"):
        return "ja" if len(_KANA.findall(part)) > KANA_SHARE * len(part) else "zh"
    return language if counts[language] >= SCRIPT_SHARE * len(letters) else ""


def _by_words(part: str, enough: float) -> str:
    """The language whose function words are frequent while no other's come near."""
    table = languages_of_words()
    scores: dict[str, float] = {}
    # Split at blanks only: small words seldom carry a mark, and a pattern would take three times as long
    for word in set(part.lower().split()):
        for language, share in table.get(word, ()):
            scores[language] = scores.get(language, 0.0) + share
    if not scores:
        return ""
    best = max(scores, key=scores.__getitem__)
    first = scores.pop(best)
    second = max(scores.values(), default=0.0)
    return best if first >= enough and first >= LEAD * second and first - second >= AHEAD else ""


@cache
def _blocks() -> dict[int, str]:
    """Code point >> 4 -> language."""
    return {
        block: language
        for language, ranges in SCRIPT_BLOCKS.items()
        for first, last in ranges
        for block in range(first >> 4, (last >> 4) + 1)
    }


# Languages written in Latin letters: text in them holds few letters of other scripts
_LATIN = frozenset(code for code, listed in FUNCTION_WORDS.items() if listed[0] < "\u0370")
_TWO_LETTERS = {"nn": "no", "wuu": "zh", "yue": "zh"}  # written norms and relatives, folded into the better known code


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier
