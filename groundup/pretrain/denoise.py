"""Write what was cut out (T5, Raffel et al. 2020, section 3.1.4): spans of a row are replaced by <|extra_0|>,
<|extra_1|> ...; the target is each of these followed by its span.

Or, with denoise_target = "text", write the whole row again from one in which <|mask|> stands for each cut (BART's text
infilling, Lewis et al. 2020; its shuffled sentences are left out).

15 % of the tokens in spans of 3 on average. Rows with more spans than there are sentinels (16) get longer ones.
B batch, S source time, T target time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random
from groundup.pretrain.batches import PackedBatches, Shards, pack
from groundup.pretrain.lesson import Given, Lesson, special_id
from groundup.pretrain.targets import LOOK_BATCH, Pair, batch_of, look, write
from groundup.pretrain.validate import choose_documents
from groundup.train.objectives import Targets

SENTINELS = 16  # reserved in every tokenizer of ours


def lesson(given: Given) -> Lesson:
    """See the module."""
    settings, length = given.settings, given.config.context_length
    batches = DenoisedBatches(given)
    pairs = fixed_pairs(given)
    fixed = [batch_of(pairs[at : at + LOOK_BATCH], given.tokenizer) for at in range(0, len(pairs), LOOK_BATCH)]
    return Lesson(
        batches,
        Targets(settings.label_smoothing),
        validate=lambda module, step: look(module, fixed),
        sample=lambda module, step: write(module, given.tokenizer, pairs, length),
    )


class DenoisedBatches:
    """Packed rows with spans cut out; which ones follows from seed and place."""

    def __init__(self, given: Given) -> None:
        self.packed = PackedBatches(
            given.train,
            batch_size=given.settings.batch_size,
            context_length=given.config.context_length - 1,  # the packer's rows are one longer
            seed=given.seed,
        )
        self.given = given

    def next(self) -> dict[str, Tensor]:
        """The next batch: see targets.batch_of."""
        place = (self.packed.epoch, self.packed.block, self.packed.row)
        random = numpy_random(self.given.seed, "spans", *place)
        pairs = [cut_out(row_of(self.packed, row), self.given, random) for row in self.packed.next_rows()]
        return batch_of(pairs, self.given.tokenizer)

    def state(self) -> dict[str, Any]:
        """The place in the data; what is cut out follows from it."""
        return self.packed.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go to a place `state` named."""
        self.packed.restore(state)


def row_of(shards: Shards | PackedBatches, pieces: list[tuple[int, int]]) -> np.ndarray:
    """The tokens of one row."""
    return np.concatenate([shards.tokens[start:end] for start, end in pieces]).astype(np.int64)


def cut_out(row_T: np.ndarray, given: Given, random: np.random.Generator) -> Pair:
    """(source with sentinels, target: sentinel, span, sentinel, span ...; or source with masks, and the row)."""
    settings = given.settings
    starts, ends = spans_of(len(row_T), settings.mask_share, settings.span_length, random)
    if settings.denoise_target == "text":
        mask, kept = special_id(given.tokenizer, "<|mask|>"), row_T.copy()
        kept[starts] = mask  # one for each span, however long
        inside = np.concatenate([np.arange(start + 1, end) for start, end in zip(starts, ends, strict=True)])
        return np.delete(kept, inside.astype(int)), row_T
    first = special_id(given.tokenizer, "<|extra_0|>")
    source, target, at = [], [], 0
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        source += [*row_T[at:start], first + number]
        target += [first + number, *row_T[start:end]]
        at = end
    return np.array([*source, *row_T[at:]], dtype=np.int64), np.array(target, dtype=np.int64)


def spans_of(length: int, share: float, mean: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Borders of the spans: about `share` of `length` tokens in spans of `mean`, none touching another."""
    noise = min(max(1, round(length * share)), max(1, length - 1))
    count = min(max(1, round(noise / mean)), SENTINELS, max(1, length - noise))
    kept, cut = _parts(length - noise, count, random), _parts(noise, count, random)
    starts = np.cumsum(kept) + np.cumsum(cut) - cut
    return starts, starts + cut


def _parts(total: int, count: int, random: np.random.Generator) -> np.ndarray:
    """`total` as a sum of `count` positive numbers (one may be 0 when there are too few), each such sum as likely."""
    if total < count:
        return np.array([total, *[0] * (count - 1)])
    borders = np.sort(random.choice(total - 1, count - 1, replace=False)) + 1 if count > 1 else np.array([], int)
    return np.diff(np.concatenate([[0], borders, [total]])).astype(np.int64)


def fixed_pairs(given: Given) -> list[Pair]:
    """The validation rows, cut once and for all looks alike."""
    shards, length = given.looked_at, given.config.context_length
    documents = choose_documents(shards, num_tokens=given.settings.validation_tokens, seed=given.seed)
    pieces = [(int(shards.borders[d]), int(shards.borders[d + 1])) for d in documents]
    rows = [row_of(shards, row) for row in pack(pieces, length)]
    random = numpy_random(given.seed, "validation spans")
    pairs = [cut_out(row, given, random) for row in rows if len(row) > 1]
    if not pairs:
        raise DataError("The validation split holds no document.", repair="Collect more documents.")
    return pairs
