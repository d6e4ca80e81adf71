"""Write the target of an example: translation, summary, answer; any examples with `text` and `target`.

`pretrain.examples = ["stories:translation"]` names them: SOURCE:KIND of what collect left. They are split by the
document they were made from, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from groundup.core.errors import DataError, RecipeError, near
from groundup.core.example import read_examples
from groundup.core.randomness import numpy_random
from groundup.core.split import split_of
from groundup.pretrain.lesson import Given, Lesson
from groundup.pretrain.targets import LOOK_BATCH, Pair, batch_of, look, write
from groundup.train.objectives import Targets

LEAST_LOOK = 64  # pairs looked at, when there are so many


def lesson(given: Given) -> Lesson:
    """See the module."""
    settings, limit = given.settings, given.config.context_length
    if not settings.examples:
        raise RecipeError(
            'pretrain.objective = "seq2seq" learns from examples, but pretrain.examples names none.',
            repair='Name some, as in: examples = ["stories:translation"]',
        )
    pairs = {"train": [], "validation": []}  # type: dict[str, list[Pair]]
    for split, pair in _pairs(given):
        if split in pairs and len(pair[0]) <= limit and len(pair[1]) < limit:
            pairs[split].append(pair)
    for split, found in pairs.items():
        if not found:
            raise DataError(
                f"No {split} example with text and target fits into {limit} tokens.",
                repair="Collect more, or raise model.context_length.",
            )
    shown = pairs["validation"][: max(LEAST_LOOK, settings.validation_tokens // limit)]
    fixed = [batch_of(shown[at : at + LOOK_BATCH], given.tokenizer) for at in range(0, len(shown), LOOK_BATCH)]
    return Lesson(
        PairedBatches(pairs["train"], given.tokenizer, batch_size=settings.batch_size, seed=given.seed),
        Targets(settings.label_smoothing),
        validate=lambda module, step: look(module, fixed),
        sample=lambda module, step: write(module, given.tokenizer, shown, limit),
    )


class PairedBatches:
    """An endless, resumable stream of shuffled pairs; the place is (epoch, number)."""

    def __init__(self, pairs: list[Pair], tokenizer: Any, *, batch_size: int, seed: int) -> None:
        self.pairs, self.tokenizer, self.batch_size, self.seed = pairs, tokenizer, batch_size, seed
        self.epoch = self.number = 0
        self._order: tuple[int, np.ndarray] | None = None

    def next(self) -> dict[str, Tensor]:
        """The next batch: see targets.batch_of."""
        return batch_of([self._next() for _ in range(self.batch_size)], self.tokenizer)

    def state(self) -> dict[str, Any]:
        """The place in the data: plain numbers."""
        return {"epoch": self.epoch, "number": self.number, "pairs": len(self.pairs)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go to a place `state` named. DataError when it is of other examples."""
        if state["pairs"] != len(self.pairs):
            raise DataError(f"The checkpoint was trained on {state['pairs']:,} pairs, here are {len(self.pairs):,}.")
        self.epoch, self.number = state["epoch"], state["number"]

    def _next(self) -> Pair:
        if self._order is None or self._order[0] != self.epoch:
            self._order = (self.epoch, numpy_random(self.seed, "pairs", self.epoch).permutation(len(self.pairs)))
        pair = self.pairs[self._order[1][self.number]]
        self.number += 1
        if self.number >= len(self.pairs):
            self.number, self.epoch = 0, self.epoch + 1
        return pair


def _pairs(given: Given) -> Iterator[tuple[str, Pair]]:
    """(split, (source, target)) of every example that has both."""
    for address in given.settings.examples:
        for example in read_examples(_file(given.inputs, address)):
            if example.text and example.target:
                asked = f"{example.text}\n{example.question}" if example.question else example.text
                source, target = (np.array(given.tokenizer.encode(text)) for text in (asked, example.target))
                if len(source):
                    yield split_of(example.document_id), (source, target)


def _file(inputs: Mapping[str, Path], address: str) -> Path:
    folder = inputs["collect"] / "examples" if "collect" in inputs else Path()
    path = folder / f"{address.replace(':', '/', 1)}.jsonl.zst"
    if "collect" not in inputs or not path.is_file() or ".." in Path(address.replace(":", "/", 1)).parts:
        found = [f"{file.parent.name}:{file.name.removesuffix('.jsonl.zst')}" for file in folder.glob("*/*.jsonl.zst")]
        raise DataError(f"pretrain.examples: there is no '{address}'.", repair=near(address, found))
    return path
