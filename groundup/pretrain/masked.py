"""Fill in hidden words (BERT), and optionally tell whether the second text follows the first.

Hiding is dynamic (Liu et al. 2019): a row is hidden otherwise each time it is met, as a function of seed and place, so
that a place in the data is all a checkpoint needs. Validation hides the same words at every look.

B batch, T time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.core.errors import DataError, RecipeError
from groundup.core.randomness import numpy_random
from groundup.model.rules import is_modern_bert
from groundup.pretrain.batches import PackedBatches, Shards, pack
from groundup.pretrain.lesson import Given, Lesson, special_id
from groundup.pretrain.masking import Masking
from groundup.pretrain.validate import choose_documents
from groundup.train.objectives import IGNORE, masked

LOOK_BATCH = 16  # rows at once in validation
SHORTEST_PAIR = 8  # tokens of a document that is cut into two texts; taste
SHOWN_TOKENS, SHOWN_WORDS = 24, 3  # of a sample


def lesson(given: Given) -> Lesson:
    """See the module."""
    settings = given.settings
    modern = is_modern_bert(given.config)
    if settings.next_sentence and (modern or settings.document_mask):
        raise RecipeError(
            "pretrain.next_sentence reads two texts as one, with the original BERT's segments.",
            repair="Leave out " + ("next_sentence." if modern else "document_mask."),
        )
    masking = Masking.of(given.tokenizer, share=settings.mask_share, whole_word=settings.whole_word)
    how: dict[str, Any] = {"batch_size": settings.batch_size, "seed": given.seed}
    how["context_length"] = given.config.context_length
    batches: MaskedBatches | PairBatches
    if settings.next_sentence:
        batches = PairBatches(given.train, given.tokenizer, masking, **how)
    else:
        batches = MaskedBatches(given.train, given.tokenizer, masking, **how, document_mask=settings.document_mask)
    fixed = fixed_batches(given, masking)
    return Lesson(
        batches,
        masked,
        validate=lambda module, step: look(module, fixed),
        sample=lambda module, step: fill_in(module, given.tokenizer, fixed[0]),
    )


class MaskedBatches:
    """Packed rows: <|cls|> text <|sep|> text ... <|sep|>, some words hidden."""

    def __init__(
        self,
        shards: Shards,
        tokenizer: Any,
        masking: Masking,
        *,
        batch_size: int,
        context_length: int,
        seed: int,
        document_mask: bool = False,
    ) -> None:
        # The packer's rows are one longer than its context; <|cls|> and the last <|sep|> come on top.
        length = context_length - 2
        self.packed = PackedBatches(shards, batch_size=batch_size, context_length=length - 1, seed=seed)
        self.tokenizer, self.masking = tokenizer, masking
        self.context_length, self.seed, self.document_mask = context_length, seed, document_mask

    def next(self) -> dict[str, Tensor]:
        """{"ids_BT", "targets_BT"} and, where a row is not full, "real_BT"; with document_mask "documents_BT"."""
        place = (self.packed.epoch, self.packed.block, self.packed.row)
        tokens = self.packed.tokens
        rows = [np.concatenate([tokens[start:end] for start, end in row]) for row in self.packed.next_rows()]
        framed = [frame(row, self.tokenizer) for row in rows]
        batch = hide_rows(
            framed, self.context_length, self.tokenizer, self.masking, numpy_random(self.seed, "masks", *place)
        )
        if self.document_mask:  # each <|sep|> ends a text
            ends_BT = np.zeros(batch["ids_BT"].shape, dtype=np.int64)
            for b, row in enumerate(framed):
                ends_BT[b, : len(row)] = row == special_id(self.tokenizer, "<|sep|>")
            batch["documents_BT"] = torch.from_numpy(np.cumsum(ends_BT, 1) - ends_BT)
        return batch

    def state(self) -> dict[str, Any]:
        """The place in the data; what is hidden follows from it."""
        return self.packed.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go to a place `state` named."""
        self.packed.restore(state)


