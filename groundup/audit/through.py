"""From embedded prompt tokens to the log-probability of an answer, for every family: what attributions differentiate.

    gpt, custom        the answer's tokens follow the prompt
    bert               the prompt holds as many <|mask|> tokens as the answer has tokens; they are filled all at once
    encoder_decoder    the prompt is the source, the answer is written from it
    a classifier       the answer is a label's number (`label_reader`)

A family that embeds ids inside its forward pass is given other embeddings by a hook on its embedding module, so that no
family needs a second way in.

Legend: B rows, T prompt tokens, C answer tokens, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from groundup.core.errors import UsageError
from groundup.tokenizer.special import MASK, PAD

Reader = Callable[[Tensor, Sequence[int]], Tensor]  # (x_BTD, answer ids) -> log-probability (B,)


@contextmanager
def embedded(model: Any, x_BTD: Tensor) -> Iterator[Tensor]:
    """Inside, the model's embedding gives `x_BTD` for the ids (B, T) that are handed out here, whatever they say."""

    def replace(_module: Any, _inputs: Any, output: Tensor) -> Tensor:
        if output.shape != x_BTD.shape:
            raise UsageError("This model lays its tokens out in a way of its own: its words cannot be moved.")
        return x_BTD

    hook = model.embedding.register_forward_hook(replace)
    try:
        yield torch.zeros(x_BTD.shape[:2], dtype=torch.long, device=x_BTD.device)
    finally:
        hook.remove()


def reader_for(model: Any, special: dict[str, int]) -> Reader:
    """How this model's family is asked. special: the tokenizer's special tokens."""
    family = getattr(model.config, "family", "gpt")
    if family == "bert":
        return lambda x_BTD, ids: _filled(model, special[MASK], x_BTD, ids)
    if family == "encoder_decoder":
        return lambda x_BTD, ids: _written(model, special[PAD], x_BTD, ids)
    return lambda x_BTD, ids: _continued(model, x_BTD, ids)


def label_reader(headed: Any) -> Reader:
    """A classifier (`finetune.heads.Headed`): the answer is one number, of a label."""

    def read(x_BTD: Tensor, ids: Sequence[int]) -> Tensor:
        with embedded(headed.model, x_BTD) as ids_BT:
            scores_BC = headed(ids_BT, torch.ones_like(ids_BT, dtype=torch.bool))
        return scores_BC.float().log_softmax(-1)[:, ids[0]]

    return read


def _continued(model: Any, x_BTD: Tensor, ids: Sequence[int]) -> Tensor:
    B, T, _ = x_BTD.shape
    ids_C = torch.tensor(list(ids), device=x_BTD.device)
    if len(ids) > 1:
        read_CD = model.embedding.tokens.weight.detach()[ids_C[:-1]]
        x_BTD = torch.cat([x_BTD, read_CD.expand(B, -1, -1)], dim=1)
    if hasattr(model, "hidden_states"):
        hidden_BTD = model.hidden_states(x_BTD)
    else:
        with embedded(model, x_BTD) as ids_BT:
            hidden_BTD = model(ids_BT)
    return _summed(model.logits(hidden_BTD[:, T - 1 :]), ids_C)


def _written(model: Any, start_id: int, x_BTD: Tensor, ids: Sequence[int]) -> Tensor:
    ids_C = torch.tensor(list(ids), device=x_BTD.device)
    with embedded(model, x_BTD) as ids_BT:
        source_BTD = model.encode(ids_BT)
    begun_C = torch.cat([ids_C.new_tensor([start_id]), ids_C[:-1]])
    hidden_BCD = model.decode(begun_C.expand(len(x_BTD), -1), source_BTD)
    return _summed(model.logits(hidden_BCD), ids_C)


def _filled(model: Any, mask_id: int, x_BTD: Tensor, ids: Sequence[int]) -> Tensor:
    """The gaps are found by their embedding: tokens before them may have been taken out."""
    mask_D = model.embedding.tokens.weight.detach()[mask_id]
    gaps_BT = (x_BTD.detach() == mask_D).all(-1)
    if not bool((gaps_BT.sum(1) == len(ids)).all()):
        raise UsageError(
            f"The prompt holds {int(gaps_BT[0].sum())} gaps for an answer of {len(ids)} tokens.",
            repair="Write one [MASK] for each token of the answer.",
        )
    with embedded(model, x_BTD) as ids_BT:
        hidden_BTD = model(ids_BT)
    logits_BCV = model.logits(hidden_BTD)[gaps_BT].reshape(len(x_BTD), len(ids), -1)
    return _summed(logits_BCV, torch.tensor(list(ids), device=x_BTD.device))


def _summed(logits_BCV: Tensor, ids_C: Tensor) -> Tensor:
    """(B,) log-probability of the answer's tokens together."""
    log_BCV = logits_BCV.float().log_softmax(-1)
    return log_BCV.gather(-1, ids_C.expand(len(log_BCV), -1)[..., None])[..., 0].sum(1)
