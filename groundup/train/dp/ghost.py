"""Norms of every row's own gradient, without making those gradients ("ghost norms"), and their weighted sum.

One forward and one backward pass that makes gradients of activations only; every layer notes what came in (a) and the
gradient of what went out (g). From these, for row b of a batch:

    linear      |sum_t g_t a_t^T|^2 = sum_ts (a_t . a_s)(g_t . g_s), or the product itself where that is cheaper
                (Goodfellow 2015; Li et al. 2022, ghost clipping)
    bias        |sum_t g_t|^2               norms       |sum_t g_t * normed_t|^2
    embedding   sum over t, s with the same id of g_t . g_s
    tied        |E + O|^2 = |E|^2 + |O|^2 + 2 <E, O>: both uses of the matrix are added up before the norm is taken
    LoRA        W x + s B (A x): B as a linear layer of A x with s g, A of x with s B^T g

When the factors c_b are known, gradients are sum_b c_b g a^T, from the same notes (book-keeping, Bu et al. 2023): no
second backward pass. Only the output's logits are computed twice, since keeping them would cost more than all the rest.

B rows, T time, D width, I inputs, O outputs, V vocabulary, R rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.layers.norm import RMSNorm
from groundup.train.objectives import IGNORE, chunk_size, softcap_of


@dataclass
class Note:
    """What one layer saw in one pass: `kind` of layer, its inputs a_BTI (or ids_BT) and the gradients g_BTO."""

    kind: str
    layer: Any
    a: Tensor
    g: Tensor


@dataclass
class Pass:
    """One batch: losses and squared norms by row, and the notes to make gradients of."""

    losses_B: Tensor
    squares_B: Tensor
    count: int
    made: list[Tensor]  # gradients of the output matrix by row, where they were cheap to keep
    notes: list[Note] = field(default_factory=list)
    hidden_BTD: Tensor | None = None
    targets_BT: Tensor | None = None


class Ghost:
    """Ghost norms for the next-token loss of a model made of the layers named above. A row's loss is the mean over its
    own tokens that count: what it is depends on no other row."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.learning = {id(p): p for p in module.parameters() if p.requires_grad}
        self.layers = [(kind, layer) for layer in module.modules() if (kind := _kind(layer)) is not None]

    def fits(self) -> bool:
        """Whether every weight that learns is in a layer we know. Experts see the rows mixed, and relative positions
        are looked up once for all: they are none."""
        known = {id(p) for _, layer in self.layers for p in layer.parameters(recurse=False)}
        known.add(id(self.module.output_weight))
        config = self.module.config
        return set(self.learning) <= known and not config.num_experts and config.position != "relative"

    def look(self, batch: Mapping[str, Tensor]) -> Pass:
        """Losses and squared gradient norms of every row; batch as for `objectives.causal`."""
        notes: list[Note] = []
        handles = [
            layer.register_forward_hook(_watch(kind, notes, len(batch["ids_BT"]))) for kind, layer in self.layers
        ]
        for parameter in self.learning.values():  # so that backward makes gradients of activations only
            parameter.requires_grad_(False)
        try:
            hidden_BTD = self.module(batch["ids_BT"], documents_BT=batch.get("documents_BT"))
            seen = self._head(hidden_BTD, batch)
            hidden_BTD.backward(seen.pop("grad_BTD"))
        finally:
            for handle in handles:
                handle.remove()
            for parameter in self.learning.values():
                parameter.requires_grad_(True)
        result: Pass = seen.pop("result")
        result.notes = [note for note in notes if note.g.numel()]
        for note in result.notes:
            result.squares_B += self._squares(note, seen)
        return result

    @torch.no_grad()
    def add_gradients(self, seen: Pass, factors_B: Tensor) -> None:
        """Add sum_b factors_b (gradient of row b) to the parameters' .grad."""
        for note in seen.notes:
            g = note.g * factors_B.view(-1, *[1] * (note.g.dim() - 1))
            for parameter, gradient in self._gradients(note, g):
                _add(parameter, gradient)
        if id(self.module.output_weight) in self.learning:
            _add(self.module.output_weight, self._head_gradient(seen, factors_B))

    # ---- the output matrix

    @torch.no_grad()
    def _head(self, hidden_BTD: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Any]:
        """Losses, the gradient of the hidden states, and (where the output learns) what its norms need."""
        weight_VD, targets_BT = self.module.output_weight, batch["targets_BT"]
        learns = id(weight_VD) in self.learning
        B, T, D = hidden_BTD.shape
        losses_B = hidden_BTD.new_zeros(B, dtype=torch.float32)
        squares_B = torch.zeros_like(losses_B)
        grad_BTD = torch.empty_like(hidden_BTD)
        made: list[Tensor] = []  # the output's gradient of each row
        columns = []  # O_b[ids_bt]: the rows of the output's gradient that the embedding touches too
        for b in range(B):
            slope_TV, loss = self._slope(hidden_BTD[b], targets_BT[b])
            length = float((targets_BT[b] != IGNORE).sum().clamp_min(1))
            losses_B[b] = loss / length
            slope_TV /= length
            grad_BTD[b] = slope_TV @ weight_VD
            if learns:
                hidden_TD = hidden_BTD[b].float()
                if T < D:  # sum_ts (h_t . h_s)(g_t . g_s)
                    gram_TT = hidden_TD @ hidden_TD.T
                    squares_B[b] = ((slope_TV @ slope_TV.T) * gram_TT).sum()
                    columns.append(slope_TV[:, batch["ids_BT"][b]].T @ hidden_TD)
                else:
                    made_VD = slope_TV.T @ hidden_TD  # smaller than the row's logits: worth keeping
                    squares_B[b] = made_VD.square().sum()
                    columns.append(made_VD[batch["ids_BT"][b]])
                    made.append(made_VD)
        count = int((targets_BT != IGNORE).sum())
        result = Pass(losses_B, squares_B, count, made, hidden_BTD=hidden_BTD.detach(), targets_BT=targets_BT)
        return {"grad_BTD": grad_BTD, "result": result, "columns_BTD": torch.stack(columns) if columns else None}

    def _slope(self, hidden_TD: Tensor, targets_T: Tensor) -> tuple[Tensor, Tensor]:
        """(gradient of a row's summed loss at its logits (T, V), that loss)."""
        logits_TV = F.linear(hidden_TD, self.module.output_weight).float()
        cap = softcap_of(self.module)
        if cap:
            logits_TV = cap * torch.tanh(logits_TV / cap)
        counts_T1 = (targets_T != IGNORE).unsqueeze(1)
        places_T1 = targets_T.clamp_min(0).unsqueeze(1)
        log_T1 = logits_TV.logsumexp(1, keepdim=True)
        loss = ((log_T1 - logits_TV.gather(1, places_T1)) * counts_T1).sum()
        bend_TV = 1 - (logits_TV / cap).square() if cap else None
        slope_TV = logits_TV.sub_(log_T1).exp_()
        slope_TV.scatter_add_(1, places_T1, -torch.ones_like(log_T1)).mul_(counts_T1)
        return (slope_TV.mul_(bend_TV) if bend_TV is not None else slope_TV), loss

    def _head_gradient(self, seen: Pass, factors_B: Tensor) -> Tensor:
        assert seen.hidden_BTD is not None and seen.targets_BT is not None
        weight_VD = self.module.output_weight
        total_VD = torch.zeros_like(weight_VD, dtype=torch.float32)
        if seen.made:
            for made_VD, factor in zip(seen.made, factors_B.tolist(), strict=True):
                total_VD.add_(made_VD, alpha=factor)
            return total_VD
        lengths_B = (seen.targets_BT != IGNORE).sum(1).clamp_min(1)
        factors_N = (factors_B / lengths_B).repeat_interleave(seen.targets_BT.shape[1])
        hidden_ND, targets_N = seen.hidden_BTD.flatten(0, 1), seen.targets_BT.flatten()
        size = chunk_size(weight_VD.shape[0])
        for hidden, targets, factors in zip(
            hidden_ND.split(size), targets_N.split(size), factors_N.split(size), strict=True
        ):
            slope_CV, _ = self._slope(hidden, targets)
            total_VD.addmm_(slope_CV.mul_(factors.unsqueeze(1)).T, hidden.float())
        return total_VD

    # ---- the other layers

    @torch.no_grad()
    def _squares(self, note: Note, seen: Mapping[str, Any]) -> Tensor:
        """Squared norms (B,) of the gradients of one note."""
        if note.kind == "embedding":
            if id(note.layer.weight) not in self.learning:
                return torch.zeros(len(note.g), device=note.g.device)
            same_BTT = (note.a.unsqueeze(2) == note.a.unsqueeze(1)).expand(len(note.g), -1, -1)
            g = note.g.flatten(2).float()
            squares_B = torch.einsum("btd,bsd,bts->b", g, g, same_BTT.to(g.dtype))
            if note.layer.weight is self.module.output_weight and seen["columns_BTD"] is not None:
                squares_B = squares_B + 2 * (g * seen["columns_BTD"]).sum((1, 2))
            return squares_B
        if note.kind == "norm":
            return sum(made.flatten(1).square().sum(1) for _, made in self._each(note))  # type: ignore[return-value]
        if note.kind == "lora":
            layer = note.layer
            inner, back = F.linear(note.a, layer.a), note.g @ layer.b * layer.scale
            return _linear_squares(inner, note.g * layer.scale) + _linear_squares(note.a, back)
        squares_B = torch.zeros(len(note.g), device=note.g.device)
        if id(note.layer.weight) in self.learning:
            squares_B = squares_B + _linear_squares(note.a, note.g)
        if note.layer.bias is not None and id(note.layer.bias) in self.learning:
            squares_B = squares_B + note.g.float().flatten(1, -2).sum(1).square().sum(1)
        return squares_B

    def _each(self, note: Note) -> list[tuple[nn.Parameter, Tensor]]:
        """(parameter, every row's gradient of it (B, D)) of a norm: small enough to be made."""
        layer, g = note.layer, note.g.float()
        x = note.a.float()
        if isinstance(layer, nn.LayerNorm):
            normed = F.layer_norm(x, layer.normalized_shape, eps=layer.eps)
        else:
            normed = F.rms_norm(x, (x.shape[-1],), eps=layer.epsilon)
        pairs = [(layer.weight, (g * normed).flatten(1, -2).sum(1))]
        if getattr(layer, "bias", None) is not None:
            pairs.append((layer.bias, g.flatten(1, -2).sum(1)))
        return [(parameter, made) for parameter, made in pairs if id(parameter) in self.learning]

    def _gradients(self, note: Note, g: Tensor) -> list[tuple[nn.Parameter, Tensor]]:
        """(parameter, its gradient) for output gradients that carry their row's factor."""
        layer = note.layer
        if note.kind == "norm":
            return [(p, made.sum(0)) for p, made in self._each(Note("norm", layer, note.a, g))]
        if note.kind == "embedding":
            if id(layer.weight) not in self.learning:
                return []
            total = torch.zeros_like(layer.weight)
            ids = note.a.expand(len(g), *note.a.shape[1:]).reshape(-1)
            return [(layer.weight, total.index_add_(0, ids, g.reshape(len(ids), -1).to(total.dtype)))]
        if note.kind == "lora":
            inner, back = F.linear(note.a, layer.a), g @ layer.b * layer.scale
            return [(layer.b, _product(g * layer.scale, inner)), (layer.a, _product(back, note.a))]
        pairs = [(layer.weight, _product(g, note.a))] if id(layer.weight) in self.learning else []
        if layer.bias is not None and id(layer.bias) in self.learning:
            pairs.append((layer.bias, g.flatten(0, -2).sum(0)))
        return pairs


