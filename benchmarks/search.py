"""How fast search is: index time and the latency of queries, median and 95th percentile, on one core.

    python benchmarks/search.py                        100,000 passages of generated text (Zipf's law)
    python benchmarks/search.py --place FOLDER_OR_FILE real text; --words 40 makes more, shorter passages

Queries are five words drawn from random passages, as BM25 gets them from a question. `--vectors` adds the exact dense
leg with random unit vectors of MiniLM's width (the matrix product; not the time to encode the query). `cpu_ms` is the
time the process itself computed: what is left of a query's time when other programs hold the cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from groundup.apps.search import Search, SearchOptions
from groundup.apps.search.reading import documents_of
from groundup.core.document import Document


def generated(num_passages: int, words: int) -> Iterator[Document]:
    """Documents of ten passages; word frequencies fall as 1 / rank over 50,000 words."""
    random = np.random.Generator(np.random.PCG64(1))
    share = 1 / np.arange(1, 50_001)
    share /= share.sum()
    letters = "aeioubcdfghklmnprstvwz"
    names = ["".join(letters[(n // 22**k) % 22] for k in range(4)) + letters[n % 5] for n in range(50_000)]
    for number in range(num_passages // 10):
        picked = random.choice(50_000, size=(10, words), p=share)
        text = " ".join(" ".join(names[one] for one in row).capitalize() + "." for row in picked)
        yield Document(text=text, source="generated", path=f"{number}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=120)
    parser.add_argument("--place", type=Path)
    parser.add_argument("--vectors", action="store_true")
    parser.add_argument("--queries", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        search = Search(Path(folder) / "index.sqlite", SearchOptions(passage_words=given.words))
        documents = documents_of(given.place, [], "real") if given.place else generated(given.passages, given.words)
        start = time.perf_counter()
        search.add_documents(documents)
        seconds = time.perf_counter() - start
        total = len(search.index)
        random = np.random.Generator(np.random.PCG64(2))
        numbers = [int(one) for one in random.integers(1, total, given.queries)]
        found = search.index.passages(numbers)
        queries = [" ".join(random.permutation(one.text.split())[:5]) for one in found.values()]
        search.search(queries[0])
        times, busy = [], []
        for query in queries:
            start, began = time.perf_counter(), time.process_time()
            search.search(query)
            times.append(1000 * (time.perf_counter() - start))
            busy.append(1000 * (time.process_time() - began))
        result = {
            "passages": total,
            "index_seconds": round(seconds, 1),
            "megabytes": round((Path(folder) / "index.sqlite").stat().st_size / 1e6, 1),
            "words_median_ms": round(float(np.median(times)), 1),
            "words_p95_ms": round(float(np.quantile(times, 0.95)), 1),
            "words_p95_cpu_ms": round(float(np.quantile(busy, 0.95)), 1),
        }
        if given.vectors:
            vectors_ND = random.standard_normal((total, 384), dtype=np.float32)
            vectors_ND /= np.linalg.norm(vectors_ND, axis=1, keepdims=True)
            times = []
            for place in range(50):
                start = time.perf_counter()
                scores_N = vectors_ND @ vectors_ND[place]
                np.argpartition(-scores_N, 100)
                times.append(1000 * (time.perf_counter() - start))
            result["vectors_p95_ms"] = round(float(np.quantile(times, 0.95)), 1)
        print(json.dumps(result))


if __name__ == "__main__":
    main()
