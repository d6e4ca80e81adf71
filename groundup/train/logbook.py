"""What a training tells: ``metrics.jsonl``, the run's events, one line in the terminal, TensorBoard where asked for.

Only the first process of a team writes. MFU is the model's FLOPs a second (Chowdhery et al. 2022, appendix B) over what a
matrix product reaches on this device in this precision, measured when the training begins; of a team, times its size.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch

from groundup.core.console import Console, clock
from groundup.core.errors import MissingExtra
from groundup.model.device import probe
from groundup.model.plan import count
from groundup.train.options import OptimizerOptions
from groundup.train.team import Team

PROBE_SIZE = 1024  # of the matrices of the ceiling: large enough to be bound by arithmetic
PROBE_SECONDS = 0.1


class Logbook:
    """See the module."""

    def __init__(
        self, folder: Path, console: Console, module: Any, options: OptimizerOptions, steps: int, team: Team
    ) -> None:
        self.path, self.console, self.steps, self.writes = folder / "metrics.jsonl", console, steps, team.leads
        self.team_size, self.device = team.size, next(module.parameters()).device
        config = getattr(module, "config", None)
        self.flops_per_token = count(config).flops_per_token if config is not None else 0
        self.board = _board(folder) if options.tensorboard and team.leads else None

    def begin(self, groups: list[Any]) -> None:
        """A fresh start: the groups of parameters, and an empty file."""
        if self.writes:
            self.path.unlink(missing_ok=True)
            for group in groups:
                self.console.note(f"  {group}")

    def step(self, run: Any, *, loss: float, grad_norm: float, rate: float, per_second: tuple[float, float]) -> None:
        """One dense line a step. per_second: tokens that counted, tokens that were read."""
        if not self.writes:
            return
        row = {
            "step": run.step,
            "loss": loss,
            "learning_rate": rate,
            "grad_norm": grad_norm,
            "tokens_per_second": round(per_second[0], 1),
            "tokens": run.tokens,
            "seconds": round(run.seconds, 3),
            **({"mfu": round(self._mfu(per_second[1], run.precision), 4)} if self.flops_per_token else {}),
            **run.parts,
        }
        self._write({"kind": "step", **row})
        self.console.event("step", **row)
        if self.board is not None:
            for name in ("loss", "learning_rate", "grad_norm", "tokens_per_second"):
                self.board.add_scalar(f"train/{name}", row[name], run.step)
        left = clock(run.seconds / run.step * (run.steps - run.step))
        words = f"loss {loss:.3f}  rate {rate:.1e}  norm {grad_norm:.2f}  {per_second[0]:,.0f} tok/s"
        words += f"  mfu {row['mfu']:.0%}" if "mfu" in row else ""
        self.console.bar("training", run.step, run.steps, run.seconds, words)
        if not self.console.terminal and run.step % max(1, run.steps // 20) == 0:
            self.console.note(f"  step {run.step:>6,} of {run.steps:,}  {words}  {left} left")

    def look(self, step: int, numbers: dict[str, Any]) -> None:
        """The numbers of the validation split, in all and by source."""
        if not self.writes:
            return
        self.console.event("validation", step=step, **numbers)
        self._write({"kind": "validation", "step": step, **numbers})
        words = "  ".join(f"{k.replace('_', ' ')} {v:.4f}" for k, v in numbers.items() if isinstance(v, float))
        self.console.note(f"  step {step:>6,}  validation  {words}")
        if self.board is not None:
            for name, value in _flat(numbers).items():
                self.board.add_scalar(f"validation/{name}", value, step)

    def note(self, text: str, *, event: str = "", **values: Any) -> None:
        """A line for the reader, and (event) one for the run's events."""
        if self.writes:
            self.console.note(text)
            if event:
                self.console.event("note", text=event, **values)

    def cut(self, step: int) -> None:
        """Drop what was logged after a checkpoint (and a line the kill cut off): those steps are done again."""
        if not self.writes:
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []:
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
            except (ValueError, KeyError):
                break
        self.path.write_text("".join(kept), encoding="utf-8")

    def close(self) -> None:
        """TensorBoard's file is whole."""
        if self.board is not None:
            self.board.close()

    def _write(self, row: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, default=str) + "\n")

    def _mfu(self, tokens_per_second: float, precision: str) -> float:
        ceiling = ceiling_of(self.device, precision, torch.get_num_threads())
        return self.flops_per_token * tokens_per_second / ceiling / self.team_size


@cache
def ceiling_of(device: torch.device, precision: str, threads: int) -> float:
    """FLOP/s of large matrix products on this device, measured once a process (and number of threads)."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    size = PROBE_SIZE if device.type == "cpu" else 8 * PROBE_SIZE
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):  # training's numbers stay its own
        return probe(device, dtype, size=size, seconds=PROBE_SECONDS)


def _board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("tensorboard", "track", "tensorboard = true") from None
    writer: Any = SummaryWriter(str(folder / "tensorboard"))
    return writer


def _flat(numbers: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """{"by_source": {"books": 1.8}} -> {"by_source/books": 1.8}; numbers only."""
    flat: dict[str, float] = {}
    for name, value in numbers.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            flat[prefix + name] = float(value)
    return flat
