"""Objectives: ``objective(module, batch) -> Loss``. The loop divides the summed losses of a step by the summed counts.

    causal            the next token                                        gpt, custom
    masked            the words that were hidden, and which text follows    bert
    Targets           the target's next token, given a source               encoder_decoder

All go through a chunked linear + cross-entropy: logits of all positions never exist at
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
# Logits alive at once, and the fewest and most positions of a chunk. Every chunk adds to the whole gradient of the output
# matrix, so many small ones cost more than a cache miss. One core, bf16, forward and backward: 2,048 positions of 384 x
# 8,192 in chunks of 128, 256, 512, 1,024: 287, 247, 227, 226 ms; 1,024 of 768 x 50,304 in 128, 256, 512: 1,578, 1,421, 1,382.
CHUNK_NUMBERS = 1 << 22
CHUNK_LEAST, CHUNK_MOST = 256, 1024


@dataclass(frozen=True)
class Loss:
    """loss: the SUM over what counts, differentiable, a scalar. count: how many there are. parts: numbers to log."""

    loss: Tensor
    count: int
    parts: Mapping[str, float] = field(default_factory=dict)


Objective = Callable[[Any, Mapping[str, Tensor]], Loss]


@dataclass(frozen=True)
class Causal:
    """Next-token loss in nats. batch: ids_BT, targets_BT (IGNORE: no loss), and where wanted documents_BT (packing).

    targets_BT[b, t] is the token after ids_BT[b, t]; a mask of what to learn (chat) is written into it as IGNORE. Where
    there are weights_BT, each token's loss counts so many times; they are 1 in the mean over the data.
    z_loss: weight of (log of the sum of exp(logits))^2 for each token, which keeps logits from drifting away.
    """

    z_loss: float = 0.0

    def __call__(self, module: Any, batch: Mapping[str, Tensor]) -> Loss:
        hidden_BTD = module(batch["ids_BT"], documents_BT=batch.get("documents_BT"))
        targets = batch["targets_BT"].reshape(-1)
        hidden = hidden_BTD.reshape(-1, hidden_BTD.shape[-1])
        weights = batch.get("weights_BT")
        if weights is not None:
            weights = weights.reshape(-1)[targets != IGNORE]
        hidden, targets, count = _counted(hidden, targets)
        how = {"softcap": softcap_of(module), "z_loss": self.z_loss}
        loss = chunked_cross_entropy(hidden, module.output_weight, targets, weights_N=weights, **how)
        extra = module.auxiliary_loss() if hasattr(module, "auxiliary_loss") else None
        if extra is None or not count:
            return Loss(loss, count)
        return Loss(loss + count * extra, count, {"auxiliary_loss": float(extra.detach())})


causal = Causal()  # as nearly everybody wants it


def masked(module: Any, batch: Mapping[str, Tensor]) -> Loss:
    """Masked-word loss in nats. batch: ids_BT (masks in them), targets_BT (IGNORE but at hidden places), and where there
    are any real_BT (False: filled up), documents_BT (packing), segments_BT and follows_B (0: the second text follows the
    first; 1: it does not).

    The next-sentence loss is a mean over rows, added to the mean over hidden words (Devlin et al. 2019, appendix A.2).
    """
    given = {name: batch[name] for name in ("real_BT", "segments_BT", "documents_BT") if name in batch}
    hidden_BTD = module(batch["ids_BT"], **given)
    hidden, targets, count = _counted(hidden_BTD.flatten(0, 1), batch["targets_BT"].reshape(-1))
    # A bias of the output is one more input that is always 1.
    states = module.head_states(hidden)
    states = torch.cat((states, states.new_ones(len(states), 1)), 1)
    weight = torch.cat((module.output_weight, module.output_bias.unsqueeze(1)), 1)
    loss = chunked_cross_entropy(states, weight, targets)
    if "follows_B" not in batch:
        return Loss(loss, count)
    follows = F.cross_entropy(module.follows(hidden_BTD).float(), batch["follows_B"])
    parts = {"masked_loss": float(loss.detach()) / max(1, count), "next_sentence_loss": float(follows.detach())}
    return Loss(loss + count * follows, count, parts)


@dataclass(frozen=True)
class Targets:
    """Next-token loss of a target given its source. batch: source_BS, source_real_BS, ids_BT (start token first),
    targets_BT (IGNORE where filled up). smoothing: share of the probability given to all words alike."""

    smoothing: float = 0.0

    def __call__(self, module: Any, batch: Mapping[str, Tensor]) -> Loss:
        hidden_BTD = module(batch["ids_BT"], source_BS=batch["source_BS"], source_real_BS=batch.get("source_real_BS"))
        hidden, targets, count = _counted(hidden_BTD.flatten(0, 1), batch["targets_BT"].reshape(-1))
        return Loss(chunked_cross_entropy(hidden, module.output_weight, targets, smoothing=self.smoothing), count)


def _counted(hidden_ND: Tensor, targets_N: Tensor) -> tuple[Tensor, Tensor, int]:
    """Only the positions that have a target: the others cost nothing."""
    counted = targets_N != IGNORE
    count = int(counted.sum())
    if count < targets_N.numel():
        places = counted.nonzero().squeeze(1)
        hidden_ND, targets_N = hidden_ND.index_select(0, places), targets_N.index_select(0, places)
    return hidden_ND, targets_N, count


def softcap_of(module: Any) -> float:
    """The module's cap on its logits; 0: none."""
    return float(getattr(getattr(module, "config", None), "logit_softcap", 0.0))


