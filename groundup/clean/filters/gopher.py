"""Gopher's quality rules (Rae et al. 2021, "Scaling Language Models", table A1).

Our additions: common words of 19 languages, not of English only (two of any one language do); scripts without spaces
are judged by length only; books have no upper length.
"""

from __future__ import annotations

import re

from groundup.clean.filters.measure import FILTERS, Measured, Reason
from groundup.clean.options import QualityOptions

_LETTER_WORD = re.compile(r"[^\W\d_]\S*")
_BULLETS = ("-", "*", "\u2022", "\u2023", "\u25cf", "\u25aa", "\u25e6")
ENGLISH = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))  # the paper's list
# The most frequent words of other languages (ours): enough that a page of each holds two of them.
_OTHERS = """der die und das den ist von mit zu nicht ein|le la les de et des est un une dans que|el la de que y en los un
una por|il la di che e un una per non in|o a de que e do da um uma para|de het een en van is dat op te in|och att det som en
är på för av med|og det er en at på til af ikke med|og å det er en på som til av ikke|ja on ei että se oli hän mutta
kun|i w na nie się z do to jest że|a se na je v že to s jako i|i u je na se da za su od|az a és hogy nem is egy meg volt
de|ve bir bu da de için ile çok olarak olan|и в не на что с он как это по|і в не на що з та як це до|và của là có trong
cho một không được các|dan yang di itu dengan untuk tidak dari ini|și de la în a nu cu pe este care|na ya wa kwa ni katika
za la|i de la que el en les un per|en die van is wat het dit nie te|na je in se da za so ki po pa"""
_BY_LANGUAGE = [ENGLISH, *(frozenset(listed.split()) for listed in _OTHERS.split("|"))]


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
    letters = len(_LETTER_WORD.findall(text)) / count
    if letters < rule.min_words_with_letter:
        return "few_letters", f"{letters:.0%} of the words hold a letter"
    return _stop_words(found, rule.min_stop_words)


def _stop_words(found: list[str], wanted: int) -> Reason | None:
    """Too few common words of every language that we know; other scripts and languages are not judged by it."""
    if not wanted:
        return None
    present = set(found)
    if len(ENGLISH & present) >= wanted:
        return None
    present = {word.lower() for word in found}
    best = max(len(listed & present) for listed in _BY_LANGUAGE)
    if best >= wanted or not _is_western(found):
        return None
    return "no_common_words", f"{best} of the commonest words"


def _is_western(found: list[str]) -> bool:
    """Whether the words are in Latin letters: the lists above cover no other script but Cyrillic in part."""
    sample = "".join(found[:200])
    return sum(character < "\u0250" for character in sample) > 0.7 * len(sample)
