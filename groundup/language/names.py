"""A tagger for what only context tells: persons, addresses, places, organizations, ages, dates, titles ...

In: text and the findings already made by form (each becomes one token, "<card>"). Out: findings of `LABELS`. A linear
chain: every token's labels are scored by hashed features of the token and its neighbours (form, beginning, end, known
or not as a common word), neighbouring labels by a table, and Viterbi's algorithm finds the best chain; the weights
are those of an averaged perceptron (Collins 2002). NumPy only.

The weights (`names.safetensors.zst`) are made by ``python -m groundup.language.names_training`` from sentences of our
own, filled with generated names; nothing is downloaded. They know English sentences with names from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import xxhash

from groundup.core.errors import ArtifactError
from groundup.language.recognisers import Finding

LABELS = (
    "person",
    "address",
    "place",
    "organization",
    "nationality",
    "age",
    "date",
    "title",
    "postcode",
    "licence",
)
TAGS = ("O", *(f"{part}-{label}" for label in LABELS for part in "BI"))
BITS = 17  # 131,072 rows of weights; 2^16 loses 0.005 of F2, 2^18 wins nothing (log of 2026-11-24)
WEIGHTS = Path(__file__).with_name("names.safetensors.zst")
MAX_TOKENS = 400  # one chain: longer stretches without an empty line are cut (bounds memory)

# "Anna's" is "Anna", "'", "s": what owns is no part of the name
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019-](?![sS]\b)[^\W\d_]+)*|\d+|\n|[^\w\s]|_")


@dataclass(frozen=True)
class Token:
    """text[start:end]; `text` is what the features see: "<card>" for a finding."""

    text: str
    start: int
    end: int


def tokens_of(text: str, findings: Iterable[Finding] = ()) -> list[Token]:
    """Words, numbers, marks and line ends; each finding is one token."""
    result: list[Token] = []
    place = 0
    for item in sorted(findings, key=lambda item: item.start):
        result += [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text, place, item.start)]
        result.append(Token(f"<{item.kind}>", item.start, item.end))
        place = item.end
    return result + [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text, place)]


# Columns of a token's own hashes, see `_columns`
(WORD, SHAPE, SHORT, BEGIN1, BEGIN2, BEGIN3, END1, END2, END3, END4, KNOWN, KIND) = range(12)
# (offset, column): what of which neighbour counts alone
_SINGLE = (
    *((0, column) for column in range(12)),
    *((offset, column) for offset in (-1, 1) for column in (WORD, SHORT, END2, END3, KNOWN, KIND)),
    *((offset, column) for offset in (-2, 2) for column in (WORD, SHORT, KIND)),
    *((offset, column) for offset in (-3, 3) for column in (WORD, KIND)),
)
# and what counts together
_JOINT = (
    ((-1, WORD), (0, KIND)),
    ((0, KIND), (1, WORD)),
    ((-1, KIND), (0, KIND), (1, KIND)),
    ((-2, KIND), (-1, KIND), (0, KIND)),
    ((0, KIND), (1, KIND), (2, KIND)),
    ((-2, WORD), (-1, WORD)),
    ((1, WORD), (2, WORD)),
    ((-1, WORD), (1, WORD)),
    ((-2, WORD), (-1, WORD), (0, KIND)),
    ((0, SHAPE), (1, SHAPE)),
    ((-1, SHAPE), (0, SHAPE)),
    ((0, KIND), (0, END2)),
    ((0, KIND), (0, END3)),
    ((0, KIND), (0, BEGIN2)),
)
NUM_FEATURES = len(_SINGLE) + len(_JOINT)
_REACH = 3
_SPREAD = np.array(
    [xxhash.xxh3_64_intdigest(f"role {place}".encode()) | 1 for place in range(NUM_FEATURES + 3)], dtype=np.uint64
)


class Vocabulary:
    """Which words are common in lower case, and which stand with a capital: two sorted arrays of 32-bit hashes."""

    def __init__(self, common: np.ndarray, capital: np.ndarray) -> None:
        self.common = common
        self.capital = capital

    def known(self, word: str) -> str:
        """ "c" for common words, "n" for those mostly written with a capital, "u" for the unknown."""
        digest = np.uint32(xxhash.xxh32_intdigest(word.lower().encode("utf-8", "replace")))
        for letter, table in (("c", self.common), ("n", self.capital)):
            place = int(np.searchsorted(table, digest))
            if place < len(table) and table[place] == digest:
                return letter
        return "u"


def _shape(word: str) -> tuple[str, str]:
    """ "Ludmila" -> ("Xxxxxxx"[:6], "Xx"): letters by case, digits as d."""
    shape = "".join("d" if c.isdigit() else ("X" if c.isupper() else "x") if c.isalpha() else c for c in word[:12])
    short = re.sub(r"(.)\1+", r"\1", shape)
    return shape[:6], short


class Tagger:
    """Weights and the words they know. H hashed features, K tags, T tokens, F features of a token."""

    def __init__(self, weights_HK: np.ndarray, moves_KK: np.ndarray, vocabulary: Vocabulary) -> None:
        self.weights_HK = weights_HK
        self.moves_KK = moves_KK  # score of tag j after tag i; row 0 also stands for the beginning
        self.vocabulary = vocabulary
        self._seen: dict[str, np.ndarray] = {}

    def find(self, text: str, findings: Sequence[Finding] = ()) -> list[Finding]:
        """Findings of `LABELS` in text, in order. `findings`: those by form; their places are never given twice."""
        found: list[Finding] = []
        for part in _chains(tokens_of(text, findings)):
            for start, end, label in spans_of(self.tags(part)):
                first, last = part[start], part[end - 1]
                inside = text[first.start : last.end]
                if not inside.startswith("<") or len(inside) > 1:
                    found.append(Finding(first.start, last.end, label, inside))
        return found

    def tags(self, tokens: Sequence[Token]) -> list[int]:
        """The best chain of tags, as places in TAGS."""
        if not tokens:
            return []
        return self.best(self.features(tokens))

    def best(self, ids_TF: np.ndarray) -> list[int]:
        """Viterbi's algorithm over the features of one chain."""
        scores_TK = self.weights_HK[ids_TF].sum(axis=1, dtype=np.float32)
        best_K = scores_TK[0] + self.moves_KK[0]
        back: list[np.ndarray] = []
        for scores_K in scores_TK[1:]:
            paths_KK = best_K[:, None] + self.moves_KK
            before_K = paths_KK.argmax(axis=0)
            back.append(before_K)
            best_K = paths_KK[before_K, np.arange(len(TAGS))] + scores_K
        tag = int(best_K.argmax())
        chain = [tag]
        for before_K in reversed(back):
            tag = int(before_K[tag])
            chain.append(tag)
        return chain[::-1]

    def features(self, tokens: Sequence[Token], unseen: np.ndarray | None = None) -> np.ndarray:
        """(T, F) places in the weights. unseen: (T,) True where the word itself is hidden (training only)."""
        columns_TC = np.stack([self._columns(token.text) for token in tokens])
        if unseen is not None and unseen.any():
            columns_TC[unseen, WORD] = _hash("?")
        padded = np.zeros((len(tokens) + 2 * _REACH, columns_TC.shape[1]), dtype=np.uint64)
        padded[_REACH:-_REACH] = columns_TC
        height = len(tokens)
        ids = np.empty((NUM_FEATURES, height), dtype=np.uint64)
        for place, (offset, column) in enumerate(_SINGLE):
            ids[place] = padded[_REACH + offset : _REACH + offset + height, column] * _SPREAD[place]
        for place, parts in enumerate(_JOINT, start=len(_SINGLE)):
            mixed = np.zeros(height, dtype=np.uint64)
            for number, (offset, column) in enumerate(parts):
                mixed += padded[_REACH + offset : _REACH + offset + height, column] * _SPREAD[place + number]
            ids[place] = (mixed ^ (mixed >> np.uint64(29))) * _SPREAD[place]
        ids ^= ids >> np.uint64(31)
        ids *= np.uint64(0x9E3779B97F4A7C15)
        return (ids >> np.uint64(64 - BITS)).astype(np.int64).T

    def _columns(self, word: str) -> np.ndarray:
        """(C,) uint64: the hashes of one token's properties, remembered by its text."""
        seen = self._seen.get(word)
        if seen is None:
            if len(self._seen) > 200_000:
                self._seen.clear()  # bounds memory
            self._seen[word] = seen = self._hashed(word)
        return seen

    def _hashed(self, word: str) -> np.ndarray:
        lower = word.lower() if not word.isdigit() else f"#{len(word)}"
        shape, short = _shape(word)
        known = self.vocabulary.known(word) if word[:1].isalpha() else word[:1] if word[:1] in "<\n" else "-"
        if word.startswith("<") and len(word) > 1:
            known = word
        if word.isdigit():
            known = f"d{min(len(word), 6)}"
            if len(word) == 4 and word[:2] in ("18", "19", "20"):
                known = "year"
        form = f"{known} {short[:4]}" if word[:1].isalpha() else known if known != "-" else word
        values = (
            lower, shape, short, lower[:1], lower[:2], lower[:3], lower[-1:], lower[-2:], lower[-3:], lower[-4:], known, form,
        )  # fmt: skip
        return np.array([_hash(value) for value in values], dtype=np.uint64)


