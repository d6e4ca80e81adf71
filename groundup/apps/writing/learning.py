"""Making a corrector from plain text: count it, spoil it, learn to undo it, choose the threshold on held-out text.

python -m groundup.apps.writing.learning TEXTS... --out english.safetensors.zst

The shipped file was made this way from books in the public domain and articles of the US government (CC0); it holds
counts and weights, no text.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from groundup.apps.search.reading import documents_of
from groundup.apps.writing.candidates import REASONS
from groundup.apps.writing.corrector import SHIPPED, Corrector, as_tokens
from groundup.apps.writing.counts import Counts
from groundup.apps.writing.mistakes import spoil
from groundup.apps.writing.scoring import Tally, best_thresholds, careful_thresholds
from groundup.apps.writing.tokens import tokens
from groundup.core.errors import DataError
from groundup.core.split import split_of
from groundup.language.words import sentences

GOOD = re.compile(r"[\"'\u201c\u2018]?[A-Z][^|#*_{}<>\[\]=\\/@]*[.!?][\"'\u201d\u2019)]?")
FEWEST, MOST = 5, 40  # tokens of a sentence to learn from
MOST_TUNING = 1500  # sentences the threshold is chosen on
MOST_RIGHT = 6000  # right sentences that suggestions are kept away from: at 1 % some 60 would still be changed
MOST_CHANGED = 0.015  # of them. 0.01 also leaves "recieved" as it is: F0.5 0.53 in place of 0.60 (60 sentences by hand)
SUREST = 0.9  # no kind is asked to be surer: over it "didnt" stays, and right text gains nothing


def good_sentences(text: str) -> Iterator[list[str]]:
    """The plain English sentences of a text, as tokens; headings, lists, tables and code are left out."""
    flat = re.sub(r"(?<!\n)\n(?!\n)", " ", text)
    for start, end in sentences(flat):
        sentence = " ".join(flat[start:end].split())
        if not GOOD.fullmatch(sentence):
            continue
        words = [token.word for token in tokens(sentence)]
        letters = sum(one.isalpha() or one == " " for one in sentence)
        if FEWEST <= len(words) <= MOST and letters > 0.88 * len(sentence):
            yield words


def learn(texts: Sequence[str], held_out: Sequence[str], *, most: int = 60_000, seed: int = 1) -> Corrector:
    """Count all of `texts`, learn from `most` of their sentences, set the threshold on `held_out`."""
    right = [words for text in texts for words in good_sentences(text)]
    if len(right) < 20:
        raise DataError("There is too little English text to learn corrections from.", repair="Give whole sentences.")
    corrector = Corrector(Counts.of(right))
    chance = random.Random(seed)
    corrector.fit(chance.sample(right, min(most, len(right))), seed=seed)
    tune(corrector, [words for text in held_out for words in good_sentences(text)], seed=seed)
    return corrector


def tune(corrector: Corrector, held_out: Sequence[Sequence[str]], *, seed: int = 1) -> None:
    """Set the thresholds: the best F0.5 of each kind on spoiled sentences, then higher until right text is left alone."""
    if not held_out:
        return
    chosen = random.Random(seed).sample(list(held_out), min(MOST_RIGHT, len(held_out)))
    found = tally(corrector, chosen[:MOST_TUNING], seed=seed + 1, floor=0.05)
    start = corrector.thresholds | best_thresholds(found)
    rows = [
        [(p, one.kind) for one, p in corrector.scored(as_tokens(words)) if p >= start[one.kind]] for words in chosen
    ]
    bars = careful_thresholds(found, rows, start, MOST_CHANGED)
    corrector.thresholds = {kind: min(bar, SUREST) for kind, bar in bars.items()}


def tally(corrector: Corrector, right: Iterable[Sequence[str]], *, seed: int, floor: float | None = None) -> Tally:
    """Spoil right sentences and keep, of every edit at or over `floor`, its probability and whether it was right."""
    chance = random.Random(seed)
    kept, corrector.thresholds = (
        corrector.thresholds,
        corrector.thresholds if floor is None else dict.fromkeys(REASONS, floor),
    )
    found = Tally()
    try:
        for words in right:
            spoiled, gold = spoil(words, corrector.counts, chance)
            truth = {(one.first, one.last, one.words) for one in gold}
            chosen = corrector.chosen(as_tokens(spoiled))
            found.add(
                [(p, (c.first, c.last, c.words) in truth, c.kind) for c, p in chosen],
                len(gold),
                [c.kind for c in gold],
                [c.kind for c, _ in chosen if (c.first, c.last, c.words) in truth],
            )
    finally:
        corrector.thresholds = kept
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--most", type=int, default=60_000, help="sentences to learn from")
    parser.add_argument("--again", type=Path, metavar="FILE", help="a corrector whose thresholds alone are set again")
    given = parser.parse_args(arguments)
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for place in given.texts:
        for document in documents_of(place, [], place.stem):
            parts[split_of(document.id)].append(document.text)
    if given.again is not None:
        corrector = Corrector.load(given.again)
        tune(corrector, [words for text in parts["validation"] for words in good_sentences(text)])
    else:
        corrector = learn(parts["train"], parts["validation"], most=given.most)
    corrector.save(given.out)
    test = [words for text in parts["test"] for words in good_sentences(text)]
    random.Random(3).shuffle(test)
    print(f"{given.out}: {given.out.stat().st_size:,} bytes, {len(corrector.counts.words):,} words", file=sys.stderr)
    print(tally(corrector, test[:3000], seed=5).at(0.0))
    changed = sum(bool(corrector.chosen(as_tokens(words))) for words in test[:3000])
    print(f"right sentences changed: {changed} of {len(test[:3000])}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
