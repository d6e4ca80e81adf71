"""Search over any folder, file or run: ranked passages with evidence and citations, and answers that quote them.

search = Search(Path("documents.sqlite"))
search.add(Path("my_documents"))
for hit in search.search("how long may a return take"): print(hit.citation, hit.snippet)
print(search.answer("How long may a return take?").text)
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.apps.base import APPS, Action, Answer, Citation, Field, State
from groundup.apps.search import dense, fusion
from groundup.apps.search.answering import NOTHING, Answerer, readable
from groundup.apps.search.generator import Generate, from_url
from groundup.apps.search.index import Changes, Filters, Index, Passage
from groundup.apps.search.options import SearchOptions
from groundup.apps.search.passages import sentences
from groundup.apps.search.reading import documents_of
from groundup.apps.search.rerank import Reranker
from groundup.apps.search.stem import STOP_WORDS, stem, tokens
from groundup.apps.search.understand import Query, read_synonyms, understand
from groundup.core.document import Document
from groundup.core.errors import DataError
from groundup.core.score import Score

SAMPLES = Path(__file__).parent.parent / "support" / "documents"  # the shop's own pages: small, ours, shipped
NUM_SHOWN = 3  # passages for keywords; a reader wants a few, the page shows all
SNIPPET = 240  # characters; what fits in two lines of a result
FEW_PASSAGES = 20  # as if so many more passages without the word were there; nothing changes in an index of thousands
COMMON_SHARE = 0.2  # a word in more than a fifth of many passages ranks nothing and costs time; see `_expression`


@dataclass(frozen=True)
class Hit:
    """One passage found. highlights: ``(start, end)`` in the snippet."""

    passage: Passage
    score: float
    snippet: str
    highlights: tuple[tuple[int, int], ...]

    @property
    def citation(self) -> Citation:
        """Where it stands, to be opened and checked."""
        place = self.passage
        return Citation(place.document_id, place.path, place.start, place.end, place.text, place.source)


class Search:
    """An index with its settings. `path` None keeps everything in memory."""

    def __init__(
        self,
        path: Path | None = None,
        options: SearchOptions | None = None,
        *,
        encoder: dense.Encoder | None = None,
        generate: Generate | None = None,
    ) -> None:
        self.options = options or SearchOptions()
        self.index = Index(path, passage_words=self.options.passage_words, title_weight=self.options.title_weight)
        self.encoder = encoder or dense.encoder_named(self.options.encoder)
        self.reranker = Reranker(Path(self.options.rerank)) if self.options.rerank else None
        self.generate = generate
        if generate is None and self.options.generator_url:
            o = self.options
            self.generate = from_url(o.generator_url, o.generator_model, key=o.generator_key)
        self.synonyms = read_synonyms(self.options.synonyms) if self.options.synonyms else {}
        self._vocabulary: tuple[int, dict[str, int]] = (-1, {})
        self._answerer = Answerer(self)

    def close(self) -> None:
        """Close the index file."""
        self.index.close()

    # Indexing

    def add(self, place: Path) -> Changes:
        """Index a folder, a file or a run; unchanged documents are skipped, those gone from the folder removed."""
        skipped: list[str] = []
        name = self._source_name(place)
        whole = (name,) if place.is_dir() else None
        changes = self.index.update(documents_of(place, skipped, name), whole=whole)
        changes.skipped = skipped
        self.encode()
        return changes

    def add_documents(self, documents: Iterable[Document], *, whole: Sequence[str] | None = None) -> Changes:
        """Index documents from anywhere; `whole` names sources that come complete this time."""
        changes = self.index.update(documents, whole=whole)
        self.encode()
        return changes

    def _source_name(self, place: Path) -> str:
        """The folder's name; a second folder of the same name gets a number, lest one push the other out."""
        root = (place if place.is_dir() else place.parent).resolve()
        roots: dict[str, str] = json.loads(self.index.fact("roots") or "{}")
        name, number = root.name or "documents", 1
        while roots.get(name, str(root)) != str(root):
            number += 1
            name = f"{root.name}-{number}"
        if name not in roots:
            self.index.set_fact("roots", json.dumps(roots | {name: str(root)}, ensure_ascii=False))
        return name

    def encode(self) -> int:
        """Give every new passage its vector (nothing without an encoder)."""
        return dense.fill(self.index, self.encoder) if self.encoder is not None else 0

    # Searching

    def understand(self, text: str) -> Query:
        """Read a query: spelling against the indexed words, synonyms, kind."""
        generation = self.index.generation()
        if self._vocabulary[0] != generation:
            self._vocabulary = (generation, self.index.vocabulary())
        return understand(text, self._vocabulary[1], self.synonyms, lambda one: self.index.document_frequency(one) > 0)

    def search(self, text: str, *, limit: int = 10, filters: Filters | None = None) -> list[Hit]:
        """The best passages for a query; [] when nothing matches or nothing was asked."""
        query = self.understand(text)
        ranked = self.rank(query, filters=filters)
        if self.reranker is not None:
            ranked = self.reranker.rank(query, ranked, self.index)
        ranked = ranked[:limit]
        found = self.index.passages([number for number, _ in ranked])
        return [self._hit(found[number], score, query) for number, score in ranked if number in found]

    def rank(self, query: Query, *, filters: Filters | None = None) -> list[tuple[int, float]]:
        """``(passage, score)`` best first: words, vectors, or both fused, as the settings say."""
        words = self.rank_words(query, filters)
        if self.encoder is None:
            return words
        if not query.words:
            return []
        vectors = self.rank_vectors(query, filters)
        weights = (1 - self.options.dense_weight, self.options.dense_weight)
        fuse = fusion.normalised_sum if self.options.fusion == "sum" else fusion.reciprocal_rank
        return fuse((words, vectors), weights)

    def rank_words(self, query: Query, filters: Filters | None = None) -> list[tuple[int, float]]:
        """The BM25 leg."""
        expression = self._expression(query)
        return self.index.match(expression, limit=self.options.depth, filters=filters) if expression else []

    def rank_vectors(self, query: Query, filters: Filters | None = None) -> list[tuple[int, float]]:
        """The dense leg; UsageError-free: without an encoder it finds nothing."""
        if self.encoder is None or not query.text:
            return []
        allowed = self.index.allowed(filters) if filters else None
        return dense.nearest(self.index, self.encoder, query.text, self.options.depth, allowed)

    def _expression(self, query: Query) -> str:
        """Any of the query's words; in a large index, words that are nearly everywhere are left out.

        BM25 gives them a weight near zero (idf), but every passage that holds them would be scored: at 100,000
        passages they are most of the time a query takes.
        """
        total = len(self.index)
        if total < 5000 or len(query.words) < 2:
            return query.expression()
        frequency = {word: self.index.document_frequency(stem(word)) for word in query.words}
        rare = tuple(word for word in query.words if frequency[word] <= COMMON_SHARE * total)
        if not any(frequency[word] for word in rare):
            return query.expression()
        return Query(query.text, rare, query.stems, query.also).expression()

    def weight(self, stem_: str) -> float:
        """The inverse document frequency of a stem, BM25's form, never under a small positive number."""
        # A handful of passages says nothing about which words are rare: without the floor, the words of a single
        # passage weigh a fifth of those it lacks, and no question to it is ever sure enough.
        total, frequency = len(self.index) + FEW_PASSAGES, self.index.document_frequency(stem_)
        return max(0.05, math.log(1 + (total - frequency + 0.5) / (frequency + 0.5)))

    def _hit(self, passage: Passage, score: float, query: Query) -> Hit:
        wanted = set(query.stems) | {stem(word) for phrase in query.also for _, _, word in tokens(phrase)}
        start, end = best_window(passage.text, wanted)
        snippet = passage.text[start:end]
        marks = tuple(
            (first, last) for first, last, word in tokens(snippet) if word not in STOP_WORDS and stem(word) in wanted
        )
        return Hit(passage, score, snippet, marks)

    # Answering

    def answer(self, question: str, *, filters: Filters | None = None) -> Answer:
        """Sentences of the documents that answer, each cited and checked; or the plain statement that none does."""
        return self._answerer.answer(question, filters=filters)


