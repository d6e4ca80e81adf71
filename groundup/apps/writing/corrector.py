"""Grammar and spelling: every possible edit of a sentence gets a probability; the sure ones become suggestions.

A linear model (logistic regression over hashed features, AdaGrad) over what the edit changes, the words around it, and
how much more likely the sentence becomes by the counts of `counts`. It learns from sentences spoiled by `mistakes`: the
edit that undoes a mistake is right, every other edit is wrong. After the edit-tagging idea of GECToR (Omelianchuk et al.
2020), with a linear model in place of a Transformer, so that it is 2 MB and runs in milliseconds. What is left out: edits
that move words, and mistakes further apart than two words.
"""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from groundup.apps.writing.candidates import REASONS, Candidate, candidates
from groundup.apps.writing.counts import END, START, Counts
from groundup.apps.writing.forms import kind_of
from groundup.apps.writing.mistakes import spoil
from groundup.apps.writing.tokens import Token, tokens
from groundup.core.errors import ArtifactError
from groundup.core.files import write_bytes
from groundup.language.words import sentences

SHIPPED = Path(__file__).parent / "english.safetensors.zst"
BITS = 18  # hashed features: 2^18 half-precision weights are 0.5 MB
WRONG_SHARE = 0.4  # of the wrong edits, learned from with 1 / 0.4 of the weight: the same model in half the time
# Kinds whose rule is as good as certain where it applies (the word before it is unknown, or stands there twice).
SURE_KINDS = frozenset(("joined", "apostrophe", "twice", "capital"))
BY_RULE = 0.95
LONGEST_SENTENCE = 120  # tokens; a longer "sentence" is a table or a list


@dataclass(frozen=True)
class Edit:
    """A suggestion: put `after` in the place of ``text[start:end]`` (`before`)."""

    start: int
    end: int
    before: str
    after: str
    kind: str
    reason: str
    confidence: float


class Corrector:
    """Counts and weights. `thresholds`: kind -> the least probability of a suggestion (set on held-out text for F0.5)."""

    def __init__(
        self, counts: Counts, weights_H: np.ndarray | None = None, thresholds: Mapping[str, float] | None = None
    ) -> None:
        self.counts = counts
        self.weights_H = np.zeros(1 << BITS, dtype=np.float32) if weights_H is None else weights_H
        self.thresholds = dict.fromkeys(REASONS, 0.5) | dict(thresholds or {})

    # Use

    def suggest(self, text: str) -> list[Edit]:
        """Suggestions for a text, in order, without overlaps; [] for text that is not English words."""
        found: list[Edit] = []
        for start, end in sentences(text):
            sentence = tokens(text, start, end)
            if 1 < len(sentence) <= LONGEST_SENTENCE:
                found += [self._placed(text, sentence, one, p) for one, p in self.chosen(sentence)]
        return found

    def correct(self, text: str) -> str:
        """The text with every suggestion taken."""
        return apply(text, self.suggest(text))

    def chosen(self, sentence: Sequence[Token]) -> list[tuple[Candidate, float]]:
        """The sure edits of a sentence with their probability, the surest first where two touch."""
        scored = [(one, p) for one, p in self.scored(sentence) if p >= self.thresholds[one.kind]]
        taken: list[tuple[Candidate, float]] = []
        for one, p in sorted(scored, key=lambda pair: -pair[1]):
            if all(one.last < other.first or one.first > other.last for other, _ in taken):
                taken.append((one, p))
        return sorted(taken, key=lambda pair: pair[0].first)

    def scored(self, sentence: Sequence[Token]) -> list[tuple[Candidate, float]]:
        """Every candidate with its probability of being right."""
        low = [START, START, *(token.lower for token in sentence), END, END]
        found = []
        for one in candidates(sentence, self.counts):
            value = float(self.weights_H[features(one, sentence, low, self.counts)].sum())
            p = 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))
            found.append((one, max(p, BY_RULE) if one.kind in SURE_KINDS else p))
        return found

    def _placed(self, text: str, sentence: Sequence[Token], one: Candidate, p: float) -> Edit:
        start, end, after = _place(text, sentence, one)
        return Edit(start, end, text[start:end], after, one.kind, REASONS[one.kind], round(p, 3))

    # Training

    def fit(self, right: Iterable[Sequence[str]], *, seed: int = 1, rate: float = 0.1, copies: int = 1) -> int:
        """Learn from right sentences (tokens as written), each spoiled `copies` times. Returns the number of edits seen."""
        chance = random.Random(seed)
        squares_H = np.full(1 << BITS, 1e-4, dtype=np.float32)
        seen = 0
        for words in right:
            for _ in range(copies):
                spoiled, gold = spoil(words, self.counts, chance)
                sentence = as_tokens(spoiled)
                truth = {(one.first, one.last, one.words) for one in gold}
                low = [START, START, *(token.lower for token in sentence), END, END]
                for one in candidates(sentence, self.counts):
                    is_right = (one.first, one.last, one.words) in truth
                    if not is_right and chance.random() > WRONG_SHARE:
                        continue
                    places = features(one, sentence, low, self.counts)
                    value = float(self.weights_H[places].sum())
                    error = 1 / (1 + math.exp(-max(-30.0, min(30.0, value)))) - is_right
                    error = error if is_right else error / WRONG_SHARE
                    if abs(error) > 0.01:  # what is settled teaches nothing; a third of the time is saved
                        squares_H[places] += error * error
                        self.weights_H[places] -= rate * error / np.sqrt(squares_H[places])
                    seen += 1
        return seen

    # Files

    def save(self, path: Path) -> None:
        """One file: safetensors, compressed with zstd."""
        import zstandard
        from safetensors.numpy import save

        tables = self.counts.tables() | {
            "weights": self.weights_H.astype(np.float16),
            "thresholds": np.array([self.thresholds[kind] for kind in REASONS], dtype=np.float32),
        }
        write_bytes(path, zstandard.ZstdCompressor(level=19).compress(save(tables)))

    @classmethod
    def load(cls, path: Path) -> Corrector:
        """What `save` wrote. ArtifactError for anything else."""
        import zstandard
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            raw = zstandard.ZstdDecompressor().decompress(path.read_bytes(), max_output_size=64_000_000)
            tables = load(raw)
            weights_H = tables["weights"].astype(np.float32)
            thresholds = dict(zip(REASONS, tables["thresholds"].tolist(), strict=True))
            return cls(Counts.from_tables(tables), weights_H, thresholds)
        except (OSError, zstandard.ZstdError, SafetensorError, KeyError, ValueError, UnicodeDecodeError) as error:
            raise ArtifactError(f"{path} is not a corrector: {error}.", repair="Train it again.") from None


