"""What a tokenizer does to text: the numbers behind ``groundup show THING --tokenizer``.

bytes per token   by language and by source: how far a context reaches, what a language pays
fertility         tokens per word (Rust et al. 2021): 1 is a word list; languages far above the rest are cut to bits
unused            ordinary tokens that never stand in the text
under-trained     tokens that stand so seldom that a model can hardly learn them (Land and Bartolo 2024)
round trip        texts that come back exactly
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from groundup.language.words import UNSPACED
from groundup.tokenizer.base import Tokenizer

SELDOM = 10  # occurrences; a token seen less is named under-trained (taste)
_UNSPACED = re.compile(f"[{UNSPACED}]")
SHOWN = 12  # tokens listed as examples


def look(
    tokenizer: Tokenizer, texts: Iterable[tuple[str, str, str]], counts: np.ndarray | None = None
) -> dict[str, Any]:
    """Measures over (text, language, source). counts: (vocabulary_size,) how often each token stands in the
    training tokens, where they are known; else they are counted over the texts."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])  # bytes, tokens, words
    used = np.zeros(tokenizer.vocabulary_size, dtype=np.int64)
    exact = tried = 0
    for text, language, source in texts:
        ids = tokenizer.encode(text)
        used += np.bincount(np.asarray(ids, dtype=np.int64), minlength=len(used))
        size = (len(text.encode("utf-8", "replace")), len(ids), num_words(text))
        for key in (("all", ""), ("language", language or "?"), ("source", source or "?")):
            sums[key] = [a + b for a, b in zip(sums[key], size, strict=True)]
        tried += 1
        exact += tokenizer.decode(ids) == text
    seen = used if counts is None else counts
    ordinary = np.ones(len(seen), dtype=bool)
    ordinary[[place for place in tokenizer.special.values() if place < len(seen)]] = False
    unused = np.flatnonzero(ordinary & (seen == 0))
    seldom = np.flatnonzero(ordinary & (seen > 0) & (seen < SELDOM))
    return {
        "kind": tokenizer.kind,
        "vocabulary_size": tokenizer.vocabulary_size,
        "special_tokens": len(tokenizer.special),
        "texts": tried,
        "bytes": sums["all", ""][0],
        "tokens": sums["all", ""][1],
        **_rates(sums["all", ""]),
        "by_language": {name: _rates(value) for (key, name), value in sorted(sums.items()) if key == "language"},
        "by_source": {name: _rates(value) for (key, name), value in sorted(sums.items()) if key == "source"},
        "counted_over": "these texts" if counts is None else "the training tokens",
        "unused_tokens": {"count": len(unused), "examples": _names(tokenizer, unused[:SHOWN])},
        "under_trained_tokens": {"count": len(seldom), "below": SELDOM, "examples": _names(tokenizer, seldom[:SHOWN])},
        "round_trip": {"exact": exact, "tried": tried},
    }


def num_words(text: str) -> int:
    """Words between blanks; a character of a script without blanks (Han, Kana, Thai ...) is one."""
    if text.isascii():
        return len(text.split())
    unspaced = _UNSPACED.findall(text)
    return len(unspaced) + len(_UNSPACED.sub(" ", text).split())


def _rates(sums: list[int]) -> dict[str, float]:
    num_bytes, num_tokens, words = sums
    return {
        "bytes_per_token": round(num_bytes / max(1, num_tokens), 3),
        "tokens_per_word": round(num_tokens / max(1, words), 3),
    }


def _names(tokenizer: Tokenizer, places: np.ndarray) -> list[str]:
    return [tokenizer.token_bytes(int(place)).decode("utf-8", "backslashreplace") for place in places]


def as_text(facts: dict[str, Any]) -> str:
    """The measures as a page for people."""
    special = facts["special_tokens"]
    lines = [
        f"{facts['kind']}, {facts['vocabulary_size']:,} tokens ({special} special)",
        f"measured on {facts['texts']:,} texts, {facts['bytes']:,} bytes, {facts['tokens']:,} tokens",
        "",
        f"{'':<24}{'bytes per token':>16}{'tokens per word':>17}",
        f"{'all':<24}{facts['bytes_per_token']:>16.2f}{facts['tokens_per_word']:>17.2f}",
    ]
    for group in ("by_language", "by_source"):
        lines += [
            f"{f'{group[3:]} {name}':<24}{rates['bytes_per_token']:>16.2f}{rates['tokens_per_word']:>17.2f}"
            for name, rates in facts[group].items()
        ]
    unused, seldom, back = facts["unused_tokens"], facts["under_trained_tokens"], facts["round_trip"]
    lines += [
        "",
        f"never used in {facts['counted_over']}: {unused['count']:,}  {_listed(unused['examples'])}".rstrip(),
        f"used fewer than {seldom['below']} times: {seldom['count']:,}  {_listed(seldom['examples'])}".rstrip(),
        f"come back exactly: {back['exact']:,} of {back['tried']:,} texts",
    ]
    return "\n".join(lines)


def _listed(examples: list[str]) -> str:
    return " ".join(repr(example) for example in examples)
