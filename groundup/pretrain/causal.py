"""Predict the next token: packed rows, bits per byte, and the journey of some held-out documents."""

from __future__ import annotations

from typing import Any

from groundup.core.errors import DataError
from groundup.pretrain.batches import PackedBatches
from groundup.pretrain.journey import Journey
from groundup.pretrain.lesson import Given, Lesson
from groundup.pretrain.private_rows import DocumentRows
from groundup.pretrain.validate import bits_per_byte, choose_documents
from groundup.train.objectives import causal


def lesson(given: Given) -> Lesson:
    """See the module. Raises DataError when there is nothing to validate on."""
    settings, looked_at = given.settings, given.looked_at
    batches: Any
    if settings.dp is not None:
        batches = DocumentRows(given.train, context_length=given.config.context_length)
        given.console.note(
            f"  private: {batches.num_rows:,} documents, one row each; of long ones only the beginning is read "
            f"({batches.left_out:.0%} of the tokens are left out)"
        )
    else:
        batches = PackedBatches(
            given.train,
            batch_size=settings.batch_size,
            context_length=given.config.context_length,
            seed=given.seed,
            document_mask=settings.document_mask,
        )
    documents = choose_documents(looked_at, num_tokens=settings.validation_tokens, seed=given.seed)
    if not documents:
        raise DataError("The validation split holds no document.", repair="Collect more documents.")
    journey = Journey(given)
    return Lesson(
        batches,
        causal,
        validate=lambda module, step: bits_per_byte(module, looked_at, documents),
        sample=given.samples,
        begin=journey.begin,
        end=journey.end,
    )
