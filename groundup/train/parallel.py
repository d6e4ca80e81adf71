"""How the work of one step is shared: by nobody, with whole copies of the model (DDP), or with shares of it (FSDP2).

A batch is the same whoever computes it: of its rows, process r takes rows r, r + size, r + 2 size ... Losses are sums,
so gradients are added up over the team and divided once by the count of all. That makes a recipe's result the same on
any number of processes but for the order of additions, and lets a run continue on another number.

What differs on a team: dropout draws other numbers; a mean over a batch's rows inside an objective (load balance of
experts, next sentence) is taken over the rows of a process, as it is over those of a batch when accumulating.

DDP: Li et al. 2020. FSDP2: Zhao et al. 2023, per-parameter sharding (`torch.distributed.fsdp.fully_shard`).
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from groundup.core.errors import RecipeError
from groundup.train.objectives import Loss, Objective
from groundup.train.team import Team

Rows = tuple[int, int, int]  # first, last + 1, of how many: the part of a tensor's first dimension that is here


class _Step(nn.Module):
    """Objective and model as one module: what DDP and FSDP wrap, so that all uses of weights lie inside."""

    def __init__(self, module: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.module = module
        self.objective = objective

    def forward(self, batch: Mapping[str, Tensor]) -> Loss:
        return self.objective(self.module, batch)


class Alone:
    """One process: everything is here. The base of the others, which say what differs."""

    def __init__(self, module: nn.Module, objective: Objective, team: Team) -> None:
        self.team, self.plain, self.objective = team, module, objective

    def named(self) -> dict[str, nn.Parameter]:
        """What learns and is held by this process, by name."""
        return {name: parameter for name, parameter in self.plain.named_parameters() if parameter.requires_grad}

    def mine(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """This process's rows of a batch; numbers and empty tensors are everybody's."""
        return dict(batch)

    def loss(self, batch: Mapping[str, Tensor], *, last: bool) -> Loss:
        """Loss of this process's rows. last: its backward is the one after which gradients are added up."""
        return self.objective(self.plain, batch)

    def backward(self, loss: Tensor, *, last: bool) -> None:
        """Gradients of this process's rows, added to what is there."""
        loss.backward()

    def ready(self) -> None:
        """After the last backward: gradients are where `named` has them."""

    @property
    def factor(self) -> float:
        """By what to multiply gradients to get those of the sum over the team."""
        return 1.0

    def norm(self, gradients: list[Tensor]) -> float:
        """Euclidean norm of all gradients together."""
        return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))

    def whole(self, name: str, part: Tensor) -> Tensor:
        """The whole tensor of which this process holds `part`, for rules that need it (Muon)."""
        return part

    def part(self, name: str, whole: Tensor) -> Tensor:
        """This process's rows of it."""
        return whole

    def shape(self, name: str) -> torch.Size:
        """Of the whole parameter."""
        return self.plain.get_parameter(name).shape

    def rows(self) -> dict[str, Rows]:
        """Which rows of which parameters are here, where not all are."""
        return {}

    def weights(self) -> dict[str, Tensor]:
        """What of the module's state this process writes into a checkpoint."""
        return self.plain.state_dict()

    def take_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Take up what `weights` gave."""
        self.plain.load_state_dict(dict(weights))

    def fill_plain(self) -> None:
        """Bring the plain module up to date, for looking, saving and the time after training."""


class Copies(Alone):
    """DDP: the whole model in every process; gradients are averaged in buckets while backward still runs."""

    def __init__(self, module: nn.Module, objective: Objective, team: Team, device: torch.device) -> None:
        super().__init__(module, objective, team)
        self.step = nn.parallel.DistributedDataParallel(
            _Step(module, objective),
            device_ids=[device.index] if device.type == "cuda" else None,
            broadcast_buffers=False,
            gradient_as_bucket_view=True,
            # Experts without a token, a pooler without pairs: not every weight takes part in every step.
            find_unused_parameters=True,
        )

    def mine(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: _share(name, tensor, self.team) for name, tensor in batch.items()}

    def loss(self, batch: Mapping[str, Tensor], *, last: bool) -> Loss:
        with self._quiet(last):
            loss: Loss = self.step(batch)
        return loss

    def backward(self, loss: Tensor, *, last: bool) -> None:
        with self._quiet(last):
            loss.backward()

    @property
    def factor(self) -> float:
        return float(self.team.size)  # averages were taken

    def _quiet(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if last else self.step.no_sync()


class Shares(Alone):
    """FSDP2: every process holds some rows of every parameter, gradient and optimizer state; layers are put together
    when they compute. The optimizers see plain tensors: the rows that are here.

    The plain module rests on the CPU; looks and the time after training get it filled again.
    """

    def __init__(self, module: nn.Module, objective: Objective, team: Team, device: torch.device) -> None:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        super().__init__(module, objective, team)
        self.device = device
        self.step = _Step(copy.deepcopy(module), objective)
        if device.type == "cuda":
            module.to("cpu")
        self.mesh = init_device_mesh(device.type, (team.size,))
        for layers in _layer_lists(self.step.module):
            for layer in layers:
                fully_shard(layer, mesh=self.mesh)
        fully_shard(self.step, mesh=self.mesh)
        self.sharded: dict[str, Any] = dict(self.step.module.named_parameters())
        self.local = {
            name: nn.Parameter(parameter.to_local().detach())
            for name, parameter in self.sharded.items()
            if parameter.requires_grad
        }

    def named(self) -> dict[str, nn.Parameter]:
        return self.local

    def mine(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: _share(name, tensor, self.team) for name, tensor in batch.items()}

    def loss(self, batch: Mapping[str, Tensor], *, last: bool) -> Loss:
        self.step.train()
        loss: Loss = self.step(batch)
        return loss

    def ready(self) -> None:
        for name, parameter in self.local.items():
            gradient = self.sharded[name].grad
            parameter.grad = None if gradient is None else gradient.to_local()
            self.sharded[name].grad = None

    @property
    def factor(self) -> float:
        return float(self.team.size)

    def norm(self, gradients: list[Tensor]) -> float:
        mine = super().norm(gradients) ** 2 if gradients else 0.0
        return float(self.team.sum([mine])[0] ** 0.5)

    def whole(self, name: str, part: Tensor) -> Tensor:
        full: Tensor = self._as_sharded(name, part).full_tensor()
        return full

    def part(self, name: str, whole: Tensor) -> Tensor:
        first, end, _ = self._rows_of(name)
        return whole[first:end]

    def rows(self) -> dict[str, Rows]:
        return {name: self._rows_of(name) for name in self.sharded}

    def weights(self) -> dict[str, Tensor]:
        saved = set(self.plain.state_dict())  # a module with adapters saves these alone
        return {name: p.to_local().detach() for name, p in self.sharded.items() if name in saved}

    @torch.no_grad()
    def take_weights(self, weights: Mapping[str, Tensor]) -> None:
        for name, tensor in weights.items():
            self.sharded[name].to_local().copy_(tensor)

    @torch.no_grad()
    def fill_plain(self) -> None:
        for name, parameter in self.plain.named_parameters():
            parameter.copy_(self.sharded[name].full_tensor())
        if self.device.type == "cuda":
            self.plain.to(self.device)

    def _rows_of(self, name: str) -> Rows:
        total = self.sharded[name].shape[0]
        each = -(-total // self.team.size)  # as torch.chunk cuts, and FSDP2 with it
        first = min(self.team.rank * each, total)
        return first, min(first + each, total), total

    def _as_sharded(self, name: str, part: Tensor) -> Any:
        from torch.distributed.tensor import DTensor

        like = self.sharded[name]
        return DTensor.from_local(
            part, self.mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride()
        )


def arrange(kind: str, module: Any, objective: Objective, team: Team, device: torch.device, batch_size: int) -> Alone:
    """The arrangement for a team. RecipeError when a batch has fewer rows than there are processes."""
    if team.size == 1:
        return Alone(module, objective, team)
    if batch_size < team.size:
        raise RecipeError(
            f"{team.size} processes share batches of {batch_size} rows: some would have nothing to do.",
            repair=f"Raise batch_size to a multiple of {team.size}, or start fewer processes.",
        )
    config = getattr(module, "config", None)
    if kind == "fsdp" and config is not None and config.num_experts:
        raise RecipeError(
            'parallel = "fsdp" waits for every expert in every process, and some may get no token.',
            repair='Use parallel = "ddp" for a model with experts.',
        )
    kinds: dict[str, Callable[..., Alone]] = {"ddp": Copies, "fsdp": Shares}
    return kinds[kind](module, objective, team, device)


def _share(name: str, tensor: Tensor, team: Team) -> Tensor:
    return tensor[team.rank :: team.size].contiguous() if tensor.dim() else tensor


def _layer_lists(module: nn.Module) -> list[nn.ModuleList]:
    """The outermost lists of layers: what is put together and let go as one."""
    found: list[nn.ModuleList] = []

    def walk(parent: nn.Module) -> None:
        for child in parent.children():
            if isinstance(child, nn.ModuleList):
                found.append(child)
            else:
                walk(child)

    walk(module)
    return found