def _kind(layer: nn.Module) -> str | None:
    """What we know this layer as, if it holds weights that learn; an embedding is always watched: gradients begin there."""
    if isinstance(layer, nn.Embedding):
        return "embedding"
    if not any(p.requires_grad for p in layer.parameters(recurse=False)):
        return None
    if isinstance(layer, RMSNorm | nn.LayerNorm):
        return "norm"
    if isinstance(layer, nn.Linear):
        return "linear"
    return "lora" if all(hasattr(layer, name) for name in ("a", "b", "scale", "weight")) else None


def _watch(kind: str, notes: list[Note], num_rows: int) -> Any:
    """A forward hook that notes what came in, and asks for the gradient of what went out."""

    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if kind == "embedding" and not output.requires_grad:
            output.requires_grad_(True)  # nothing before it learns: the graph begins here
            if len(output) < num_rows:  # positions are looked up once for all rows, whose gradients must not mix
                output = output.expand(num_rows, *output.shape[1:])
        note = Note(kind, layer, inputs[0].detach(), output.new_empty(0))
        output.register_hook(lambda g: setattr(note, "g", g.detach()))
        notes.append(note)
        return output

    return hook


def _linear_squares(a: Tensor, g: Tensor) -> Tensor:
    """|sum_t g_t a_t^T|^2 for every row, by the cheaper of the two ways."""
    a_BTI, g_BTO = a.flatten(1, -2).float(), g.flatten(1, -2).float()
    T, num_in, num_out = a_BTI.shape[1], a_BTI.shape[2], g_BTO.shape[2]
    if T * (num_in + num_out) < num_in * num_out:
        return ((a_BTI @ a_BTI.mT) * (g_BTO @ g_BTO.mT)).sum((1, 2))
    return torch.stack([(g_TO.T @ a_TI).square().sum() for a_TI, g_TO in zip(a_BTI, g_BTO, strict=True)])


def _product(g: Tensor, a: Tensor) -> Tensor:
    """sum over rows and time of g a^T: (O, I)."""
    return g.reshape(-1, g.shape[-1]).T.float() @ a.reshape(-1, a.shape[-1]).float()


def _add(parameter: nn.Parameter, gradient: Tensor) -> None:
    gradient = gradient.to(parameter.dtype).view_as(parameter)
    parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
