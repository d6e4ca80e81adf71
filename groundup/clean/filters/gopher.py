"""Gopher's quality rules (Rae et al. 2021, "Scaling Language Models", table A1).

Our additions: a text that is surely in another language need not hold English words; scripts without spaces are
judged by length only; books have no upper length.
"""

from __future__ import annotations

import re

from groundup.clean.filters.measure import FILTERS, Measured, Reason
from groundup.clean.options import QualityOptions
from groundup.language.identify import identify

_LETTER_WORD = re.compile(r"[^\W\d_]\S*")
# Where spaCy splits a word, and what it leaves whole: initials and titles with their full stop
_INSIDE = re.compile(r"(?<=[^\W\d_])[-\u2013\u2014,](?=[^\W\d_])|(?<=\w)[:<>=/](?=[^\W\d_])|(?<=\d)-(?=\d)")
_TITLES = frozenset(("Mr", "Mrs", "Ms", "Dr", "St", "Sr", "Jr", "Co", "Inc", "Ltd", "Corp", "Gen", "Prof"))
_MARKS = (
    "".join(chr(code) for code in range(33, 127) if not chr(code).isalnum())
    + "\u2018\u2019\u201c\u201d\u2026\u2013\u2014"
)
_BULLETS = ("-", "*", "\u2022", "\u2023", "\u25cf", "\u25aa", "\u25e6")
OTHER_LANGUAGE = 0.8  # confidence from which a text is taken for another language. Taste
ENGLISH = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))  # the paper's list


@FILTERS.register("gopher")
def gopher(measured: Measured, options: QualityOptions) -> Reason | None:
    """Too short or long, odd words, symbols, bullets, ellipses, no common words."""
    rule = options.gopher
    found = measured.words
    count = len(found)
    if count < rule.min_words:
        return "too_short", f"{count} words"
    if count > rule.max_words and not measured.is_book:
        return "too_long", f"{count} words"
    if measured.is_unspaced:
        return None
    mean = sum(map(len, found)) / count
    if not rule.min_mean_word_length <= mean <= rule.max_mean_word_length:
        return "word_length", f"mean word length {mean:.2f}"
    text = measured.text
    symbols = (text.count("#") + text.count("...") + text.count("\u2026")) / count
    if symbols > rule.max_symbols_per_word and measured.kind != "markdown":  # "#" is a heading there
        return "symbols", f"{symbols:.2f} symbols a word"
    lines = measured.lines
    bullets = sum(line.startswith(_BULLETS) for line in lines) / len(lines)
    if bullets > rule.max_bullet_lines:
        return "bullets", f"{bullets:.0%} of the lines"
    ellipses = sum(line.endswith(("...", "\u2026")) for line in lines) / len(lines)
    if ellipses > rule.max_ellipsis_lines:
        return "ellipses", f"{ellipses:.0%} of the lines"
    # Most texts pass by their words of letters alone, which is ten times as fast as the pattern
    if rule.count_marks:
        letters = _letter_share(found)
    else:
        letters = sum(map(str.isalpha, found)) / count
        if letters < rule.min_words_with_letter:
            letters = len(_LETTER_WORD.findall(text)) / count
    if letters < rule.min_words_with_letter:
        return "few_letters", f"{letters:.0%} of the words hold a letter"
    return _stop_words(text, found, rule.min_stop_words)


def _letter_share(found: list[str]) -> float:
    """The share of tokens with a letter where every outer mark is a token of its own, about as spaCy splits."""
    letters = tokens = 0
    for word in found:
        if word.isalpha():
            letters += 1
            tokens += 1
            continue
        core = word.strip(_MARKS)
        marks = len(word) - len(core) - 2 * word.count("...")
        marks -= (core in _TITLES or (len(core) == 1 and core.isalpha())) and f"{core}." in word
        tokens += marks
        if not core:
            continue
        pieces = 1 if "://" in core else len(_INSIDE.findall(core)) + 1
        endings = core.endswith(("'s", "\u2019s", "n't", "n\u2019t", "'re", "'ll", "'ve"))  # tokens of their own there
        tokens += 2 * pieces - 1 + endings
        letters += pieces + endings if any(map(str.isalpha, core)) else 0
    return letters / max(1, tokens)


def _stop_words(text: str, found: list[str], wanted: int) -> Reason | None:
    """Too few of the commonest English words, unless the text is surely in another language."""
    if not wanted or len(ENGLISH.intersection(found)) >= wanted:
        return None
    present = ENGLISH.intersection(word.lower() for word in found)
    if len(present) >= wanted:
        return None
    language, confidence = identify(text)
    if language not in ("", "en") and confidence > OTHER_LANGUAGE:
        return None
    return "no_common_words", f"{len(present)} of the commonest words"