def _hash(value: str) -> int:
    return xxhash.xxh3_64_intdigest(value.encode("utf-8", "replace")) | 1


def _chains(tokens: list[Token]) -> Iterable[list[Token]]:
    """Stretches tagged together: at most MAX_TOKENS, cut behind a full stop or line end where one is near."""
    start = 0
    while len(tokens) - start > MAX_TOKENS:
        end = start + MAX_TOKENS
        for place in range(end, start + MAX_TOKENS // 2, -1):
            if tokens[place - 1].text in "\n.":
                end = place
                break
        yield tokens[start:end]
        start = end
    if start < len(tokens):
        yield tokens[start:]


def spans_of(tags: Sequence[int]) -> list[tuple[int, int, str]]:
    """(first, behind the last, label) of each run of tags; an I without its B begins one too."""
    spans: list[tuple[int, int, str]] = []
    start, label = 0, ""
    for place, tag in enumerate([*tags, 0]):
        part, _, name = TAGS[tag].partition("-")
        if label and (part != "I" or name != label):
            spans.append((start, place, label))
            label = ""
        if part != "O" and not label:
            start, label = place, name
    return spans


@cache
def default_tagger() -> Tagger:
    """The tagger that comes with the package. Raises ArtifactError when its weights are missing or damaged."""
    return load(WEIGHTS)


def load(path: Path) -> Tagger:
    """Read what `save` wrote."""
    import zstandard
    from safetensors.numpy import load as read

    try:
        content = read(zstandard.ZstdDecompressor().decompress(path.read_bytes()))
        weights_HK = content["weights"].astype(np.float32) * content["scale"]
        return Tagger(weights_HK, content["moves"], Vocabulary(content["common"], content["capital"]))
    except Exception as error:  # the readers raise errors of many kinds
        raise ArtifactError(f"{path} cannot be read as a tagger of names: {error}.") from None


def save(tagger: Tagger, path: Path) -> None:
    """Weights as 8-bit integers with one scale, compressed: some hundred kilobytes."""
    import zstandard
    from safetensors.numpy import save as write

    scale = max(float(np.abs(tagger.weights_HK).max()) / 127, 1e-9)
    content: dict[str, np.ndarray] = {
        "weights": np.rint(tagger.weights_HK / scale).astype(np.int8),
        "scale": np.array([scale], dtype=np.float32),
        "moves": tagger.moves_KK.astype(np.float32),
        "common": tagger.vocabulary.common,
        "capital": tagger.vocabulary.capital,
    }
    path.write_bytes(zstandard.ZstdCompressor(level=19).compress(write(content)))
