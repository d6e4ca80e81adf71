"""Learning from preferences: of two answers to one question, one is better.

Direct Preference Optimization (Rafailov et al. 2023) needs no reward model: the model's own log-probability against
that of the model it started from (the reference) is the reward,

    loss = -log sigmoid(beta * ((log p(chosen) - log p_ref(chosen)) - (log p(rejected) - log p_ref(rejected))))

A pair is an example of the task "prefer": messages up to the question, choices [better, worse]. The reference's numbers
are computed once, before the first step, so no second model is held while training. Options: `smoothing`, the share of
pairs taken to be the wrong way round (conservative DPO, Mitchell 2023); `chosen_weight`, that much of the plain loss on
the better answer beside it, which keeps its probability from falling (Pang et al. 2024).

Legend: P pairs, B = 2P rows (all chosen, then all rejected), T inputs of a row, N places that count, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.core.example import Example
from groundup.finetune.framing import padded
from groundup.tokenizer.chat import render
from groundup.train.objectives import IGNORE, Loss, softcap_of

BATCH_PAIRS = 8  # pairs of one forward pass without gradients; taste
CHUNK_PLACES = 512  # places whose logits exist at once when nothing is learned; taste


def with_thumbs(examples: Sequence[Example]) -> list[Example]:
    """The examples, and a pair for every answer with a thumb up and one with a thumb down to the same question."""
    by_question: dict[str, dict[str, list[Example]]] = {}
    for example in examples:
        if example.meta.get("thumb"):
            kinds = by_question.setdefault(str(example.messages[:-1]), {})
            kinds.setdefault(str(example.meta["thumb"]), []).append(example)
    pairs = [
        Example(
            "prefer",
            up.document_id,
            up.messages[:-1],
            choices=[str(up.messages[-1]["content"]), str(down.messages[-1]["content"])],
            label="0",
            source=up.source,
        )
        for kinds in by_question.values()
        for up in kinds.get("up", [])
        for down in kinds.get("down", [])
    ]
    return [*examples, *pairs]


@dataclass(frozen=True)
class Row:
    """One answer to its question. ids: question and answer; answer_from: the first place that belongs to the answer."""

    ids: list[int]
    answer_from: int


@dataclass(frozen=True)
class Pair:
    """The better and the worse answer to one question."""

    chosen: Row
    rejected: Row


def is_pair(example: Example) -> bool:
    """Whether an example holds a question and two different answers, the better first."""
    two = len(example.choices) == 2 and all(one.strip() for one in example.choices)
    asked = bool(example.messages) and example.messages[-1].get("role") != "assistant"
    return example.task == "prefer" and asked and two and example.choices[0] != example.choices[1]


def row_of(tokenizer: Any, messages: Sequence[dict[str, Any]], answer: str, tools: Any = None) -> Row:
    """A question and one answer, by the chat template."""
    asked = render(tokenizer, messages, tools=tools, add_generation_prompt=True).ids
    whole = render(tokenizer, [*messages, {"role": "assistant", "content": answer}], tools=tools).ids
    return Row(list(whole), len(asked))


def pair_of(tokenizer: Any, example: Example) -> Pair:
    """Both rows of a pair."""
    better, worse = (row_of(tokenizer, example.messages, one, example.meta.get("tools")) for one in example.choices)
    return Pair(better, worse)


def rows_batch(rows: Sequence[Row], pad_id: int) -> dict[str, Tensor]:
    """ids_BT and targets_BT: the token to the right where it belongs to the answer, else IGNORE."""
    ids_BL = padded([row.ids for row in rows], pad_id)
    targets_BT = torch.full((len(rows), ids_BL.shape[1] - 1), IGNORE, dtype=torch.int64)
    for number, row in enumerate(rows):
        targets_BT[number, row.answer_from - 1 : len(row.ids) - 1] = ids_BL[number, row.answer_from : len(row.ids)]
    return {"ids_BT": ids_BL[:, :-1].contiguous(), "targets_BT": targets_BT}


def answer_logprobs(module: Any, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """log p of every answer's tokens, flat (N,), and the row each belongs to (N,). With gradients where they are on."""
    hidden_BTD = module(batch["ids_BT"])
    counted_BT = batch["targets_BT"] != IGNORE
    row_N = counted_BT.nonzero()[:, 0]
    hidden_ND, targets_N = hidden_BTD[counted_BT], batch["targets_BT"][counted_BT]
    weight, cap = module.output_weight, softcap_of(module)
    size = len(targets_N) if torch.is_grad_enabled() else CHUNK_PLACES
    found = []
    for hidden_CD, targets_C in zip(hidden_ND.split(max(1, size)), targets_N.split(max(1, size)), strict=True):
        logits_CV = F.linear(hidden_CD, weight.to(hidden_CD.dtype)).float()
        if cap:
            logits_CV = cap * torch.tanh(logits_CV / cap)
        found.append(-F.cross_entropy(logits_CV, targets_C, reduction="none"))
    return torch.cat(found) if found else hidden_ND.new_zeros(0), row_N


