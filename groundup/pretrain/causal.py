"""Predict the next token: packed rows, bits per byte, and the journey of some held-out documents.

Where learning goes on from a given model, old rows may be among the new ones (replay.py); some documents may be learned
with a gap in them (gaps.py).
"""

from __future__ import annotations

from typing import Any

from groundup.core.errors import DataError, RecipeError
from groundup.pretrain.batches import PackedBatches
from groundup.pretrain.gaps import Gaps
from groundup.pretrain.journey import Journey
from groundup.pretrain.lesson import Given, Lesson
from groundup.pretrain.private_rows import DocumentRows
from groundup.pretrain.replay import WithReplay, open_old
from groundup.pretrain.validate import bits_per_byte, choose_documents
from groundup.train.objectives import Causal, causal


def lesson(given: Given) -> Lesson:
    """See the module. Raises DataError when there is nothing to validate on."""
    settings = given.settings
    looks = {"": given.looked_at}
    if settings.replay is not None:
        looks["replayed_"] = open_old(settings.replay.from_, "validation", given.config.vocabulary_size)
    documents = {
        name: choose_documents(shards, num_tokens=settings.validation_tokens, seed=given.seed)
        for name, shards in looks.items()
    }
    if not documents[""]:
        raise DataError("The validation split holds no document.", repair="Collect more documents.")

    def validate(module: Any, step: int) -> dict[str, Any]:
        found = bits_per_byte(module, looks[""], documents[""])
        for name in documents:
            if name and documents[name]:
                found[f"{name}bits_per_byte"] = bits_per_byte(module, looks[name], documents[name])["bits_per_byte"]
        return found

    journey = Journey(given)
    return Lesson(
        _batches(given),
        Causal(settings.z_loss) if settings.z_loss else causal,
        validate=validate,
        sample=given.samples,
        begin=journey.begin,
        end=journey.end,
    )


def _batches(given: Given) -> Any:
    settings = given.settings
    if settings.dp is not None:
        if settings.replay is not None or settings.fill_in_the_middle:
            raise RecipeError(
                "pretrain.dp learns each document as it is, once drawn.",
                repair="Leave out pretrain.replay and pretrain.fill_in_the_middle.",
            )
        rows = DocumentRows(given.train, context_length=given.config.context_length)
        given.console.note(
            f"  private: {rows.num_rows:,} documents, one row each; of long ones only the beginning is read "
            f"({rows.left_out:.0%} of the tokens are left out)"
        )
        return rows
    share = settings.fill_in_the_middle
    how: dict[str, Any] = {
        "batch_size": settings.batch_size,
        "context_length": given.config.context_length,
        "seed": given.seed,
        "document_mask": settings.document_mask,
        "gaps": Gaps.of(given.tokenizer, share) if share else None,
    }
    new = PackedBatches(given.train, **how)
    if settings.replay is None:
        return new
    old = open_old(settings.replay.from_, "train", given.config.vocabulary_size)
    return WithReplay(new, PackedBatches(old, **how), settings.replay.share)
