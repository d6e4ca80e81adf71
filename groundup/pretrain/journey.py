"""Some held-out documents, followed from the first step to the last: how surprising is each of their tokens?

journey.json   {"documents": [{document_id, source, tokens, losses_first, losses_last}]}

losses[i] belongs to tokens[i + 1]: the first token is given. They come from the test split, so that evaluation may ask
about them, and those whose text cleaning changed come first: the report shows one of them on its whole way.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from groundup.core.document import read_documents, shards_in
from groundup.core.files import read_json, write_json
from groundup.pretrain.lesson import Given
from groundup.pretrain.validate import document_losses, rows_of

FOLLOWED = 64  # enough that evaluation, which asks about a sample, meets some of them
CANDIDATES = 4000  # documents compared with their raw text; taste: a second


class Journey:
    """The followed documents and the file that tells of them."""

    def __init__(self, given: Given) -> None:
        from groundup.tokenizer.shards import TokenShards

        test = TokenShards.open(given.inputs["tokenizer"] / "tokens", "test")
        self.shards = test if len(test) else given.looked_at
        self.documents = choose(self.shards, given)
        self.path = given.output / "journey.json"

    @torch.no_grad()
    def begin(self, module: Any) -> None:
        """Losses of the untrained model, written once: a resumed run keeps those of its first start."""
        if self.path.exists():
            return
        rows = [
            {
                "document_id": self.shards.document_ids[document],
                "source": self.shards.sources[document],
                "tokens": [int(token) for token in self.shards[document]],
                "losses_first": losses,
            }
            for document, losses in zip(self.documents, self._losses(module.eval()), strict=True)
        ]
        write_json(self.path, {"documents": rows})

    @torch.no_grad()
    def end(self, module: Any) -> None:
        """Add the losses of the trained model."""
        rows = read_json(self.path)["documents"]
        told = [{**row, "losses_last": losses} for row, losses in zip(rows, self._losses(module), strict=True)]
        write_json(self.path, {"documents": told})

    def _losses(self, module: Any) -> list[list[float]]:
        found = document_losses(module, [self.shards[document] for document in self.documents])
        return [list(rows_of(losses_T)) for losses_T in found]


def choose(shards: Any, given: Given) -> list[int]:
    """Up to FOLLOWED documents that fit into the context (else the shortest one), changed by cleaning first."""
    sizes = np.diff(np.asarray(shards.borders))
    fitting = [int(document) for document in np.flatnonzero((sizes > 1) & (sizes <= given.config.context_length))]
    if not fitting:
        return [int(np.argmin(sizes))]
    changed = changed_by_cleaning(shards, fitting[:CANDIDATES], given.tokenizer, given.inputs.get("collect"))
    rest = [document for document in fitting if document not in changed]
    return sorted(([document for document in fitting if document in changed] + rest)[:FOLLOWED])


def changed_by_cleaning(shards: Any, documents: Sequence[int], tokenizer: Any, collect: Path | None) -> set[int]:
    """Those whose tokens say something else than the raw text. Empty where the raw documents are not at hand."""
    folder = collect / "documents" if collect is not None else None
    if folder is None or not shards_in(folder):
        return set()
    by_id = {shards.document_ids[document]: document for document in documents}
    changed = set()
    for raw in read_documents(folder):
        document = by_id.get(raw.id)
        if document is not None and tokenizer.decode([int(token) for token in shards[document][1:]]) != raw.text:
            changed.add(document)
    return changed
