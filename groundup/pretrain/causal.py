"""Predict the next token: packed rows, bits per byte, and one held-out document's journey from first to last step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from groundup.core.errors import DataError
from groundup.core.files import read_json, write_json
from groundup.pretrain.batches import PackedBatches
from groundup.pretrain.lesson import Given, Lesson
from groundup.pretrain.validate import bits_per_byte, choose_documents, document_losses, journey_document, rows_of
from groundup.train.objectives import causal


def lesson(given: Given) -> Lesson:
    """See the module. Raises DataError when there is nothing to validate on."""
    settings, looked_at = given.settings, given.looked_at
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
    followed = journey_document(looked_at, documents, context_length=given.config.context_length)
    journey = given.output / "journey.json"
    return Lesson(
        batches,
        causal,
        validate=lambda module, step: bits_per_byte(module, looked_at, documents),
        sample=given.samples,
        begin=lambda module: _begin_journey(journey, module, looked_at, followed),
        end=lambda module: _end_journey(journey, module, looked_at, followed),
    )


@torch.no_grad()
def _begin_journey(path: Path, module: Any, shards: Any, document: int) -> None:
    """Losses of the untrained model, written once: a resumed run keeps those of its first start."""
    if path.exists():
        return
    ids = shards[document]
    losses = document_losses(module.eval(), [ids])[0]
    write_json(
        path,
        {
            "document_id": shards.document_ids[document],
            "source": shards.sources[document],
            "tokens": [int(token) for token in ids],
            "losses_first": list(rows_of(losses)),
        },
    )


@torch.no_grad()
def _end_journey(path: Path, module: Any, shards: Any, document: int) -> None:
    """Add the losses of the trained model. losses[i] belongs to tokens[i + 1]: the first token is given."""
    losses = document_losses(module, [shards[document]])[0]
    write_json(path, {**read_json(path), "losses_last": list(rows_of(losses))})
