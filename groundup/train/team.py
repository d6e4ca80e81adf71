"""Several processes that train one model: who I am among them, and the few words they exchange.

``torchrun`` starts the same command several times. The first process (rank 0) carries out the recipe as if it were
alone; the others wait for it and only join in where a training begins: rank 0 announces a job, each follower runs the
stage's front door with a scratch folder, and `train` finds the team and shares the work.

    with joined(device) as team:                             in every process
        rank 0:  ...; team.announce({"stage": ...}); run(...)    ...at the end: team.announce(None)
        others:  team.follow(lambda job: run(...))

Words go as JSON and numbers as tensors, over gloo; gradients of GPUs over NCCL. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

# Followers wait for rank 0 while it collects and cleans, which may take days; a collective of training may not hang.
PATIENCE = timedelta(days=30)
COLLECTIVE = timedelta(minutes=30)  # PyTorch's own limit for gloo; a look at the validation split falls into it


@dataclass(frozen=True)
class Team:
    """The processes of this training. A team of one exchanges nothing."""

    rank: int = 0
    size: int = 1
    device: str = "auto"  # that this process computes on
    words: Any = None  # the patient group that jobs are announced in; None: the ordinary one

    @property
    def leads(self) -> bool:
        """True in the process that writes everything."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Element-wise sums over the team, in float64; the same numbers in every process."""
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(tensor)
        return [float(value) for value in tensor]

    def any(self, *flags: bool) -> list[bool]:
        """For each flag: is it raised anywhere?"""
        return [value > 0 for value in self.sum([float(flag) for flag in flags])]

    def tell(self, value: Any = None) -> Any:
        """Rank 0's JSON value, in every process."""
        if self.size == 1:
            return value
        data = json.dumps(value).encode("utf-8") if self.leads else b""
        length = torch.tensor([len(data)])
        dist.broadcast(length, 0, group=self.words)
        text = torch.empty(int(length), dtype=torch.uint8)
        if self.leads:
            text.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
        dist.broadcast(text, 0, group=self.words)
        return json.loads(text.numpy().tobytes())

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """The tensor (CPU, of one shape everywhere) of every process, by rank."""
        if self.size == 1:
            return [tensor]
        parts = [torch.empty_like(tensor) for _ in range(self.size)]
        dist.all_gather(parts, tensor)
        return parts

    def announce(self, job: Mapping[str, Any] | None) -> None:
        """Rank 0: begin a job together, or (None) dismiss the followers."""
        if self.size > 1:
            self.tell(None if job is None else dict(job))

    def follow(self, work: Callable[[Any], object]) -> None:
        """The others: do every announced job until dismissed."""
        while (job := self.tell()) is not None:
            work(job)


def current() -> Team:
    """The team of this process: all processes of torch.distributed where that was begun, else itself alone."""
    if dist.is_available() and dist.is_initialized():
        return Team(dist.get_rank(), dist.get_world_size())
    return Team()


@contextlib.contextmanager
def joined(device: str = "auto") -> Iterator[Team]:
    """Meet the other processes that torchrun started (it told each where); leave them at the end."""
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if on_gpu:  # one each
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    store, rank, size = next(rendezvous("env://", timeout=COLLECTIVE))
    # torchrun keeps its store when it starts all anew: a beginner would read the addresses of the dead
    store = dist.PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=COLLECTIVE)
    try:
        words = dist.new_group(backend="gloo", timeout=PATIENCE)
        yield Team(dist.get_rank(), dist.get_world_size(), device, words)
    finally:
        dist.destroy_process_group()
