"""A reward model: how good is an answer to a question? One number, from a head on the text's state.

Learned from pairs by the model of Bradley and Terry (1952), as Ouyang et al. 2022 do:

    loss = -log sigmoid(reward(chosen) - reward(rejected))

Only differences of rewards of one question mean anything. Legend: P pairs, B = 2P rows, T time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.core.errors import DataError
from groundup.finetune.framing import filled, frame
from groundup.finetune.heads import open_head
from groundup.finetune.prefer import Pair, row_of
from groundup.model import bundle as bundles
from groundup.tokenizer.special import PAD
from groundup.train.objectives import Loss

EQUAL = 1e-5  # rewards closer than this are the same: rounding differs with the batch
BATCH_ROWS = 16  # rows of one forward pass without gradients; taste


def batch_of(pairs: Sequence[Pair], places: Sequence[int], tokenizer: Any, config: Any) -> dict[str, Tensor]:
    """ids_BT, real_BT: all better answers, then all worse ones."""
    some = [pairs[place] for place in places]
    rows = [pair.chosen.ids for pair in some] + [pair.rejected.ids for pair in some]
    return _framed(rows, tokenizer, config)


def _framed(rows: Sequence[Sequence[int]], tokenizer: Any, config: Any) -> dict[str, Tensor]:
    laid = [frame(tokenizer, config.family, row, config.context_length)[0] for row in rows]
    ids_BT, real_BT = filled(laid, tokenizer.special.get(PAD, 0))
    return {"ids_BT": ids_BT, "real_BT": real_BT}


def bradley_terry(module: Any, batch: Mapping[str, Tensor]) -> Loss:
    """The objective; count is the number of pairs."""
    reward_B = module(batch["ids_BT"], batch["real_BT"])[:, 0]
    margin_P = reward_B[: len(reward_B) // 2] - reward_B[len(reward_B) // 2 :]
    right = float((margin_P.detach() > 0).float().mean())
    return Loss(-F.logsigmoid(margin_P).sum(), len(margin_P), {"preferred": right})


@torch.no_grad()
def rewards_of(module: Any, rows: Sequence[Sequence[int]], tokenizer: Any, config: Any) -> np.ndarray:
    """(rows,) float64."""
    device = next(module.parameters()).device
    found: list[float] = []
    for start in range(0, len(rows), BATCH_ROWS):
        batch = _framed(rows[start : start + BATCH_ROWS], tokenizer, config)
        found += module(batch["ids_BT"].to(device), batch["real_BT"].to(device))[:, 0].cpu().tolist()
    return np.array(found)


def look(module: Any, pairs: Sequence[Pair], tokenizer: Any, config: Any) -> dict[str, float]:
    """Held-out pairs: how often the better answer gets the higher reward, and the loss."""
    chosen_P = rewards_of(module, [pair.chosen.ids for pair in pairs], tokenizer, config)
    rejected_P = rewards_of(module, [pair.rejected.ids for pair in pairs], tokenizer, config)
    margin_P = chosen_P - rejected_P
    return {
        "preferred": float((margin_P > 0).mean()),
        "margin": float(margin_P.mean()),
        "preference_loss": float(np.logaddexp(0.0, -margin_P).mean()),
    }


class RewardModel:
    """A tuned reward model, ready to use: `RewardModel.load(folder).reward(messages, answers)`."""

    def __init__(self, bundle: bundles.Bundle) -> None:
        self._bundle = bundle
        self._headed, _ = open_head(bundle, "reward")

    @classmethod
    def load(cls, folder: Path | str, device: str = "auto") -> RewardModel:
        """Open a reward model's folder. ArtifactError when it holds none."""
        return cls(bundles.load(Path(folder), device=device))

    def reward(self, messages: Sequence[dict[str, Any]], answers: Sequence[str]) -> np.ndarray:
        """One number per answer to the conversation, higher is better; DataError when there is no question."""
        if not messages:
            raise DataError("A reward is for an answer to something: the conversation has no turns.")
        rows = [row_of(self._bundle.tokenizer, messages, answer).ids for answer in answers]
        return rewards_of(self._headed, rows, self._bundle.tokenizer, self._bundle.config)

    def win_rate(self, questions: Sequence[Sequence[dict[str, Any]]], a: Sequence[str], b: Sequence[str]) -> np.ndarray:
        """(questions,) 1.0 where the answer in `a` gets more than the one in `b`, 0.5 where they are equal, else 0."""
        found = [self.reward(messages, [one, other]) for messages, one, other in zip(questions, a, b, strict=True)]
        gaps = np.array([both[0] - both[1] for both in found])
        return np.where(np.abs(gaps) < EQUAL, 0.5, (gaps > 0).astype(float))