@cache
def shipped() -> Corrector:
    """The corrector that comes with the package, read once in a process."""
    return Corrector.load(SHIPPED)


def as_tokens(words: Sequence[str]) -> list[Token]:
    """Words as tokens of the text they make when joined by spaces."""
    made, place = [], 0
    for word in words:
        made.append(Token(place, place + len(word), word))
        place += len(word) + 1
    return made


def features(one: Candidate, sentence: Sequence[Token], low: Sequence[str], counts: Counts) -> list[int]:
    """The hashed features of an edit; `low` is the sentence in lower case with two start and two end marks."""
    first, last = one.first + 2, one.last + 2
    old = " ".join(low[first:last])
    new = " ".join(word.lower() for word in one.words)
    before, before2, after = low[first - 1], low[first - 2], low[last]
    after2 = low[last + 1] if last + 1 < len(low) else END
    gain = _gain(low, first, last, [word.lower() for word in one.words], counts)
    step = max(-8, min(8, round(gain)))
    left = _sign(counts.pair(before, new.split()[-1] if new else after) - counts.pair(before, old or after))
    right = _sign(counts.pair(new.split()[0] if new else before, after) - counts.pair(old or before, after))
    kind, change = one.kind, f"{old}>{new}"
    endings = f"{kind_of(old)}>{kind_of(new)}" if one.kind == "form" else change
    names = [
        kind,
        f"{kind} {change}",
        f"{kind} g{step}",
        f"{kind} {endings} g{step}",
        f"{kind} l{left} r{right}",
        f"{kind} g{step} l{left} r{right}",
        f"{endings} b {before}",
        f"{endings} a {after}",
        f"{endings} bb {before2} {before}",
        f"{endings} ba {before} {after}",
        f"{endings} aa {after} {after2}",
        f"{endings} sb {before[-3:]}",
        f"{endings} sa {after[-3:]}",
        f"{endings} sba {before[-2:]} {after[-2:]}",
    ]
    if kind == "form":
        names += [f"{change} b {before}", f"{change} a {after}", f"{endings} b2 {before2}"]
    if kind == "spelling":
        common = len(str(counts.frequency(new)))
        names += [
            f"s{one.rank}",
            f"s{one.rank} {common}",
            f"s same {old[0] == new[0]} {len(old) - len(new)}",
            f"s{one.rank} g{step}",
        ]
        names.append(f"s len {min(12, len(old))} {one.first == 0}")
    if new in ("a", "an") or old in ("a", "an"):
        names.append(f"{change} vowel {after[:1] in 'aeiou'} {after[:2]}")
    mask = (1 << BITS) - 1
    return [zlib.crc32(name.encode("utf-8", "replace")) & mask for name in names]


def _gain(low: Sequence[str], first: int, last: int, new: Sequence[str], counts: Counts) -> float:
    """How much more likely the sentence is after the edit, in natural logarithms, by the triples it touches."""
    head, tail = list(low[first - 2 : first]), list(low[last : last + 2])
    return _run([*head, *new, *tail], counts) - _run([*head, *low[first:last], *tail], counts)


def _run(words: Sequence[str], counts: Counts) -> float:
    total = 0.0
    for place in range(2, len(words)):
        total += counts.log_probability(words[place - 2], words[place - 1], words[place])
    return total


def _sign(value: float) -> int:
    return max(-3, min(3, round(value / 2)))


def _place(text: str, sentence: Sequence[Token], one: Candidate) -> tuple[int, int, str]:
    """Where in the text an edit goes and what is written, with the spaces around put right."""
    new = " ".join(one.words)
    if one.first < one.last:
        start, end = sentence[one.first].start, sentence[one.last - 1].end
        if not new:  # a word goes, and the space before it
            before = sentence[one.first - 1].end if one.first else start
            return (before, end, "") if text[before:start].isspace() else (start, end, "")
        return start, end, new
    if one.first == len(sentence) or new in (",", "."):
        end = sentence[one.first - 1].end
        return end, end, new
    start = sentence[one.first].start
    return start, start, new + " "


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text with these edits made; they must not overlap."""
    for edit in sorted(edits, key=lambda one: -one.start):
        text = text[: edit.start] + edit.after + text[edit.end :]
    return text
