"""Optimizers: which group of parameters is moved by which rule, and one object that steps them all.

One file per rule. A rule is a class with `step(share)`, `state() -> dict[str, Tensor]`, `restore(dict)`; `share` is
the schedule's share of the peak rate. State names begin with the parameter's name, so that a checkpoint can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from groundup.train.options import OptimizerOptions

# Peak rates of the blocks' matrices: Muon's is Jordan's and flat from 0.01 to 0.03 here; AdamW's is the better of
# 0.004 and 0.008 at the demo's shape.
MATRIX_RATES = {"muon": 0.02, "adamw": 8e-3}


class Rule(Protocol):
    """One way to move parameters."""

    def step(self, share: float) -> None: ...

    def state(self) -> dict[str, Tensor]: ...

    def restore(self, state: dict[str, Tensor]) -> None: ...


@dataclass(frozen=True)
class Group:
    """Parameters that share a rule, a peak rate and a decay; shown in the log."""

    name: str
    rule: str
    parameters: dict[str, nn.Parameter]
    learning_rate: float
    weight_decay: float

    def __str__(self) -> str:
        numbers = sum(parameter.numel() for parameter in self.parameters.values())
        return (
            f"{self.name}: {numbers:,} numbers, {self.rule}, rate {self.learning_rate:g}, decay {self.weight_decay:g}"
        )


def groups_of(named: Mapping[str, nn.Parameter], options: OptimizerOptions) -> list[Group]:
    """The trainable parameters in three groups: the network's matrices, embeddings (and heads), and vectors.

    Muon is made for matrices inside the network only: embeddings and the head are moved by AdamW (Jordan 2024).
    """
    matrices = {name: p for name, p in named.items() if p.dim() == 2 and "embedding" not in name}
    vectors = {name: p for name, p in named.items() if p.dim() < 2}
    rest = {name: p for name, p in named.items() if name not in matrices and name not in vectors}
    rate = options.matrix_learning_rate or MATRIX_RATES[options.optimizer]
    groups = [
        Group("matrices", options.optimizer, matrices, rate, options.weight_decay),
        Group("embeddings", "adamw", rest, options.learning_rate, 0.0),
        Group("vectors", "adamw", vectors, options.learning_rate, 0.0),
    ]
    return [group for group in groups if group.parameters]


class Held(Protocol):
    """Where parameters are: all here, or this process's rows of each (see parallel.py)."""

    def named(self) -> dict[str, nn.Parameter]: ...

    def whole(self, name: str, part: Tensor) -> Tensor: ...

    def part(self, name: str, whole: Tensor) -> Tensor: ...

    def shape(self, name: str) -> torch.Size: ...


class AllHere:
    """Every parameter of a module, whole: for one process."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def named(self) -> dict[str, nn.Parameter]:
        """What learns, by name."""
        return {name: parameter for name, parameter in self.module.named_parameters() if parameter.requires_grad}

    def whole(self, name: str, part: Tensor) -> Tensor:
        """It is whole."""
        return part

    def part(self, name: str, whole: Tensor) -> Tensor:
        """All of it."""
        return whole

    def shape(self, name: str) -> torch.Size:
        """Of a parameter."""
        return self.module.get_parameter(name).shape


class Optimizer:
    """All groups of one module, stepped together."""

    def __init__(self, held: Held, options: OptimizerOptions) -> None:
        from groundup.train.optim.adamw import AdamW
        from groundup.train.optim.muon import Muon

        self.groups = groups_of(held.named(), options)
        self.parameters = [p for group in self.groups for p in group.parameters.values()]
        by_adamw = [group for group in self.groups if group.rule == "adamw"]
        by_muon = [group for group in self.groups if group.rule == "muon"]
        self.rules: list[Rule] = []
        if by_adamw:
            self.rules.append(AdamW(by_adamw, betas=options.betas))
        if by_muon:
            self.rules.append(Muon(by_muon, momentum=options.momentum, held=held))

    def step(self, share: float) -> None:
        """Move every parameter by its gradient; share: of the peak rates, in [0, 1]."""
        for rule in self.rules:
            rule.step(share)

    def gradients(self) -> list[Tensor]:
        """Those that there are."""
        return [parameter.grad for parameter in self.parameters if parameter.grad is not None]

    def zero_grad(self) -> None:
        """Forget the gradients (and free their memory)."""
        for parameter in self.parameters:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """Every tensor the next step depends on, by name."""
        return {name: tensor for rule in self.rules for name, tensor in rule.state().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up `state` again."""
        for rule in self.rules:
            rule.restore(state)


def make_optimizer(module: Any, options: OptimizerOptions) -> Optimizer:
    """The optimizer of the options for a module in one process."""
    return Optimizer(AllHere(module), options)