def summed(values_N: Tensor, row_N: Tensor, num_rows: int) -> Tensor:
    """(B,): the sum of each row's values."""
    return values_N.new_zeros(num_rows).index_add(0, row_N, values_N)


@torch.no_grad()
def reference_logprobs(module: Any, pairs: Sequence[Pair], pad_id: int) -> Tensor:
    """(P, 2): the log-probability of each better and worse answer under the module as it is now."""
    module.eval()
    device = next(module.parameters()).device
    found = []
    for start in range(0, len(pairs), BATCH_PAIRS):
        some = pairs[start : start + BATCH_PAIRS]
        rows = [*(pair.chosen for pair in some), *(pair.rejected for pair in some)]
        batch = {name: tensor.to(device) for name, tensor in rows_batch(rows, pad_id).items()}
        total_B = summed(*answer_logprobs(module, batch), len(rows))
        found.append(total_B.view(2, -1).T.cpu())
    return torch.cat(found) if found else torch.zeros(0, 2)


def batch_of(pairs: Sequence[Pair], reference_P2: Tensor, places: Sequence[int], pad_id: int) -> dict[str, Tensor]:
    """ids_BT, targets_BT, reference_B for the pairs at `places`."""
    some = [pairs[place] for place in places]
    rows = [*(pair.chosen for pair in some), *(pair.rejected for pair in some)]
    return {**rows_batch(rows, pad_id), "reference_B": reference_P2[list(places)].T.reshape(-1)}


@dataclass(frozen=True)
class DirectPreference:
    """The objective. count is the number of pairs."""

    beta: float
    smoothing: float = 0.0
    chosen_weight: float = 0.0

    def __call__(self, module: Any, batch: Mapping[str, Tensor]) -> Loss:
        logprob_N, row_N = answer_logprobs(module, batch)
        num_pairs = len(batch["ids_BT"]) // 2
        gained_B = summed(logprob_N, row_N, 2 * num_pairs) - batch["reference_B"]
        margin_P = self.beta * (gained_B[:num_pairs] - gained_B[num_pairs:])
        loss_P = -(1 - self.smoothing) * F.logsigmoid(margin_P) - self.smoothing * F.logsigmoid(-margin_P)
        loss = loss_P.sum()
        if self.chosen_weight:
            chosen_N = row_N < num_pairs
            loss = loss - self.chosen_weight * num_pairs * logprob_N[chosen_N].mean()
        right = float((margin_P.detach() > 0).float().mean())
        return Loss(loss, num_pairs, {"preferred": right, "margin": float(margin_P.detach().mean())})


@torch.no_grad()
def look(module: Any, pairs: Sequence[Pair], reference_P2: Tensor, beta: float, pad_id: int) -> dict[str, float]:
    """Held-out pairs: how often the reward prefers the better answer, by how much, and what the better ones gained."""
    gained_P2 = reference_logprobs(module, pairs, pad_id) - reference_P2
    margin_P = beta * (gained_P2[:, 0] - gained_P2[:, 1])
    return {
        "preferred": float((margin_P > 0).float().mean()),
        "margin": float(margin_P.mean()),
        "chosen_gain": float(gained_P2[:, 0].mean()),
        "preference_loss": float(-F.logsigmoid(margin_P).mean()),
    }
