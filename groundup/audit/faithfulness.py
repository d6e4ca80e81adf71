"""Is an attribution true of the model? Take away what it calls important, and see (DeYoung et al. 2020, ERASER).

    comprehensiveness = p(y|x) - p(y|x without the top tokens)     high is good: they were needed
    sufficiency       = p(y|x) - p(y|only the top tokens)          low is good: they were enough
    AOPC              = mean over the top 1, 5, 10, 20 and 50 %

Both stand beside the same for random orders of the same tokens: only what beats chance says something. Two ways to take a
token away, since the way can decide the winner: `delete` (the text closes up) and `blank` (its embedding becomes the
mean of the vocabulary). p(y|x) is the target's probability, or its share against the contrast.

Legend: B rows, T prompt tokens, D width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from groundup.audit.attribution import ROWS, Attribution, Explained
from groundup.core.randomness import numpy_random

SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)  # DeYoung et al. 2020, section 4.2
RANDOM_ORDERS = 20  # taste: the mean of chance to about a fifth of its spread
OPERATORS = ("delete", "blank")
BEATS = 3.0  # standard errors above chance before an attribution is called faithful


@dataclass(frozen=True)
class Faithfulness:
    """One method under one operator. random_*: mean over random orders; *_spread: their standard deviation."""

    method: str
    operator: str
    comprehensiveness: float
    sufficiency: float
    random_comprehensiveness: float
    random_sufficiency: float
    comprehensiveness_spread: float
    sufficiency_spread: float

    @property
    def z(self) -> float:
        """Standard deviations of chance by which comprehensiveness lies above it; 0 where chance does not vary."""
        lead = self.comprehensiveness - self.random_comprehensiveness
        return lead / self.comprehensiveness_spread if self.comprehensiveness_spread > 1e-12 else 0.0

    @property
    def trust(self) -> str:
        """In words, for one prompt: better than chance by its standard deviations, or not."""
        if self.z >= BEATS:
            return "faithful here"
        return "somewhat better than chance" if self.z >= 1 else "no better than chance here"


def faithfulness(explained: Explained, attributions: Sequence[Attribution], seed: int = 1) -> list[Faithfulness]:
    """Every attribution under every operator, beside the same random orders."""
    movable = explained.movable_T.nonzero()[:, 0].cpu().numpy()
    rng = numpy_random(seed, "faithfulness")
    random_orders = [rng.permutation(movable) for _ in range(RANDOM_ORDERS)]
    # The tokens that speak most for the target first; a token against it is the last to be needed.
    orders = [movable[np.argsort(-one.scores_T[movable], kind="stable")] for one in attributions]
    found = []
    for operator in OPERATORS:
        comprehensive, sufficient = _curves(explained, [*orders, *random_orders], operator)
        chance_c, chance_s = comprehensive[len(orders) :], sufficient[len(orders) :]
        for place, one in enumerate(attributions):
            found.append(
                Faithfulness(
                    method=one.method,
                    operator=operator,
                    comprehensiveness=float(comprehensive[place]),
                    sufficiency=float(sufficient[place]),
                    random_comprehensiveness=float(chance_c.mean()),
                    random_sufficiency=float(chance_s.mean()),
                    comprehensiveness_spread=float(chance_c.std(ddof=1)),
                    sufficiency_spread=float(chance_s.std(ddof=1)),
                )
            )
    return found


@torch.no_grad()
def _curves(explained: Explained, orders: Sequence[np.ndarray], operator: str) -> tuple[np.ndarray, np.ndarray]:
    """(orders,) AOPC of comprehensiveness and of sufficiency. Rows of one size go through the model together."""
    whole = float(explained.probability(explained.x_TD[None])[0])
    budgets = [max(1, math.ceil(share * len(orders[0]))) for share in SHARES]
    comprehensive, sufficient = np.zeros(len(orders)), np.zeros(len(orders))
    for budget in budgets:
        without = [order[:budget] for order in orders]
        only = [order[budget:] for order in orders]
        comprehensive += whole - _probabilities(explained, without, operator)
        sufficient += whole - _probabilities(explained, only, operator)
    return comprehensive / len(budgets), sufficient / len(budgets)


def _probabilities(explained: Explained, taken: Sequence[np.ndarray], operator: str) -> np.ndarray:
    """p(y|x) with the tokens at these places taken away; all rows lose as many."""
    found: list[float] = []
    for start in range(0, len(taken), ROWS):
        rows = [_without(explained, places, operator) for places in taken[start : start + ROWS]]
        found += explained.probability(torch.stack(rows)).tolist()
    return np.array(found)


def _without(explained: Explained, places: np.ndarray, operator: str) -> Tensor:
    gone_T = torch.zeros(len(explained.x_TD), dtype=torch.bool, device=explained.device)
    gone_T[torch.as_tensor(places, device=explained.device)] = True
    if operator == "blank":
        return torch.where(gone_T[:, None], explained.baseline_TD, explained.x_TD)
    # A prompt without frame must keep something to read: its first token is blanked instead.
    if bool(gone_T.all()):
        return explained.baseline_TD[:1]
    return explained.x_TD[~gone_T]
