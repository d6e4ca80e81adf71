"""How well search finds and answers.

cranfield: nDCG@10 per query for words, vectors and both, on a folder with the Cranfield files (1,400 abstracts, 225
queries; codes 1 = complete answer ... 4 = minimum interest, as the collection's readme has them; the one ``-1`` a
query is counted as no interest). answering: SQuAD-style questions, half of them with their article taken out.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup.apps.search.answering import FEATURES, WEIGHTS
from groundup.apps.search.app import Search
from groundup.apps.search.dense import ENCODERS, Encoder
from groundup.apps.search.fusion import normalised_sum, reciprocal_rank
from groundup.apps.search.rerank import Reranker
from groundup.core.document import Document, hash_text
from groundup.core.errors import DataError, MissingExtra
from groundup.core.randomness import numpy_random, python_random
from groundup.core.score import Score
from groundup.metrics.intervals import wilson

GAINS = {1: 4, 2: 3, 3: 2, 4: 1}  # Cranfield code -> gain; anything else is 0
DRAWS = 2000  # bootstrap resamples


def ndcg(ranking: Sequence[str], gains: Mapping[str, float], depth: int = 10) -> float:
    """Normalised discounted cumulative gain: sum of gain / log2(rank + 1), over the same sum of the ideal order."""
    got = sum(gains.get(one, 0.0) / math.log2(rank + 1) for rank, one in enumerate(ranking[:depth], start=1))
    ideal = sorted(gains.values(), reverse=True)[:depth]
    best = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(ideal, start=1))
    return got / best if best > 0 else 0.0


def interval(values: Sequence[float], seed: int = 1) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean."""
    array = np.asarray(values, dtype=np.float64)
    draws = numpy_random(seed, "bootstrap").integers(0, len(array), size=(DRAWS, len(array)))
    low, high = np.quantile(array[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True)
class Collection:
    """Documents, queries and judgements of a test collection."""

    documents: list[Document]
    queries: dict[str, str]
    gains: dict[str, dict[str, float]]  # query -> document id -> gain


def read_cranfield(folder: Path) -> Collection:
    """Read the Cranfield files; queries are numbered by their position, as the judgements have them."""
    try:
        raw, asked, judged = (
            gzip.decompress((folder / name).read_bytes()).decode("latin-1").replace("\r\n", "\n")
            for name in ("cran.all.1400.gz", "cran.qry.gz", "cranqrel.gz")
        )
    except OSError as error:
        raise DataError(f"The Cranfield collection in {folder} cannot be read: {error}.") from None
    documents, ids = [], {}
    for block in re.split(r"^\.I ", raw, flags=re.MULTILINE)[1:]:
        number, rest = block.split("\n", 1)
        fields = dict(re.findall(r"^\.([TABW])\n(.*?)(?=^\.[TABW]\n|\Z)", rest, flags=re.MULTILINE | re.DOTALL))
        title = " ".join(fields.get("T", "").split())
        text = fields.get("W", "").strip()
        one = Document(text=text or title, source="cranfield", path=number.strip(), meta={"title": title})
        documents.append(one)
        ids[number.strip()] = one.id
    blocks = re.split(r"^\.I .*\n\.W\s*\n", asked, flags=re.MULTILINE)[1:]
    queries = {str(number): " ".join(block.split()) for number, block in enumerate(blocks, start=1)}
    gains: dict[str, dict[str, float]] = {number: {} for number in queries}
    for line in judged.splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[1] in ids:
            gains[parts[0]][ids[parts[1]]] = float(GAINS.get(int(parts[2]), 0))
    return Collection(documents, queries, gains)


def ranking_table(
    collection: Collection, encoder: Encoder | None = None, reranker: Reranker | None = None
) -> dict[str, list[float]]:
    """nDCG@10 of every query for each way of ranking: {"words", "vectors", "sum", "rank", "reranked": [...]}."""
    search = Search(encoder=encoder)
    search.add_documents(collection.documents)
    table: dict[str, list[float]] = {}
    for number, text in collection.queries.items():
        query = search.understand(text)
        legs = [search.rank_words(query)]
        ways = {"words": legs[0]}
        if encoder is not None:
            legs.append(search.rank_vectors(query))
            weights = (1 - search.options.dense_weight, search.options.dense_weight)
            ways |= {
                "vectors": legs[1],
                "sum": normalised_sum(legs, weights),
                "rank": reciprocal_rank(legs, weights),
            }
        if reranker is not None:
            ways["reranked"] = reranker.rank(query, ways.get("sum", ways["words"]), search.index)
        for name, ranked in ways.items():
            found = search.index.passages([one for one, _ in ranked])
            order = list(dict.fromkeys(found[one].document_id for one, _ in ranked))  # a document at its best passage
            table.setdefault(name, []).append(ndcg(order, collection.gains[number]))
    search.close()
    return table


def run(folder: Path, encoder: Encoder | None = None, reranker: Reranker | None = None) -> list[Score]:
    """The scores of a Cranfield-shaped folder: each leg, the fusions, and the re-ranking where there is one."""
    collection = read_cranfield(folder)
    data_hash = hash_text(json.dumps(sorted(one.content_hash for one in collection.documents)))[:16]
    table = ranking_table(collection, encoder, reranker)
    words = float(np.mean(table["words"]))
    scores = []
    for name, values in table.items():
        low, high = interval(values)
        scores.append(
            Score(
                task=f"cranfield_{name}", metric="ndcg@10", value=float(np.mean(values)), low=low, high=high,
                n=len(values), baseline=None if name == "words" else words, baseline_name="BM25",
                protocol="titles and abstracts, best passage of a document", data_hash=data_hash,
            )
        )  # fmt: skip
    return scores


def squad_pairs(path: Path) -> tuple[list[Document], list[tuple[str, str]]]:
    """The paragraphs of a SQuAD file, and ``(question, path of its paragraph)``."""
    documents, asked = [], []
    for article in _squad_articles(path):
        for number, paragraph in enumerate(article["paragraphs"]):
            place = f"{article['title']}#{number}"
            documents.append(Document(text=paragraph["context"], source="squad", path=place, meta={"title": "-"}))
            asked += [(qa["question"].strip(), place) for qa in paragraph["qas"]]
    return documents, asked


def _squad_articles(path: Path) -> list[Any]:
    try:
        return list(json.loads(gzip.decompress(path.read_bytes()))["data"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} cannot be read as SQuAD: {error}.") from None


@dataclass(frozen=True)
class Asked:
    """A question with the texts that count as right; () when its article was taken out."""

    question: str
    answers: tuple[str, ...]


def read_squad(path: Path, *, num_questions: int, seed: int) -> tuple[list[Document], list[Asked]]:
    """Documents and questions of a SQuAD file: of every second article only the questions are kept, not the text."""
    documents: list[Document] = []
    groups: tuple[list[Asked], list[Asked]] = ([], [])
    for place, article in enumerate(_squad_articles(path)):
        kept = place % 2 == 0
        for number, paragraph in enumerate(article["paragraphs"]):
            if kept:
                meta = {"title": article["title"].replace("_", " ")}
                path_ = f"{article['title']}#{number}"
                documents.append(Document(text=paragraph["context"], source="squad", path=path_, meta=meta))
            for qa in paragraph["qas"]:
                answers = tuple({one["text"] for one in qa["answers"]}) if kept else ()
                if answers or not kept:
                    groups[not kept].append(Asked(qa["question"].strip(), answers))
    random = python_random(seed, "squad")
    chosen = [random.sample(group, min(len(group), num_questions // 2)) for group in groups]
    return documents, chosen[0] + chosen[1]


def answering_rows(documents: list[Document], asked: list[Asked]) -> list[tuple[float, bool, bool]]:
    """``(confidence, right, answerable)`` of the best sentence for each question."""
    search = Search()
    search.add_documents(documents)
    rows = []
    for one in asked:
        candidates = search._answerer.candidates(search.understand(one.question))
        best = candidates[0] if candidates else None
        right = best is not None and any(answer in best.text for answer in one.answers)
        rows.append((best.confidence if best else 0.0, right, bool(one.answers)))
    search.close()
    return rows


def at_threshold(rows: Sequence[tuple[float, bool, bool]], threshold: float) -> dict[str, float]:
    """What a threshold gives: share answered, share of answers that are right, share of unanswerable refused."""
    said = [row for row in rows if row[0] >= threshold]
    foreign = [row for row in rows if not row[2]]
    known = [row for row in rows if row[2]]
    return {
        "answered": len(said) / max(1, len(rows)),
        "precision": sum(row[1] for row in said) / max(1, len(said)),
        "recall": sum(row[1] and row[0] >= threshold for row in known) / max(1, len(known)),
        "refused": sum(row[0] < threshold for row in foreign) / max(1, len(foreign)),
    }


def fit_answering(documents: list[Document], asked: list[Asked], *, steps: int = 300) -> tuple[float, ...]:
    """The weights of `answering.WEIGHTS`: logistic regression (Newton) on whether a candidate sentence answers."""
    search = Search()
    search.add_documents(documents)
    features, labels = [], []
    for one in asked:
        for candidate in search._answerer.candidates(search.understand(one.question)):
            features.append((*candidate.values, 1.0))
            labels.append(any(answer in candidate.text for answer in one.answers))
    search.close()
    x_NF, y_N = np.array(features), np.array(labels, dtype=np.float64)
    weights_F = np.zeros(len(WEIGHTS))
    ridge = 1e-2 * np.eye(len(FEATURES) + 1)
    for _ in range(min(steps, 30)):  # Newton needs a handful of steps
        p_N = 1 / (1 + np.exp(-x_NF @ weights_F))
        gradient_F = x_NF.T @ (p_N - y_N) + ridge @ weights_F
        curvature_FF = (x_NF * (p_N * (1 - p_N))[:, None]).T @ x_NF + ridge
        weights_F -= np.linalg.solve(curvature_FF, gradient_F)
    return tuple(round(float(value), 2) for value in weights_F)


def run_all(search: Search, data: Path | None) -> list[Score]:
    """`groundup app search --evaluate`: known answers of the sample pages; Cranfield and SQuAD where there is a data folder."""
    from groundup.apps.search.app import SAMPLES

    own = Search()
    own.add(SAMPLES)
    right = [wanted in own.answer(question).text for question, wanted in OWN_QUESTIONS]
    own.close()
    low, high = wilson(sum(right), len(right))
    scores = [
        Score(
            "search_sample",
            "right answers",
            sum(right) / len(right),
            low,
            high,
            len(right),
            protocol="questions on the sample pages",
        )
    ]
    if data is None:
        return scores
    scores += run(data / "ir_cranfield", search.encoder or _minilm(), search.reranker)
    documents, asked = read_squad(data / "squad" / "squad_v1_train_sample.json.gz", num_questions=1000, seed=2)
    rows = answering_rows(documents, asked)
    told = at_threshold(rows, search.options.answer_threshold)
    answered = sum(row[0] >= search.options.answer_threshold for row in rows)
    foreign = sum(not row[2] for row in rows)
    for name, n in (("precision", answered), ("refused", foreign)):
        scores.append(
            Score(
                "search_answers",
                name,
                told[name],
                *wilson(round(told[name] * n), n),
                n,
                protocol="SQuAD v1.1, half without their article",
            )
        )
    return scores


def _minilm() -> Encoder | None:
    """MiniLM, where it is installed: the table shows every leg that can be had."""
    try:
        return ENCODERS.get("minilm")()
    except MissingExtra:
        return None


OWN_QUESTIONS = (
    ("How long do I have to return a lamp?", "30 days"), ("How much does express delivery cost?", "9.90"),
    ("Can I change the address of my order?", "address"), ("What does gift wrapping cost?", "3.50"),
    ("How long is the warranty on furniture?", "5 years"),
)  # fmt: skip
