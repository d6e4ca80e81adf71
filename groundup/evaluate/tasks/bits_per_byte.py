"""bits_per_byte: how many bits the model needs for a byte of held-out text, over all sources and for each.

Asked on the test split of the token shards, which no training step and no choice of a checkpoint has seen.
Rivals: the uniform guess over the vocabulary (chance) and the frequencies of single tokens in the training text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundup.core.errors import DataError
from groundup.core.files import fingerprint
from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, Task, ratio_of, tasks
from groundup.evaluate.subject import Subject
from groundup.evaluate.text import LN_2, measure_ids

# A book is measured by its first tokens only, so that one does not take the whole time. Taste.
MOST_TOKENS = 4096
# As many training tokens settle the frequencies of a vocabulary of some ten thousand. Taste.
UNIGRAM_TOKENS = 2_000_000


@dataclass(frozen=True)
class BitsPerByte:
    """Held-out text, document by document; the interval resamples documents."""

    name: str = "bits_per_byte"
    kind: Kind = "likelihood"
    takes_shots: bool = False
    metrics: tuple[Metric, ...] = (ratio_of("bits", "bytes", "bits_per_byte", higher_is_better=False),)

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """Single-token frequencies; the training items carry the counts."""
        return (Baseline("token frequencies", _frequencies),)

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """One item a document; for the training split one item that carries the token counts."""
        import numpy as np

        from groundup.tokenizer.shards import TokenShards

        folder = data.needed("tokenizer", self.name) / "tokens"
        shards = TokenShards.open(folder, split)
        if split == "train":
            counts = np.bincount(np.asarray(shards.tokens[:UNIGRAM_TOKENS]).astype(np.int64))
            return [Item("counts", "", meta={"counts": counts})]
        items = []
        for position, document in enumerate(shards.document_ids):
            start, end = int(shards.borders[position]), int(shards.borders[position + 1])
            ids = [int(one) for one in shards.tokens[start : min(end, start + MOST_TOKENS)]]
            if len(ids) > 1:
                source = str(shards.sources[position])
                name = str(document)
                known = {"ids": ids}
                items.append(Item(name, "", fingerprint(ids)[:16], source=source, document_id=name, meta=known))
        if not items:
            raise DataError(
                f"{folder} holds no document in its {split} split.",
                repair="Collect more documents: about one in twenty is held out for the test.",
            )
        return items

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """Nothing is answered here: text is given, its probability is the mark."""
        raise TypeError("bits_per_byte measures given text; it marks no answers")

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """The bits and bytes of every document."""
        found = measure_ids(subject, [item.meta["ids"] for item in items], [item.id for item in items])
        return [
            Outcome(item, "", "", {"bits": one.nats / LN_2, "bytes": float(one.num_bytes)})
            for item, one in zip(items, found, strict=True)
        ]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        return (
            f"held-out documents, first {MOST_TOKENS} tokens of each, windows of {subject.context_length} "
            f"moving by half"
        )


def _frequencies(task: Task, train: Sequence[Item], asked: Sequence[Outcome]) -> list[Outcome] | None:
    """Bits of each document under the training text's token frequencies, each counted once more than seen."""
    import numpy as np

    if not train or "counts" not in train[0].meta:
        return None
    counts: Any = train[0].meta["counts"]
    size = max(len(counts), 1 + max(max(one.item.meta["ids"]) for one in asked))
    smooth = np.ones(size)
    smooth[: len(counts)] += counts
    bits = -np.log2(smooth / smooth.sum())
    outcomes = []
    for one in asked:
        ids = np.asarray(one.item.meta["ids"][1:])
        outcomes.append(Outcome(one.item, "", "", {"bits": math.fsum(bits[ids]), "bytes": one.marks["bytes"]}))
    return outcomes


@tasks.register("bits_per_byte")
def bits_per_byte() -> BitsPerByte:
    """The task."""
    return BitsPerByte()
