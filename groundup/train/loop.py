"""The one training loop: gather batches, sum gradients, clip, step, look, save; for every family and objective.

Exact resume: for a fixed number of steps on the same machine and threads, a run that was killed and continued ends
with the same bits as one that was not. Everything a step depends on is in the checkpoint: weights, optimizer, place
in the data, random state, precision, counters. What only looks (validation, samples, logs) never draws from it.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from groundup.core.console import clock
from groundup.core.errors import ArtifactError, DataError, Interrupted
from groundup.core.files import fingerprint
from groundup.core.manifest import as_plain
from groundup.core.randomness import seed_for
from groundup.core.stage import Context
from groundup.model.device import autocast, settle_precision
from groundup.train import checkpoint as checkpoints
from groundup.train.checkpoint import Checkpoint
from groundup.train.objectives import Objective
from groundup.train.optim import make_optimizer
from groundup.train.options import OptimizerOptions
from groundup.train.schedules import schedule

CHECKPOINTS = ".checkpoints"  # hidden: not part of what the stage leaves behind
BAD_IN_A_ROW = 3  # taste: one bad batch is skipped, three mean that the weights are broken
ROLLBACKS = 3  # taste: a run that breaks more often has a wrong rate

# Options that change what a run looks like, not what it computes: another value may continue the same checkpoint.
LOOKS = ("eval_every", "sample_every", "checkpoint_every_seconds", "checkpoint_every_steps", "keep_checkpoints")


class Batches(Protocol):
    """An endless, resumable stream of batches on the CPU."""

    def next(self) -> dict[str, Tensor]: ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


Validate = Callable[[Any, int], Mapping[str, Any]]
Sample = Callable[[Any, int], Any]


@dataclass(frozen=True)
class Summary:
    """What a finished training did. tokens: those the loss counted; seconds: of stepping, over all resumes."""

    steps: int
    tokens: int
    loss: float  # mean per token over the last tenth of the steps, nats
    seconds: float
    tokens_per_second: float
    skipped: int  # batches skipped because loss or gradient was not finite
    rollbacks: int
    validation: dict[str, Any] = field(default_factory=dict)  # the last look
    parts: dict[str, float] = field(default_factory=dict)  # the objective's numbers at the last step


def train(
    module: Any,
    batches: Batches,
    objective: Objective,
    options: OptimizerOptions,
    *,
    folder: Path,
    context: Context,
    validate: Validate | None = None,
    sample: Sample | None = None,
) -> Summary:
    """Train `module` in place for `options.steps` steps, continuing from the newest checkpoint in `folder` if any.

    validate(module, step) -> numbers for the log; sample(module, step) shows what the model writes. Both are called
    in evaluation mode without gradients, every so many steps and after the last. Leaves ``metrics.jsonl``.
    Raises Interrupted (after saving) when context.stop() says so, DataError when training breaks for good,
    ArtifactError when the checkpoints are of another run or the last one cannot be written.
    """
    if options.steps is None:
        raise ValueError("train() needs options.steps: the stage decides them before it starts")
    run = _Run(module, batches, objective, options, folder, context)
    run.resume()
    while run.step < run.steps:
        if context.stop():
            run.save(must=True)
            raise Interrupted(f"Stopped at step {run.step:,} of {run.steps:,}; everything so far is saved.")
        run.one_step()
        if run.is_due(options.eval_every) and validate is not None:
            run.look(validate)
        if run.is_due(options.sample_every) and sample is not None:
            run.show(sample)
        run.save_when_due()
    return run.summary()


class _Run:
    """The state of one training while it lasts."""

    def __init__(
        self,
        module: Any,
        batches: Batches,
        objective: Objective,
        options: OptimizerOptions,
        folder: Path,
        context: Context,
    ) -> None:
        self.module, self.batches, self.objective = module, batches, objective
        self.options, self.folder, self.context = options, folder, context
        assert options.steps is not None
        self.steps = options.steps
        self.optimizer = make_optimizer(module, options)
        self.device = next(module.parameters()).device
        self.precision: str = options.precision
        self.step = self.tokens = self.skipped = self.rollbacks = self.bad_in_a_row = 0
        self.seconds = 0.0
        self.last_losses: list[float] = []
        self.parts: dict[str, float] = {}
        self.validation: dict[str, Any] = {}
        self.saved_at = time.monotonic()
        self.saved_step = -1
        settings = {name: value for name, value in as_plain(options).items() if name not in LOOKS}
        config = getattr(module, "config", None)
        self.key = fingerprint([settings, config.to_dict() if config is not None else None, context.seed])

    # ---- one step

    def one_step(self) -> None:
        """Gather, compute, check, move."""
        start = time.perf_counter()
        self.module.train()
        self.optimizer.zero_grad()
        total, count = 0.0, 0
        self.parts = {}
        for _ in range(self.options.accumulate):
            batch = {name: t.to(self.device, non_blocking=True) for name, t in self.batches.next().items()}
            with autocast(self.precision, self.device):
                loss = self.objective(self.module, batch)
            if loss.count:
                loss.loss.backward()
            total, count = total + float(loss.loss.detach()), count + loss.count
            self.parts.update(loss.parts)
        grad_norm = self.scale_gradients(count)
        mean = total / max(1, count)
        if not (math.isfinite(mean) and math.isfinite(grad_norm)):
            self.skip(mean, grad_norm)
            return
        self.bad_in_a_row = 0
        share = schedule(self.options, self.step, self.steps)
        self.optimizer.step(share)
        self.step += 1
        self.tokens += count
        took = time.perf_counter() - start
        self.seconds += took
        self.last_losses = [*self.last_losses, mean][-max(1, self.steps // 10) :]
        self.log(mean, grad_norm, share, count / took)

    def scale_gradients(self, count: int) -> float:
        """Turn gradients of the sum into those of the mean, clipped, in one pass; returns the norm before clipping."""
        grads = [p.grad for p in self.optimizer.parameters if p.grad is not None]
        if not grads or not count:
            return 0.0
        norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))) / count
        factor = 1.0 / count
        if self.options.clip and norm > self.options.clip:
            factor *= self.options.clip / norm
        if math.isfinite(norm):
            torch._foreach_mul_(grads, factor)
        return norm

    def skip(self, loss: float, grad_norm: float) -> None:
        """A batch without a finite gradient moves nothing; several in a row mean broken weights: go back, go on."""
        self.skipped += 1
        self.bad_in_a_row += 1
        console = self.context.console
        console.note(f"Step {self.step + 1:,}: loss {loss}, gradient norm {grad_norm}: batch skipped.")
        console.event("note", text="batch skipped: loss or gradient not finite", step=self.step + 1)
        if self.bad_in_a_row < BAD_IN_A_ROW:
            return
        self.rollbacks += 1
        found = checkpoints.load_newest(self.folder / CHECKPOINTS, console.note)
        if self.rollbacks > ROLLBACKS or found is None:
            raise DataError(
                f"Training broke at step {self.step + 1:,}: {BAD_IN_A_ROW} batches in a row without a finite loss.",
                repair="Lower learning_rate (and matrix_learning_rate), or clip harder.",
            )
        console.note(f"Rolling back to step {found.step:,}; the batches since then are skipped.")
        console.event("note", text="rolled back", step=self.step, to=found.step)
        self.take_weights(found)
        self.step, self.bad_in_a_row = found.step, 0  # the place in the data stays: another road through it

    # ---- looking

    def is_due(self, every: int) -> bool:
        """True every so many steps and after the last."""
        return self.step == self.steps or (
            every > 0 and self.step > 0 and self.step % every == 0 and not self.bad_in_a_row
        )

    def look(self, validate: Validate) -> None:
        """Numbers of the validation split."""
        with self.watching():
            self.validation = dict(validate(self.module, self.step))
        self.context.console.event("validation", step=self.step, **self.validation)
        self.write({"kind": "validation", "step": self.step, **self.validation})
        words = "  ".join(f"{k.replace('_', ' ')} {v:.4f}" for k, v in self.validation.items() if isinstance(v, float))
        self.context.console.note(f"  step {self.step:>6,}  validation  {words}")

    def show(self, sample: Sample) -> None:
        """Let the model write; the hook keeps what it likes."""
        with self.watching():
            sample(self.module, self.step)

    @contextlib.contextmanager
    def watching(self) -> Any:
        """Evaluation mode, no gradients, and the random state as if nobody had looked."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []), torch.no_grad():
            self.module.eval()
            yield
            self.module.train()

    def log(self, loss: float, grad_norm: float, share: float, tokens_per_second: float) -> None:
        """One dense line a step: metrics.jsonl, events, terminal."""
        row = {
            "step": self.step,
            "loss": loss,
            "learning_rate": self.options.learning_rate * share,
            "grad_norm": grad_norm,
            "tokens_per_second": round(tokens_per_second, 1),
            "tokens": self.tokens,
            "seconds": round(self.seconds, 3),
            **self.parts,
        }
        self.write({"kind": "step", **row})
        self.context.console.event("step", **row)
        left = clock(self.seconds / self.step * (self.steps - self.step))
        words = (
            f"loss {loss:.3f}  rate {row['learning_rate']:.1e}  norm {grad_norm:.2f}  {tokens_per_second:,.0f} tok/s"
        )
        self.context.console.bar("training", self.step, self.steps, self.seconds, words)
        if not self.context.console.terminal and self.step % max(1, self.steps // 20) == 0:
            self.context.console.note(f"  step {self.step:>6,} of {self.steps:,}  {words}  {left} left")

    def write(self, row: dict[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        with open(self.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row, default=str) + "\n")

    # ---- saving and resuming

    def save_when_due(self) -> None:
        """By steps, by the clock, and always after the last step."""
        options = self.options
        by_steps = options.checkpoint_every_steps and self.step % options.checkpoint_every_steps == 0
        passed = time.monotonic() - self.saved_at
        by_clock = options.checkpoint_every_seconds and passed > options.checkpoint_every_seconds
        if (by_steps or by_clock or self.step == self.steps) and self.step != self.saved_step:
            self.save(must=self.step == self.steps)

    def save(self, *, must: bool) -> None:
        """Write a checkpoint. A full disk in the middle of a run is told and survived; at its end it is an error."""
        state = {
            "key": self.key,
            "batches": self.batches.state(),
            "precision": self.precision,
            "tokens": self.tokens,
            "skipped": self.skipped,
            "rollbacks": self.rollbacks,
            "bad_in_a_row": self.bad_in_a_row,
            "seconds": self.seconds,
            "last_losses": self.last_losses,
            "validation": self.validation,
        }
        random = {"torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.device)
        tensors = {"weights": self.module.state_dict(), "optimizer": self.optimizer.state(), "random": random}
        self.saved_at = time.monotonic()
        try:
            place = self.folder / CHECKPOINTS
            checkpoints.save(place, Checkpoint(self.step, tensors, state), keep=self.options.keep_checkpoints)
            self.saved_step = self.step
        except OSError as error:
            if must:
                raise ArtifactError(
                    f"The checkpoint of step {self.step:,} cannot be written: {error}.",
                    repair="Free space on that disk and run again: training continues from the last one saved.",
                ) from None
            self.context.console.note(f"The checkpoint of step {self.step:,} cannot be written ({error}); going on.")
            self.context.console.event("note", text=f"checkpoint not written: {error}", step=self.step)

    def resume(self) -> None:
        """Start fresh or from the newest valid checkpoint; later lines of metrics.jsonl are cut."""
        self.folder.mkdir(parents=True, exist_ok=True)
        console = self.context.console
        found = checkpoints.load_newest(self.folder / CHECKPOINTS, console.note)
        if found is None:
            self.precision = settle_precision(self.precision, self.device)
            torch.manual_seed(seed_for(self.context.seed, "training"))
            (self.folder / "metrics.jsonl").unlink(missing_ok=True)
            for group in self.optimizer.groups:
                console.note(f"  {group}")
            return
        if found.state["key"] != self.key:
            raise ArtifactError(
                f"The checkpoints in {self.folder} are of a run with other settings.",
                repair="Continue it with its own recipe, or take another output folder.",
            )
        self.take_weights(found)
        self.batches.restore(found.state["batches"])
        torch.set_rng_state(found.tensors["random"]["torch"])
        if "cuda" in found.tensors["random"]:
            torch.cuda.set_rng_state(found.tensors["random"]["cuda"], self.device)
        self.step = self.saved_step = found.step
        for name in (
            "precision",
            "tokens",
            "skipped",
            "rollbacks",
            "bad_in_a_row",
            "seconds",
            "last_losses",
            "validation",
        ):
            setattr(self, name, found.state[name])
        self.cut_metrics()
        console.note(f"  continuing from step {self.step:,}")

    def take_weights(self, found: Checkpoint) -> None:
        """Weights and optimizer of a checkpoint."""
        self.module.load_state_dict(found.tensors["weights"])
        self.optimizer.restore(found.tensors["optimizer"])

    def cut_metrics(self) -> None:
        """Drop what was logged after the checkpoint (and a line the kill cut off): those steps are done again."""
        path = self.folder / "metrics.jsonl"
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                if json.loads(line)["step"] <= self.step:
                    kept.append(line + "\n")
            except (ValueError, KeyError):
                break
        path.write_text("".join(kept), encoding="utf-8")

    def summary(self) -> Summary:
        """The numbers at the end."""
        return Summary(
            steps=self.step,
            tokens=self.tokens,
            loss=sum(self.last_losses) / max(1, len(self.last_losses)),
            seconds=round(self.seconds, 3),
            tokens_per_second=round(self.tokens / max(1e-9, self.seconds), 1),
            skipped=self.skipped,
            rollbacks=self.rollbacks,
            validation=self.validation,
            parts=self.parts,
        )
