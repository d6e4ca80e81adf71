"""The chain of quality rules and near duplicates beside datatrove, one core, same texts, same process.

    python -m benchmarks.data_filters --data FOLDER [--megabytes 1]      FOLDER: real public data (pretrain_*/ ...)

datatrove brings many libraries of its own; run this where it is installed (``pip install datatrove[processing] spacy``)
with this repository on PYTHONPATH. The rules are asked as the papers have them (50 words, pages only); near duplicates
are planted copies of real articles with a part of the words changed.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.data import near, rows_of
from groundup.clean.base import make_step
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped

# The papers' values where ours differ by default, and no exceptions for books
AS_PUBLISHED = {
    "quality": {"book_characters": 100_000_000, "gopher": {"min_words": 50, "count_marks": True}},
}


def our_decisions(texts: list[str]) -> list[str]:
    """For each text "" where it stays, else the reason."""
    step = make_step("quality", CleanOptions.model_validate(AS_PUBLISHED))
    found = [step.apply(Document(text, "x", str(place), meta={"kind": "prose"})) for place, text in enumerate(texts)]
    return [item.reason if isinstance(item, Dropped) else "" for item in found]


def datatrove_decisions(texts: list[str]) -> list[str]:
    """The same by datatrove's four filters, in FineWeb's order; C4 without the rules FineWeb left out."""
    from datatrove.data import Document as Theirs
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    chain: list[Any] = [
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
    ]
    decisions = []
    for place, text in enumerate(texts):
        document, reason = Theirs(text=text, id=str(place)), ""
        for rule in chain:
            answer = rule.filter(document)
            kept = answer[0] if isinstance(answer, tuple) else bool(answer)
            if not kept:
                reason = str(answer[1]) if isinstance(answer, tuple) else type(rule).__name__
                break
        decisions.append(reason)
    return decisions


def with_near_copies(texts: list[str], share: float = 0.3) -> tuple[list[str], set[tuple[int, int]]]:
    """Texts and copies with 2 % of the words changed; the pairs that were planted."""
    draw, pairs, result = random.Random(1), set(), list(texts)
    for place in draw.sample(range(len(texts)), int(share * len(texts))):
        words = texts[place].split(" ")
        for spot in draw.sample(range(len(words)), max(1, len(words) // 50)):
            words[spot] = "changed"
        pairs.add((place, len(result)))
        result.append(" ".join(words))
    return result, pairs


def datatrove_clusters(texts: list[str], folder: Path) -> list[list[int]]:
    """datatrove's four steps of MinHash on disk, one task each; the documents it removes, as pairs with what stays."""
    from datatrove.data import Document as Theirs
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    documents = [Theirs(text=text, id=str(place)) for place, text in enumerate(texts)]
    MinhashDedupSignature(str(folder / "signatures"), config=config).run(iter(documents), 0, 1)
    for bucket in range(config.num_buckets):
        buckets = MinhashDedupBuckets(str(folder / "signatures"), str(folder / "buckets"), config=config)
        buckets.run(None, bucket, config.num_buckets)
    MinhashDedupCluster(str(folder / "buckets"), str(folder / "remove"), config=config).run(None, 0, 1)
    kept = {document.id for document in MinhashDedupFilter(str(folder / "remove")).run(iter(documents), 0, 1)}
    return [[place] for place in range(len(texts)) if str(place) not in kept]


def timed(work: Any) -> tuple[float, Any]:
    """(CPU seconds, result)."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=1.0)
    given = parser.parse_args()
    size = int(given.megabytes * 1e6)
    texts = rows_of(given.data / "pretrain_wikipedia_en" / "wiki_en.jsonl.gz", size // 2)
    texts += rows_of(given.data / "pretrain_gov_articles" / "articles.jsonl.gz", size // 2)
    megabytes = sum(map(len, texts)) / 1e6
    our_decisions(texts[:20])  # tables and models are loaded once
    datatrove_decisions(texts[:20])
    mine, ours = timed(lambda: our_decisions(texts))
    other, theirs = timed(lambda: datatrove_decisions(texts))
    same = sum(bool(a) == bool(b) for a, b in zip(ours, theirs, strict=True)) / len(texts)
    print(f"rules: {len(texts)} texts, ours {megabytes / mine:.2f} MB/s, datatrove {megabytes / other:.2f}, "
          f"{other / mine:.1f}x, same decision {same:.4f}")  # fmt: skip
    differ = Counter((a, b) for a, b in zip(ours, theirs, strict=True) if bool(a) != bool(b))
    for (a, b), count in differ.most_common(12):
        print(f"  {count}: ours {a or 'kept'}, datatrove {b or 'kept'}")
    long = [text for text in texts if len(text) > 500]
    copies, pairs = with_near_copies(long)
    megabytes = sum(map(len, copies)) / 1e6
    mine, clusters = timed(lambda: near(copies))
    place_of = {place: number for number, cluster in enumerate(clusters) for place in cluster}
    recall = sum(place_of.get(a, -1) == place_of.get(b, -2) for a, b in pairs) / len(pairs)
    with tempfile.TemporaryDirectory() as folder:
        other, removed = timed(lambda: datatrove_clusters(copies, Path(folder)))
    gone = {place for cluster in removed for place in cluster}
    their_recall = sum(a in gone or b in gone for a, b in pairs) / len(pairs)
    print(f"near duplicates: {len(copies)} texts, ours {megabytes / mine:.2f} MB/s recall {recall:.3f}, datatrove "
          f"{megabytes / other:.2f} recall {their_recall:.3f}, {other / mine:.1f}x")  # fmt: skip


if __name__ == "__main__":
    main()