def chunked_cross_entropy(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    targets_N: Tensor,
    *,
    weights_N: Tensor | None = None,
    softcap: float = 0.0,
    smoothing: float = 0.0,
    z_loss: float = 0.0,
) -> Tensor:
    """sum over n of -log softmax(hidden[n] @ weight.T)[targets[n]], a scalar with gradients to hidden and weight.

    softcap: logits are softcap tanh(logits / softcap). smoothing: (1 - smoothing) of the above + smoothing times the mean
    of -log softmax over the vocabulary (Szegedy et al. 2016; Vaswani et al. 2017, section 5.4). z_loss: this many times
    the square of the logarithm that softmax divides by is added (Chowdhery et al. 2022, PaLM: 1e-4; OLMo: 1e-5).
    weights_N: how many times each term counts; None: once.
    """
    return _ChunkedCrossEntropy.apply(hidden_ND, weight_VD, targets_N, weights_N, softcap, smoothing, z_loss)


def plain_cross_entropy(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    targets_N: Tensor,
    *,
    softcap: float = 0.0,
    smoothing: float = 0.0,
    z_loss: float = 0.0,
) -> Tensor:
    """The slow, obvious twin of `chunked_cross_entropy`."""
    logits_NV = hidden_ND @ weight_VD.T
    if softcap:
        logits_NV = softcap * torch.tanh(logits_NV / softcap)
    loss = F.cross_entropy(logits_NV, targets_N, reduction="sum", label_smoothing=smoothing)
    return loss + z_loss * logits_NV.logsumexp(-1).square().sum() if z_loss else loss


@torch.no_grad()
def token_losses(module: Any, ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
    """Loss of every position (B, T) in nats, 0 where the target is IGNORE; chunked, without gradients."""
    hidden = module(ids_BT).reshape(ids_BT.numel(), -1)
    targets, losses = targets_BT.reshape(-1), []
    size, cap = chunk_size(module.output_weight.shape[0]), softcap_of(module)
    for hidden_CD, targets_C in zip(hidden.split(size), targets.split(size), strict=True):
        logits_CV = F.linear(hidden_CD, module.output_weight.to(hidden_CD.dtype)).float()
        if cap:
            logits_CV = cap * torch.tanh(logits_CV / cap)
        losses.append(F.cross_entropy(logits_CV, targets_C, reduction="none", ignore_index=IGNORE))
    return torch.cat(losses).view(targets_BT.shape)


def chunk_size(vocabulary_size: int) -> int:
    """How many positions' logits to hold at once."""
    return max(CHUNK_LEAST, min(CHUNK_MOST, CHUNK_NUMBERS // vocabulary_size))


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        targets_N: Tensor,
        weights_N: Tensor | None,
        softcap: float,
        smoothing: float,
        z_loss: float,
    ) -> Tensor:
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
                if softcap:
                    logits_CV.div_(softcap).tanh_().mul_(softcap)
                slope_CV = 1 - (logits_CV / softcap).square() if softcap else None
                highest_C1 = logits_CV.amax(1, keepdim=True)
                right_C1 = logits_CV.gather(1, targets_C1) - highest_C1
                if smoothing:  # the mean of the logits takes part in the loss
                    mean_C1 = logits_CV.mean(1, keepdim=True) - highest_C1
                    right_C1 = (1 - smoothing) * right_C1 + smoothing * mean_C1
                # The fused kernel is a fifth of exp, sum and division one after another. The highest logit's
                # probability is 1 / sum exp(logits - highest), from which the normaliser comes back.
                probabilities_CV = torch.softmax(logits_CV, 1, out=logits_CV)  # row by row: the same memory
                best_C1 = probabilities_CV.amax(1, keepdim=True).log()
                losses_C1 = -(best_C1 + right_C1)
                if z_loss:
                    losses_C1 += z_loss * (highest_C1 - best_C1).square()
                weights_C1 = None if weights_N is None else weights_N[start : start + size].unsqueeze(1)
                total += (losses_C1 if weights_C1 is None else losses_C1 * weights_C1).sum()
                if grad_ND is None and grad_VD is None:
                    continue
                if z_loss:
                    probabilities_CV.mul_(1 + 2 * z_loss * (highest_C1 - best_C1))
                probabilities_CV.scatter_add_(1, targets_C1, torch.full_like(right_C1, smoothing - 1.0))
                if smoothing:
                    probabilities_CV.sub_(smoothing / weight.shape[0])
                if slope_CV is not None:
                    probabilities_CV.mul_(slope_CV)
                if weights_C1 is not None:
                    probabilities_CV.mul_(weights_C1)
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
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None, None, None]:
        grad_ND, grad_VD = ctx.saved_tensors
        if grad.device.type == "cpu" and grad == 1:  # backward() of the sum itself: a pass over both for nothing
            return grad_ND, grad_VD, None, None, None, None, None
        scaled_ND = None if grad_ND is None else grad_ND * grad.to(grad_ND.dtype)
        return scaled_ND, None if grad_VD is None else grad_VD * grad, None, None, None, None, None
