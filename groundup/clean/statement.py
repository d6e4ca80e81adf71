"""The data statement: what the clean corpus is, in numbers, per source and as a whole (clean.json, "statement").

Follows the questions of data statements (Bender and Friedman 2018) and datasheets (Gebru et al. 2021) that a machine
can answer: where from, under which licence, which languages, kinds and years, how long, how hard to read, how varied,
how much was repeated. Counted on the way through the last pass. What needs the words themselves (vocabulary,
readability, type-token ratio) is measured on a fixed sample: the beginnings of all documents up to SAMPLE_CHARACTERS of a
shard, then of every eighth. Statements of shards add up (`merge`), whatever the order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import xxhash

from groundup.clean.base import kind_of
from groundup.core.document import Document

SAMPLE_CHARACTERS = 1_000_000  # taste: half a second of work
SAMPLE_EVERY = 8
BEGINNING = 100_000  # characters of a document that the sample looks at: a chapter or two of a book; taste
WINDOW_WORDS = 50  # type-token ratio falls with length, so it is taken over windows of one length (Covington 2010)
SMALLEST = 1024  # hashes kept to estimate the vocabulary: a standard error of 1 / sqrt(1024) = 3 %
_VOWELS = re.compile(r"[aeiouy]+")
_END = re.compile(r"[.!?][\"'\u201d\u2019)]*(?=\s|\Z)(?:\s*\n\s*\n)?|\n\s*\n")  # a heading ends with its paragraph
_YEAR = re.compile(r"\b(1[4-9]|20)[0-9]{2}\b")
_MARKS = ".,;:!?\"'()[]{}-_*#\u2018\u2019\u201c\u201d\u2014\u2026"


@dataclass
class Facts:
    """Sums over the documents of one source."""

    documents: int = 0
    characters: int = 0
    words: int = 0  # pieces between white space
    languages: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)  # "64": documents of 64 to 127 words
    sampled: Counter[str] = field(default_factory=Counter)  # sums over the sample; see _look_closer
    smallest: set[int] = field(default_factory=set)  # the SMALLEST least hashes of words

    def add(self, document: Document, closer: bool) -> None:
        """Count one document; `closer`: it is in the sample."""
        text = document.text
        words = text.count(" ") + text.count("\n") + 1
        self.documents += 1
        self.characters += len(text)
        self.words += words
        self.languages[document.language or "unknown"] += 1
        kind = kind_of(document)
        self.kinds[kind] += 1
        self.licences[document.licence or "not stated"] += 1
        year = _YEAR.search(document.date) if document.date else None
        self.years[year.group() if year else "not stated"] += 1
        self.lengths[str(1 << (words.bit_length() - 1))] += 1
        if closer:
            self._look_closer(text[:BEGINNING].lower(), kind != "code" and document.language in ("", "en"))

    def _look_closer(self, lower: str, is_english_prose: bool) -> None:
        found = [word for raw in lower.split() if (word := raw.strip(_MARKS))]
        sums = self.sampled
        sums["documents"] += 1
        sums["words"] += len(found)
        for start in range(0, min(len(found), 20 * WINDOW_WORDS) - WINDOW_WORDS + 1, WINDOW_WORDS):
            sums["windows"] += 1
            sums["window_types"] += len(set(found[start : start + WINDOW_WORDS]))
        if is_english_prose:
            spoken = [word for word in found if word.isalpha()]  # no numbers, addresses, markup
            sums["english_words"] += len(spoken)
            sums["english_sentences"] += max(1, len(_END.findall(lower)))
            sums["english_syllables"] += max(len(spoken), len(_VOWELS.findall(" ".join(spoken))))
        self.smallest.update(xxhash.xxh3_64_intdigest(word.encode("utf-8", "replace")) for word in set(found))
        if len(self.smallest) > 8 * SMALLEST:
            self.smallest = set(sorted(self.smallest)[:SMALLEST])

    def merge(self, other: Facts) -> None:
        """Add what another shard counted."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if isinstance(mine, int):
                setattr(self, name, mine + value)
            else:
                mine.update(value)  # counters add, the set of hashes grows
        self.smallest = set(sorted(self.smallest)[:SMALLEST])

    def as_json(self) -> dict[str, Any]:
        """All sums, plain; `from_json` reads them back."""
        plain = {n: dict(v.most_common()) if isinstance(v, Counter) else v for n, v in vars(self).items()}
        return {**plain, "smallest": sorted(self.smallest)[:SMALLEST]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Facts:
        """What `as_json` gave."""
        facts = cls()
        for name, value in values.items():
            kind = type(getattr(facts, name))
            setattr(facts, name, kind(value))
        return facts

    def figures(self) -> dict[str, Any]:
        """What a reader is told: counts, shares and means instead of sums."""
        sums = self.sampled
        return {
            "documents": self.documents,
            "characters": self.characters,
            "words": self.words,
            "words_per_document": _quantiles(self.lengths, self.documents),
            "lengths": dict(sorted(self.lengths.items(), key=lambda item: int(item[0]))),
            "languages": dict(self.languages.most_common()),
            "kinds": dict(self.kinds.most_common()),
            "licences": dict(self.licences.most_common(50)),
            "years": dict(sorted(self.years.items())),
            "sampled_documents": sums["documents"],
            "vocabulary": self._vocabulary(),
            "type_token_ratio": _share(sums["window_types"], WINDOW_WORDS * sums["windows"]),
            "reading_ease": self._reading_ease(),
            "words_per_sentence": _share(sums["english_words"], sums["english_sentences"]),
        }

    def _vocabulary(self) -> int:
        """Different words in the sample: exact while few, else from the k-th smallest hash (Bar-Yossef et al. 2002)."""
        least = sorted(self.smallest)[:SMALLEST]
        return len(least) if len(least) < SMALLEST else round((SMALLEST - 1) * 2**64 / least[-1])

    def _reading_ease(self) -> float | None:
        """Flesch (1948): 206.835 - 1.015 words/sentence - 84.6 syllables/word; 60 to 70 is plain English."""
        words, sentences, syllables = (self.sampled[f"english_{name}"] for name in ("words", "sentences", "syllables"))
        if not words:
            return None
        return round(206.835 - 1.015 * words / sentences - 84.6 * syllables / words, 1)


class Statement:
    """Facts by source, counted shard by shard."""

    def __init__(self) -> None:
        self.sources: dict[str, Facts] = {}
        self._characters = 0  # looked at
        self._number = 0

    def add(self, document: Document) -> None:
        """Count one document of the current shard."""
        self._number += 1
        closer = self._characters < SAMPLE_CHARACTERS or self._number % SAMPLE_EVERY == 0
        if closer:
            self._characters += min(len(document.text), BEGINNING)
        self.sources.setdefault(document.source, Facts()).add(document, closer)

    def merge(self, values: Mapping[str, Any]) -> None:
        """Add a shard's `as_json`."""
        for name, facts in values.items():
            self.sources.setdefault(name, Facts()).merge(Facts.from_json(facts))

    def as_json(self) -> dict[str, Any]:
        """The sums by source."""
        return {name: facts.as_json() for name, facts in self.sources.items()}

    def figures(self, documents_in: int, dropped: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        """The statement for clean.json. dropped: step -> reason -> documents."""
        whole = Facts()
        for facts in self.sources.values():
            whole.merge(facts)
        copies = dropped.get("duplicates", {})
        return {
            "whole": whole.figures(),
            "by_source": {name: facts.figures() for name, facts in self.sources.items()},
            "documents_before": documents_in,
            "share_kept": _share(whole.documents, documents_in),
            "share_exact_duplicates": _share(copies.get("exact", 0), documents_in),
            "share_near_duplicates": _share(copies.get("near", 0), documents_in),
        }


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def _quantiles(lengths: Mapping[str, int], documents: int) -> dict[str, int]:
    """Words of the shortest tenth, the middle and the longest tenth of documents, to the power of two below."""
    result, passed = {}, 0
    wanted = [("p10", 0.1), ("p50", 0.5), ("p90", 0.9)]
    for length, count in sorted(lengths.items(), key=lambda item: int(item[0])):
        passed += count
        while wanted and passed >= wanted[0][1] * documents:
            result[wanted.pop(0)[0]] = int(length)
    return result
