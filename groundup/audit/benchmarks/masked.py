"""How likely a masked model finds what two sentences share (Nangia et al. 2020, section 4; after Salazar et al. 2020).

The tokens that both sentences have in common are masked one at a time, in either sentence, and the log-probabilities
of the true ones are summed: how much does each group's name make the rest of the sentence expected?

Legend: B rows (one masked place each), T time.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

import torch

from groundup.tokenizer.special import CLS, MASK, SEP

ROWS = 64  # rows of one forward pass; taste


def shared_log_likelihoods(bundle: Any, first: Sequence[str], second: Sequence[str]) -> tuple[list[float], list[float]]:
    """For each pair of sentences the summed log-probability of their shared tokens, in the first and in the second."""
    encode = bundle.tokenizer.encode
    sums: tuple[list[float], list[float]] = ([], [])
    for one, other in zip(first, second, strict=True):
        a, b = encode(one), encode(other)
        places = shared_places(a, b)
        sums[0].append(masked_sum(bundle, a, [place for place, _ in places]))
        sums[1].append(masked_sum(bundle, b, [place for _, place in places]))
    return sums


def shared_places(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """(place in a, place in b) of the tokens that both have, in order (the alignment of the published code)."""
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]


@torch.inference_mode()
def masked_sum(bundle: Any, ids: Sequence[int], places: Sequence[int]) -> float:
    """The summed log-probability of the tokens at these places, each masked alone."""
    special = bundle.tokenizer.special
    row_T = torch.tensor([special[CLS], *ids[: bundle.config.context_length - 2], special[SEP]])
    kept = [place + 1 for place in places if place + 2 < len(row_T)]  # behind <|cls|>, before <|sep|>
    device = next(bundle.model.parameters()).device
    total = 0.0
    for start in range(0, len(kept), ROWS):
        chunk = torch.tensor(kept[start : start + ROWS])
        rows_BT = row_T.repeat(len(chunk), 1)
        rows = torch.arange(len(chunk))
        true_B = rows_BT[rows, chunk].clone()
        rows_BT[rows, chunk] = special[MASK]
        hidden_BTD = bundle.model(rows_BT.to(device))
        log_BV = bundle.model.logits(hidden_BTD)[rows, chunk].float().log_softmax(-1)
        total += float(log_BV[rows, true_B.to(device)].double().sum())
    return total
