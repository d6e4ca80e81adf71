"""Contamination: documents that hold items of evaluation sets, which must not be learned from.

13 words in a row of an evaluation text, also across the border between a question and its answer (which catches short
questions that stand with their answer, in documents and in other sets), drop a document, as in GPT-3 (Brown et al.
2020, appendix C). Items shorter than 13 words count whole. clean.json names the sets, how many of their items were found
and in how many documents; the dropped documents name the item.

Memory in every worker: 12 bytes for each word of the evaluation sets.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from groundup.clean.base import STEPS, Step
from groundup.clean.grams import WordHashes, mixed, split_words
from groundup.clean.options import CleanOptions
from groundup.clean.outside import rows_of, text_of
from groundup.core.document import Document, Dropped

if TYPE_CHECKING:
    from groundup.clean.base import Arrays

QUESTION = ("question", "query", "Question", "problem", "prompt", "instruction", "context", "input")
ANSWER = (
    "answer",
    "answers",
    "Best Answer",
    "continuation",
    "target",
    "completion",
    "output",
    "response",
    "gold",
    "label",
)
# What may stand between a question and its answer in a document
BETWEEN = ("", "answer", "a", "the answer is")
FLAG_BITS = 22  # 4 MB a length: a million known runs leave three quarters of the others out at once
_ITEM = re.compile(r"(\d+) words? of (.+) item (\d+)")


@STEPS.register("contamination")
class Contamination(Step):
    """Drops "overlap"; the detail is "13 words of SET item N: the words"."""

    name = "contamination"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.contamination
        self.words = WordHashes()
        self.sets: list[str] = []
        self.sizes: list[int] = []  # items in each set
        self.grams: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # length -> (sorted hashes, number of the item)
        self.maybe: dict[int, np.ndarray] = {}  # length -> 2^22 flags by the hashes' first bits: most runs end here
        self.items: np.ndarray = np.zeros((0, 2), dtype=np.int64)  # item -> (set, row)

    def settle(self) -> Arrays:
        items: list[tuple[int, int]] = []
        found: dict[int, list[tuple[np.ndarray, int]]] = defaultdict(list)
        sets: dict[str, int] = {}
        for name, number, row in rows_of(self.options.against, "clean.contamination.against"):
            item = len(items)
            items.append((sets.setdefault(name, len(sets)), number))
            for text in texts_of_item(row):
                hashes = self.words.of(text)
                size = min(self.options.ngram, len(hashes))
                if size >= self.options.min_words:
                    found[size].append((mixed(hashes, size), item))
        arrays: dict[str, np.ndarray] = {"items": np.array(items, dtype=np.int64).reshape(-1, 2)}
        arrays["sets"] = np.array(list(sets), dtype=str)
        for size, parts in found.items():
            hashes = np.concatenate([part for part, _ in parts])
            numbers = np.repeat([item for _, item in parts], [len(part) for part, _ in parts])
            hashes, first = np.unique(hashes, return_index=True)
            arrays[f"hashes_{size}"], arrays[f"numbers_{size}"] = hashes, numbers[first].astype(np.int32)
        self.adopt(arrays)
        return arrays

    def adopt(self, decision: Arrays) -> None:
        if not decision:
            return
        self.sets = decision["sets"].tolist()
        self.items = decision["items"]
        self.sizes = np.bincount(self.items[:, 0], minlength=len(self.sets)).tolist()
        for name in decision:
            if name.startswith("hashes_"):
                size = int(name.removeprefix("hashes_"))
                self.grams[size] = (decision[name], decision[f"numbers_{size}"])
                self.maybe[size] = np.zeros(1 << FLAG_BITS, dtype=bool)
                self.maybe[size][decision[name] >> np.uint64(64 - FLAG_BITS)] = True

    def apply(self, document: Document) -> Document | Dropped:
        hashes = self.words.of(document.text)
        for size, (known, numbers) in sorted(self.grams.items(), reverse=True):
            if len(hashes) < size:
                continue
            runs = mixed(hashes, size)
            likely = np.flatnonzero(self.maybe[size][runs >> np.uint64(64 - FLAG_BITS)])
            places = np.minimum(np.searchsorted(known, runs[likely]), len(known) - 1)
            is_hit = known[places] == runs[likely]
            hits = likely[is_hit]
            if len(hits):
                item = self.items[numbers[places[is_hit][0]]]
                name = self.sets[int(item[0])]
                self.counts[name] += 1
                words = " ".join(split_words(document.text)[hits[0] : hits[0] + size])
                return self.drop(document, "overlap", f"{size} words of {name} item {item[1]}: {words[:200]}")
        return document

    def summary(self, dropped: Iterable[Dropped]) -> dict[str, Any]:
        documents: dict[str, int] = defaultdict(int)
        items: dict[str, set[int]] = defaultdict(set)
        for one in dropped:
            match = _ITEM.match(one.detail)
            if match:
                documents[match.group(2)] += 1
                items[match.group(2)].add(int(match.group(3)))
        return {
            name: {"items": size, "items_found": len(items[name]), "documents_dropped": documents[name]}
            for name, size in zip(self.sets, self.sizes, strict=True)
        }


def texts_of_item(row: dict[str, Any]) -> Iterator[str]:
    """The texts of an evaluation item that give it away: question with answer, and each of its longer texts."""
    question = next((row[name] for name in QUESTION if isinstance(row.get(name), str)), "")
    if not question:
        question = " ".join(str(row[name]) for name in ("ctx_a", "ctx_b") if row.get(name))
    for answer in _answers(row):
        if question:
            yield from (f"{question} {between} {answer}" for between in BETWEEN)
    longer = [value for value in row.values() if isinstance(value, str)]
    yield from longer if question else [text_of(row)]


def _answers(row: dict[str, Any]) -> list[str]:
    """What stands in the answer columns: a text, texts, or SQuAD's {"text": [...]}."""
    value = next((row[name] for name in ANSWER if row.get(name) not in (None, "", [])), None)
    if isinstance(value, dict):
        value = value.get("text")
    if isinstance(value, list):
        value = [item.get("text", "") if isinstance(item, dict) else item for item in value]
    choices = row.get("choices") or [row[name] for name in ("choice0", "choice1", "choice2", "choice3") if name in row]
    if isinstance(value, int) and isinstance(choices, list) and 0 <= value < len(choices):
        value = choices[value]  # the number of the right choice
    values = value if isinstance(value, list) else [value]
    return [str(item) for item in values if item not in (None, "")]
