"""How fast the trace index is: build time, peak memory and the latency of queries, checked against looking everywhere.

    python -m benchmarks.trace --data FOLDER                     20 MB of bytes of real text
    python -m benchmarks.trace --data FOLDER --megabytes 100     the size of the acceptance figures
    ... --vocabulary 8192                                        over tokens, as runs are indexed, not over bytes
    ... --part-megabytes 32                                      out of core: parts of that size

The text is real (books, then articles and documentation), repeated with a counter between copies once it runs out.
Over tokens, a tokenizer is trained on the first 2 MB, the text before its first copy is encoded (not timed), and copies are
copies of tokens; the latency of maximal spans is that of the same 300 bytes, encoded first. Over bytes, queries are: spans
of 4 to 64 bytes that stand there, the same with a byte changed, and the maximal spans of 300 bytes half from the text and
half invented. Each span's count is compared with `bytes.count` over the whole.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from groundup.trace.index import PART_TOKENS, SuffixIndex, build
from groundup.trace.repeats import repeats

SETS = (
    "pretrain_books_en/books",
    "pretrain_gov_articles/articles",
    "pretrain_docs/docs",
    "pretrain_wikipedia_en/wiki_en",
)


def real_text(folder: Path, size: int) -> bytes:
    """`size` bytes of real text; copies beyond its length are told apart by a number between them."""
    pieces = []
    for name in SETS:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            pieces += [str(json.loads(line)["text"]) for line in file]
        if sum(map(len, pieces)) >= size:
            break
    text = "\n".join(pieces).encode("utf-8")
    result = bytearray()
    copy = 0
    while len(result) < size:
        result += f"\n{copy}\n".encode() + text
        copy += 1
    return bytes(result[:size])


def over_tokens(text: bytes, vocabulary_size: int, queries: int) -> dict[str, object]:
    """Build, and maximal spans of 300 bytes, over tokens."""
    from groundup.tokenizer import Tokenizer

    tokenizer = Tokenizer.train([text[:2_000_000].decode("utf-8", "ignore")], vocabulary_size=vocabulary_size)
    pieces = text.decode("utf-8", "ignore").split("\n0\n", 1)[1]
    once, *copies = pieces.split("\n1\n", 1)  # what stands before the first copy
    ids = np.concatenate([np.array(one, dtype=np.uint16) for one in tokenizer.encode_batch(once.split("\n"))])
    share = len(text) / len(once.encode("utf-8")) if copies else 1.0
    tokens = np.resize(ids, round(share * len(ids)))
    random = np.random.Generator(np.random.PCG64(1))
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        start = time.perf_counter()
        build(tokens, Path(temporary))
        built = time.perf_counter() - start
        index = SuffixIndex.open(Path(temporary), tokens)
        lengths = []
        for _ in range(queries):
            place = int(random.integers(0, len(text) - 300))
            half = text[place : place + 150].decode("utf-8", "ignore")
            query = half + bytes(random.integers(97, 123, 150).tolist()).decode()
            clock = time.perf_counter()
            asked = tokenizer.encode(query)
            index.maximal_spans(asked, 4)
            spent.append(1e3 * (time.perf_counter() - clock))
            lengths.append(len(asked))
    return {
        "megabytes": len(text) / 1e6,
        "tokens": len(tokens),
        "build_seconds": round(built, 1),
        "tokens_of_a_query": round(float(np.mean(lengths))),
        "maximal_spans_300_p50_ms": round(float(np.median(spent)), 1),
        "maximal_spans_300_p95_ms": round(float(np.quantile(spent, 0.95)), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--part-megabytes", type=float, default=PART_TOKENS / 1e6)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument(
        "--repeats", action="store_true", help="also the stretches of 100 bytes that stand twice (one part)"
    )
    parser.add_argument("--vocabulary", type=int, help="over tokens of a tokenizer of so many")
    given = parser.parse_args()
    text = real_text(given.data, int(given.megabytes * 1e6))
    if given.vocabulary:
        print(json.dumps(over_tokens(text, given.vocabulary, given.queries)))
        return
    tokens = np.frombuffer(text, dtype=np.uint8)
    random = np.random.Generator(np.random.PCG64(1))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        start, processor = time.perf_counter(), time.process_time()
        build(tokens, folder, part_tokens=int(given.part_megabytes * 1e6))
        result: dict[str, Any] = {
            "megabytes": len(text) / 1e6,
            "build_seconds": round(time.perf_counter() - start, 1),
            "build_cpu_seconds": round(time.process_time() - processor, 1),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        index = SuffixIndex.open(folder, tokens)
        result["parts"] = len(index.parts)
        found_ms, maximal_ms, maximal_cpu_ms, agree = [], [], [], 0
        for number in range(given.queries):
            length = int(random.integers(4, 65))
            place = int(random.integers(0, len(text) - length))
            span = bytearray(text[place : place + length])
            if number % 2:
                span[int(random.integers(length))] ^= 1
            clock = time.perf_counter()
            count, first = index.count(list(span)), index.find(list(span), 10)
            found_ms.append(1e3 * (time.perf_counter() - clock))
            if number < 40:  # looking everywhere takes long
                # bytes.count leaves out occurrences that overlap; spans of prose do not overlap themselves
                agree += count == text.count(bytes(span)) and all(text[at : at + length] == span for at in first)
        for _ in range(max(1, given.queries // 10)):
            place = int(random.integers(0, len(text) - 300))
            query = [*text[place : place + 150], *random.integers(97, 123, 150).tolist()]
            clock, processor = time.perf_counter(), time.process_time()
            index.maximal_spans(query, 20)
            maximal_ms.append(1e3 * (time.perf_counter() - clock))
            maximal_cpu_ms.append(1e3 * (time.process_time() - processor))  # what a busy machine does not add to
        result |= {
            "equal_to_looking": f"{agree} of {min(40, given.queries)}",
            "find_p50_ms": round(float(np.median(found_ms)), 2),
            "find_p95_ms": round(float(np.quantile(found_ms, 0.95)), 2),
            "maximal_spans_300_p95_ms": round(float(np.quantile(maximal_ms, 0.95)), 1),
            "maximal_spans_300_p95_cpu_ms": round(float(np.quantile(maximal_cpu_ms, 0.95)), 1),
        }
        if given.repeats:
            clock = time.perf_counter()
            stretches = repeats(index, 100)
            result["repeats_seconds"] = round(time.perf_counter() - clock, 1)
            result["repeated_share"] = round(sum(end - begin for begin, end in stretches) / len(text), 4)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