def best_window(text: str, wanted: set[str]) -> tuple[int, int]:
    """The run of whole sentences up to SNIPPET characters that holds most different wanted stems."""
    spans = sentences(text)
    held = [{stem(word) for _, _, word in tokens(text[span.start : span.end])} & wanted for span in spans]
    best, best_count = (0, min(len(text), SNIPPET)), -1
    for first in range(len(spans)):
        seen: set[str] = set()
        for last in range(first, len(spans)):
            if last > first and spans[last].end - spans[first].start > SNIPPET:
                break
            seen |= held[last]
            if len(seen) > best_count:
                best, best_count = (spans[first].start, spans[last].end), len(seen)
    start, end = best
    if end - start > 2 * SNIPPET:  # one very long sentence: open the window around its first wanted word
        place = next((first for first, _, word in tokens(text[start:end]) if stem(word) in wanted), 0)
        start = start + max(0, place - SNIPPET // 2)
        start += len(re.match(r"\w*\W*", text[start:end]).group()) if place > SNIPPET // 2 else 0  # type: ignore[union-attr]
        end = min(end, start + SNIPPET)
    return start, end


@APPS.register("search")
class SearchApp:
    """Ask your documents: `groundup app search`."""

    name = "search"
    purpose = "Find passages in your documents, and answers that quote them with their source."
    limits = (
        "It quotes; it does not think. Where a document is wrong, so is the answer.",
        "Of questions that the documents do not answer, one in twenty still gets a sentence. Read the source beside it.",
        "Spelling and word forms are understood in English; in other languages only the exact words are found.",
        "Pictures and scanned pages are not read; tables are read as plain words.",
    )

    def __init__(
        self, folder: Path | None = None, *, options: SearchOptions | None = None, documents: Path | None = None
    ) -> None:
        """folder: where the index is kept (search.sqlite); None: in memory. documents: the user's own (a folder, a file
        or a run); None: the shipped sample pages, when nothing is indexed yet."""
        self.search = Search(folder / "search.sqlite" if folder else None, options)
        self.indexed = self.add(documents) if documents is not None else ""
        if documents is None and self.search.index.num_documents() == 0:
            self.search.add(SAMPLES)

    def close(self) -> None:
        """Close the index."""
        self.search.close()

    def examples(self) -> list[str]:
        """Three questions the sample pages answer."""
        return [
            "How long do I have to return a lamp?",
            "How much does express delivery cost?",
            "Can I change the address of my order?",
        ]

    def add(self, place: Path) -> str:
        """Index a folder or file of the user and say what was done."""
        changes = self.search.add(place)
        text = f"{changes.added} added, {changes.changed} changed, {changes.removed} removed, {changes.unchanged} unchanged"
        return text + (f"; {len(changes.skipped)} skipped" if changes.skipped else "")

    def ask(self, text: str, state: State | None = None) -> Answer:
        """A question is answered from the documents; keywords bring the best passages."""
        if not isinstance(text, str):
            raise DataError("A question must be text.")
        query = self.search.understand(text)
        if query.kind == "question" or not query.words:
            return self.search.answer(text)
        hits = self.search.search(text, limit=NUM_SHOWN)
        if not hits:
            return Answer(NOTHING, found=False)
        lines = [f"[{number}] {hit.citation.path}: {readable(hit.snippet)}" for number, hit in enumerate(hits, start=1)]
        return Answer("\n".join(lines), tuple(hit.citation for hit in hits))

    def actions(self) -> tuple[Action, ...]:
        """Find passages with filters, and see how a query was understood."""
        query = Field("query", "Question or words")
        dates = (
            Field("source", "Only from source"),
            Field("from", "Not before (YYYY-MM-DD)"),
            Field("to", "Not after"),
        )
        return (
            Action("find", "Find passages", (query, *dates), self._find, {"query": "return a lamp"}),
            Action(
                "understand",
                "How a query is read",
                (query,),
                self._understood,
                {"query": "How mcuh does delivry cost?"},
            ),
        )

    def _find(self, values: Mapping[str, str]) -> Answer:
        sources = (values["source"],) if values["source"] else ()
        filters = Filters(sources=sources, date_from=values["from"][:10], date_to=values["to"][:10])
        hits = self.search.search(values["query"], filters=filters)
        rows = tuple(
            {"path": hit.citation.path, "score": round(hit.score, 2), "passage": readable(hit.snippet)} for hit in hits
        )
        return Answer(
            f"{len(hits)} passages." if hits else NOTHING,
            tuple(hit.citation for hit in hits[:NUM_SHOWN]),
            rows=rows,
            found=bool(hits),
        )

    def _understood(self, values: Mapping[str, str]) -> Answer:
        query = self.search.understand(values["query"])
        rows = {
            "read as": query.text,
            "kind": query.kind,
            "expects": query.expects or "anything",
            "words": ", ".join(query.words),
            "also": ", ".join(query.also),
            "mended": ", ".join(f"{a} -> {b}" for a, b in (query.corrected or {}).items()),
        }
        return Answer(query.text, rows=tuple({"what": name, "value": value} for name, value in rows.items()))

    def export_data(self) -> dict[str, Any]:
        """Every document of the index, as text."""
        return {"documents": [{"path": p, "title": t, "text": x} for p, t, x in self.search.index.texts()]}

    def import_data(self, values: Mapping[str, Any]) -> int:
        """Add documents: ``{"documents": [{"path", "title", "text"}]}``."""
        given = values.get("documents")
        if not isinstance(given, list) or not all(
            isinstance(one, dict) and isinstance(one.get("text"), str) for one in given
        ):
            raise DataError('Search takes in {"documents": [{"path": ..., "title": ..., "text": ...}]}.')
        self.search.add_documents(
            Document(
                text=one["text"],
                source="imported",
                path=str(one.get("path", number)),
                meta={"title": str(one.get("title", ""))},
            )
            for number, one in enumerate(given)
        )
        return len(given)

    def evaluate(self, data: Path | None) -> list[Score]:
        """The sample pages; with a data folder Cranfield and SQuAD."""
        from groundup.apps.search.evaluate import run_all

        return run_all(self.search, data)
