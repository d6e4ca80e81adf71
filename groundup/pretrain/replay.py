"""Going on from a model that has learned already: what it learned from is shown again, so that it is not forgotten.

    [pretrain]
    start  = "runs/old"                                   # a model, or a run: learning goes on from its weights
    replay = { from = "runs/old", share = 0.1 }           # a share of the rows is of the old text

Ibrahim et al. 2024: with the rate warmed up and decayed again, replay of 5 % keeps the old loss where the new text is
near the old one; of 25 to 50 % where it is far (another language). Old rows come from the tokens of a run with the same
tokenizer; its validation split tells what was forgotten (`replayed_bits_per_byte`).

B batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from groundup.core.errors import ArtifactError, RecipeError
from groundup.pretrain.batches import PackedBatches, batch_of
from groundup.tokenizer.shards import TokenShards

TOKENS = ("3_tokenizer/tokens", "tokens", "")  # where a run, a stage's folder, or a folder of tokens has them


class WithReplay:
    """Batches of new rows and, spread evenly, `share` old ones. The place is both places, and how many batches went by."""

    def __init__(self, new: PackedBatches, old: PackedBatches, share: float) -> None:
        self.new, self.old, self.share, self.count = new, old, share, 0

    def next(self) -> dict[str, Tensor]:
        """As PackedBatches.next; the old rows stand last."""
        size = self.new.batch_size
        shown, now = (int(count * size * self.share) for count in (self.count, self.count + 1))
        self.count += 1
        rows = [*self.new.next_texts(size - (now - shown)), *self.old.next_texts(now - shown)]
        return batch_of(rows, self.new.context_length, self.new.document_mask)

    def state(self) -> dict[str, Any]:
        """The place in both texts: plain numbers."""
        return {"new": self.new.state(), "old": self.old.state(), "count": self.count}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go to a place `state` named. DataError when it is of other tokens."""
        self.new.restore(state["new"])
        self.old.restore(state["old"])
        self.count = state["count"]


def open_old(folder: Path, split: str, vocabulary_size: int) -> TokenShards:
    """The tokens of an earlier run. ArtifactError when there are none, or of another tokenizer."""
    place = next((folder / name for name in TOKENS if (folder / name / "tokens.json").is_file()), None)
    if place is None:
        raise ArtifactError(
            f"pretrain.replay reads {folder}, which holds no tokens.",
            repair="Name a run that has its stage 3_tokenizer.",
        )
    shards = TokenShards.open(place, split)
    if shards.vocabulary_size != vocabulary_size:
        raise ArtifactError(
            f"pretrain.replay: {folder} has a vocabulary of {shards.vocabulary_size:,}, the model one of "
            f"{vocabulary_size:,}.",
            repair="Replay text that the model's own tokenizer made into tokens.",
        )
    return shards


def demand_same_tokenizer(run: Any, model: Any, folder: Path) -> None:
    """RecipeError when a run's tokenizer is not that of the model it starts from (None: the model brings none)."""
    if model is None:
        return
    same = run.vocabulary_size == model.vocabulary_size and run.special == model.special
    if not same or any(run.token_bytes(token) != model.token_bytes(token) for token in range(run.vocabulary_size)):
        raise RecipeError(
            f"pretrain.start = {folder} has another tokenizer than this run, so its weights would mean nothing.",
            repair="Leave the table [tokenizer] out: the run then takes the model's own.",
        )