class PairBatches:
    """Two texts a row: half of the time the second follows the first, else it is from another document."""

    def __init__(
        self,
        shards: Any,
        tokenizer: Any,
        masking: Masking,
        *,
        batch_size: int,
        context_length: int,
        seed: int,
    ) -> None:
        self.tokens, self.borders = shards.tokens, np.asarray(shards.borders)
        self.documents = np.flatnonzero(np.diff(self.borders) > SHORTEST_PAIR)  # one token more: <|endoftext|>
        if len(self.documents) < 2:
            raise DataError(
                f"Next-sentence pairs need two documents of {SHORTEST_PAIR} tokens, here are {len(self.documents)}.",
                repair="Collect more documents, or leave out pretrain.next_sentence.",
            )
        self.tokenizer, self.masking = tokenizer, masking
        self.batch_size, self.context_length, self.seed = batch_size, context_length, seed
        self.cls, self.sep = special_id(tokenizer, "<|cls|>"), special_id(tokenizer, "<|sep|>")
        self.epoch = self.number = 0
        self._order: tuple[int, np.ndarray] | None = None

    def next(self) -> dict[str, Tensor]:
        """{"ids_BT", "targets_BT", "segments_BT", "follows_B"} and, where a row is not full, "real_BT"."""
        random = numpy_random(self.seed, "pairs", self.epoch, self.number)
        rows, segments, follows = [], [], []
        for _ in range(self.batch_size):
            first, second, is_other = self._pair(self._next_document(), random)
            rows.append(np.array([self.cls, *first, self.sep, *second, self.sep]))
            segments.append(np.repeat([0, 1], [len(first) + 2, len(second) + 1]))
            follows.append(is_other)
        batch = hide_rows(rows, self.context_length, self.tokenizer, self.masking, random)
        segments_BT = np.zeros(batch["ids_BT"].shape, dtype=np.int64)
        for b, segment in enumerate(segments):
            segments_BT[b, : len(segment)] = segment
        return {**batch, "segments_BT": torch.from_numpy(segments_BT), "follows_B": torch.tensor(follows)}

    def state(self) -> dict[str, Any]:
        """The place in the data: plain numbers."""
        return {"epoch": self.epoch, "number": self.number, "tokens": len(self.tokens)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go to a place `state` named. DataError when it is of other tokens."""
        if state["tokens"] != len(self.tokens):
            raise DataError(f"The checkpoint was trained on {state['tokens']:,} tokens, here are {len(self.tokens):,}.")
        self.epoch, self.number = state["epoch"], state["number"]

    def _next_document(self) -> int:
        if self._order is None or self._order[0] != self.epoch:
            order = numpy_random(self.seed, "documents", self.epoch).permutation(self.documents)
            self._order = (self.epoch, order)
        document = int(self._order[1][self.number])
        self.number += 1
        if self.number >= len(self.documents):
            self.number, self.epoch = 0, self.epoch + 1
        return document

    def _pair(self, document: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
        room = self.context_length - 3
        text = self._piece(document, room, random)
        cut = int(random.integers(1, len(text)))
        if random.random() < 0.5:
            return text[:cut], text[cut:], 0
        other = document
        while other == document:
            other = int(random.choice(self.documents))
        return text[:cut], self._piece(other, room - cut, random), 1

    def _piece(self, document: int, room: int, random: np.random.Generator) -> np.ndarray:
        text = self.tokens[self.borders[document] + 1 : self.borders[document + 1]].astype(np.int64)
        start = int(random.integers(0, max(1, len(text) - room + 1)))
        return text[start : start + room]


def frame(row_T: np.ndarray, tokenizer: Any) -> np.ndarray:
    """<|cls|> ... <|sep|>, and <|sep|> for the border tokens between."""
    border, sep = special_id(tokenizer, "<|endoftext|>"), special_id(tokenizer, "<|sep|>")
    row_T = row_T.astype(np.int64)
    row_T = row_T[1:] if row_T[0] == border else row_T
    return np.concatenate([[special_id(tokenizer, "<|cls|>")], np.where(row_T == border, sep, row_T), [sep]])


def hide_rows(
    rows: list[np.ndarray], length: int, tokenizer: Any, masking: Masking, random: np.random.Generator
) -> dict[str, Tensor]:
    """A batch of rows, filled up to `length`, with words hidden."""
    ids_BT = np.full((len(rows), length), special_id(tokenizer, "<|pad|>"), dtype=np.int64)
    real_BT = np.zeros(ids_BT.shape, dtype=bool)
    for b, row in enumerate(rows):
        ids_BT[b, : len(row)] = row
        real_BT[b, : len(row)] = True
    hidden_BT, targets_BT = masking.hide(ids_BT, random)
    batch = {"ids_BT": torch.from_numpy(hidden_BT), "targets_BT": torch.from_numpy(targets_BT)}
    return batch if real_BT.all() else {**batch, "real_BT": torch.from_numpy(real_BT)}


def fixed_batches(given: Given, masking: Masking) -> list[dict[str, Tensor]]:
    """The validation rows, hidden once and for all looks alike."""
    shards, length = given.looked_at, given.config.context_length
    documents = choose_documents(shards, num_tokens=given.settings.validation_tokens, seed=given.seed)
    if not documents:
        raise DataError("The validation split holds no document.", repair="Collect more documents.")
    pieces = [(int(shards.borders[d]), int(shards.borders[d + 1])) for d in documents]
    rows = [np.concatenate([shards.tokens[start:end] for start, end in row]) for row in pack(pieces, length - 2)]
    framed = [frame(row, given.tokenizer) for row in rows]
    return [
        hide_rows(
            framed[at : at + LOOK_BATCH],
            length,
            given.tokenizer,
            masking,
            numpy_random(given.seed, "validation masks", at),
        )
        for at in range(0, len(framed), LOOK_BATCH)
    ]


@torch.no_grad()
def look(module: Any, batches: list[dict[str, Tensor]]) -> dict[str, float]:
    """{"masked_loss" (nats a hidden token), "masked_accuracy"} on the fixed rows."""
    device = next(module.parameters()).device
    loss, right, count = 0.0, 0, 0
    for batch in batches:
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        hidden_BTD = module(batch["ids_BT"], real_BT=batch.get("real_BT"))
        at_BT = batch["targets_BT"] != IGNORE
        logits_NV, targets_N = module.logits(hidden_BTD[at_BT]).float(), batch["targets_BT"][at_BT]
        loss += float(F.cross_entropy(logits_NV, targets_N, reduction="sum"))
        right += int((logits_NV.argmax(-1) == targets_N).sum())
        count += len(targets_N)
    return {"masked_loss": loss / max(1, count), "masked_accuracy": right / max(1, count)}


@torch.no_grad()
def fill_in(module: Any, tokenizer: Any, batch: dict[str, Tensor]) -> list[dict[str, Any]]:
    """The first rows with one hidden word each, and the likeliest words for it."""
    device = next(module.parameters()).device
    rows = []
    for ids_T, targets_T in list(zip(batch["ids_BT"], batch["targets_BT"], strict=True))[:4]:
        truth_T = torch.where(targets_T != IGNORE, targets_T, ids_T)[:SHOWN_TOKENS]
        places = (targets_T[:SHOWN_TOKENS] != IGNORE).nonzero().flatten()
        if not len(places):
            continue
        at = int(places[0])
        asked_T = truth_T.clone()
        asked_T[at] = special_id(tokenizer, "<|mask|>")
        logits_V = module.logits(module(asked_T.unsqueeze(0).to(device)))[0, at].float()
        best = logits_V.softmax(-1).topk(SHOWN_WORDS)
        words = [
            f"{tokenizer.decode([token]).strip()} {share:.2f}" for share, token in zip(*map(list, best), strict=True)
        ]
        prompt = f"{tokenizer.decode(truth_T[:at].tolist())} ____ {tokenizer.decode(truth_T[at + 1 :].tolist())}"
        rows.append({"prompt": prompt.strip(), "text": ", ".join(words)})
    return rows
