"""Where to compute, and in which dtype: asked of the machine, not assumed.

bf16 halves the speed of a CPU without AMX and doubles that of one with it, so a short matmul decides.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import torch

from groundup.core.errors import UsageError


def choose(name: str | torch.device = "auto") -> torch.device:
    """The device of that name; "auto": cuda, else mps, else cpu. UsageError when it is not there."""
    if isinstance(name, torch.device):
        return name
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"'{name}' is no device.", repair="Allowed: auto, cpu, cuda, cuda:N, mps.") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type, False):
        raise UsageError(f"The device '{name}' is not available here.", repair="Use device auto, or cpu.")
    return device


def probe(device: torch.device, dtype: torch.dtype, *, size: int = 512, seconds: float = 0.1) -> float:
    """FLOP/s of size x size matmuls in `dtype`: the best of the runs that fit into `seconds`, after one warm-up."""
    left = torch.randn(size, size, device=device).to(dtype)
    right = torch.randn(size, size, device=device).to(dtype)
    best, spent = float("inf"), 0.0
    for turn in range(10_000):
        start = time.perf_counter()
        out = left @ right
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            out[0, 0].item()
        took = time.perf_counter() - start
        if turn:
            best, spent = min(best, took), spent + took
            if spent > seconds:
                break
    return 2 * size**3 / best


def choose_dtype(device: torch.device) -> torch.dtype:
    """bf16 where a matmul in it is at least 1.3 times as fast as in fp32 (below that, accuracy is worth more)."""
    try:
        fast = probe(device, torch.bfloat16)
    except RuntimeError:  # no bf16 kernel at all
        return torch.float32
    return torch.bfloat16 if fast > 1.3 * probe(device, torch.float32) else torch.float32


def settle_precision(precision: str, device: torch.device) -> str:
    """ "fp32" or "bf16": what was asked for, or for "auto" what the probe says."""
    if precision != "auto":
        return precision
    return "bf16" if choose_dtype(device) == torch.bfloat16 else "fp32"


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """bf16 compute over fp32 weights where that was settled; else nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
