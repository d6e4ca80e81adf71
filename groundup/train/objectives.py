"""Objectives: ``objective(module, batch) -> Loss``. The loop divides the summed losses of a step by the summed counts.

`causal` predicts the next token through a chunked linear + cross-entropy: logits of all positions never exist at
once, and their gradients are made chunk by chunk in the forward pass, so that backward only scales them. That is
exact, since the loss is a sum. (The idea: Hsu et al. 2024, Liger; Wijmans et al. 2024, Cut Cross-Entropy.)

B batch, T time, N = positions that count, D width, V vocabulary, C positions of one chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORE = -100  # a target that does not count (PyTorch's convention)
CHUNK_NUMBERS = 1 << 20  # logits alive at once: 4 MiB in fp32 stays in cache; the best of 2^18 ... 2^23 on 2 cores
CHUNK_TOKENS = 1024  # and never more positions than this


@dataclass(frozen=True)
class Loss:
    """loss: the SUM over what counts, differentiable, a scalar. count: how many there are. parts: numbers to log."""

    loss: Tensor
    count: int
    parts: Mapping[str, float] = field(default_factory=dict)


Objective = Callable[[Any, Mapping[str, Tensor]], Loss]


def causal(module: Any, batch: Mapping[str, Tensor]) -> Loss:
    """Next-token loss in nats. batch: ids_BT, targets_BT (IGNORE: no loss), and where wanted documents_BT (packing).

    targets_BT[b, t] is the token after ids_BT[b, t]; a mask of what to learn (chat) is written into it as IGNORE.
    """
    hidden_BTD = module(batch["ids_BT"], documents_BT=batch.get("documents_BT"))
    targets = batch["targets_BT"].reshape(-1)
    hidden = hidden_BTD.reshape(-1, hidden_BTD.shape[-1])
    counted = targets != IGNORE
    count = int(counted.sum())
    if count < targets.numel():  # positions without a target cost nothing
        places = counted.nonzero().squeeze(1)
        hidden, targets = hidden.index_select(0, places), targets.index_select(0, places)
    return Loss(chunked_cross_entropy(hidden, module.output_weight, targets), count)


def chunked_cross_entropy(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """sum over n of -log softmax(hidden[n] @ weight.T)[targets[n]], a scalar with gradients to hidden and weight."""
    return _ChunkedCrossEntropy.apply(hidden_ND, weight_VD, targets_N)


def plain_cross_entropy(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """The slow, obvious twin of `chunked_cross_entropy`."""
    return F.cross_entropy(hidden_ND @ weight_VD.T, targets_N, reduction="sum")


@torch.no_grad()
def token_losses(module: Any, ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
    """Loss of every position (B, T) in nats, 0 where the target is IGNORE; chunked, without gradients."""
    hidden = module(ids_BT).reshape(ids_BT.numel(), -1)
    targets, losses = targets_BT.reshape(-1), []
    size = chunk_size(module.output_weight.shape[0])
    for hidden_CD, targets_C in zip(hidden.split(size), targets.split(size), strict=True):
        logits_CV = F.linear(hidden_CD, module.output_weight.to(hidden_CD.dtype)).float()
        losses.append(F.cross_entropy(logits_CV, targets_C, reduction="none", ignore_index=IGNORE))
    return torch.cat(losses).view(targets_BT.shape)


def chunk_size(vocabulary_size: int) -> int:
    """How many positions' logits to hold at once."""
    return max(16, min(CHUNK_TOKENS, CHUNK_NUMBERS // vocabulary_size))


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
        kind = hidden_ND.device.type
        compute = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight_VD.dtype
        with torch.autocast(kind, enabled=False):
            weight = weight_VD.to(compute)
            needs_hidden, needs_weight = ctx.needs_input_grad[:2]
            grad_ND = torch.empty_like(hidden_ND) if needs_hidden else None
            grad_VD = torch.zeros_like(weight_VD) if needs_weight else None
            total = torch.zeros(
                (), dtype=torch.float64 if weight_VD.dtype == torch.float64 else torch.float32, device=hidden_ND.device
            )
            size = chunk_size(weight.shape[0])
            for start in range(0, hidden_ND.shape[0], size):
                hidden_CD = hidden_ND[start : start + size].to(compute)
                targets_C1 = targets_N[start : start + size].unsqueeze(1)
                logits_CV = (hidden_CD @ weight.T).to(total.dtype)
                highest_C1 = logits_CV.amax(1, keepdim=True)
                right_C1 = logits_CV.gather(1, targets_C1) - highest_C1
                # One buffer all the way: logits -> exp(logits - max) -> probabilities -> gradient.
                probabilities_CV = logits_CV.sub_(highest_C1).exp_()
                sum_C1 = probabilities_CV.sum(1, keepdim=True)
                total += (sum_C1.log() - right_C1).sum()
                if grad_ND is None and grad_VD is None:
                    continue
                probabilities_CV.div_(sum_C1).scatter_add_(1, targets_C1, torch.full_like(right_C1, -1.0))
                grad_CV = probabilities_CV.to(compute)
                if grad_ND is not None:
                    grad_ND[start : start + size] = grad_CV @ weight
                if grad_VD is not None:
                    if grad_VD.dtype == compute:
                        grad_VD.addmm_(grad_CV.T, hidden_CD)
                    else:
                        grad_VD += grad_CV.T @ hidden_CD
        ctx.save_for_backward(grad_ND, grad_VD)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        grad_ND, grad_VD = ctx.saved_tensors
        scale = grad.to(grad_ND.dtype if grad_ND is not None else grad.dtype)
        return (
            grad_ND * scale if grad_ND is not None else None,
            grad_VD * grad if grad_VD is not None else None,
            None,
        )
