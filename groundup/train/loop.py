"""The one training loop: gather batches, sum gradients, clip, step, look, save; for every family and objective.

Exact resume: for a fixed number of steps on the same machine and threads, a run that was killed and continued ends
with the same bits as one that was not. Everything a step depends on is in the checkpoint: weights, optimizer, place
in the data, random state, precision, counters (saving.py). What only looks (validation, samples, logs) never draws
from it. Several processes share the rows of each batch (parallel.py); the first one looks, logs and saves.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from groundup.core.errors import DataError, Interrupted, RecipeError
from groundup.core.files import write_json
from groundup.core.manifest import as_plain
from groundup.core.stage import Context
from groundup.model.device import autocast
from groundup.train import saving
from groundup.train.averaging import Average
from groundup.train.logbook import Logbook
from groundup.train.memory import keep_freed_memory
from groundup.train.objectives import Objective
from groundup.train.optim import Optimizer
from groundup.train.options import OptimizerOptions
from groundup.train.parallel import arrange
from groundup.train.recompute import recompute_layers, restore_layers
from groundup.train.schedules import schedule
from groundup.train.team import Team, current

CHECKPOINTS = saving.CHECKPOINTS
BAD_IN_A_ROW = 3  # taste: one bad batch is skipped, three mean that the weights are broken
ROLLBACKS = 3  # taste: a run that breaks more often has a wrong rate
REMEMBERED = 50  # steps that a spike is measured against; taste
LOWER_IS_BETTER = ("loss", "bits_per_byte", "perplexity")  # ends of the names of such numbers; others: higher is


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
    skipped: int  # batches skipped because loss or gradient was not finite, or a spike
    rollbacks: int
    validation: dict[str, Any] = field(default_factory=dict)  # the last look; the best one with patience
    parts: dict[str, float] = field(default_factory=dict)  # the objective's numbers at the last step
    privacy: dict[str, Any] = field(default_factory=dict)  # epsilon and what it rests on, where dp was asked for


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
    Under torchrun every process calls this; each ends with the trained weights in `module`.
    Raises Interrupted (after saving) when context.stop() says so, DataError when training breaks for good,
    ArtifactError when the checkpoints are of another run or the last one cannot be written.
    """
    if options.steps is None:
        raise ValueError("train() needs options.steps: the stage decides them before it starts")
    if next(module.parameters()).device.type == "cpu":
        keep_freed_memory()
    run = _Run(module, batches, objective, options, folder, context, current())
    saving.resume(run)
    while run.step < run.steps:
        stop, due = run.team.any(context.stop(), run.saving_is_due())
        if stop:
            saving.save(run, must=True)
            raise Interrupted(f"Stopped at step {run.step:,} of {run.steps:,}; everything so far is saved.")
        if due:
            saving.save(run, must=False)
        run.one_step()
        if run.is_due(options.eval_every) and validate is not None:
            run.look(validate)
        if run.is_due(options.sample_every) and sample is not None:
            run.show(sample)
    return run.finish()


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
        team: Team,
    ) -> None:
        self.module, self.batches, self.objective = module, batches, objective
        self.options, self.context, self.team = options, context, team
        self.folder = Path(team.tell(str(folder)))  # the first process's is everybody's: checkpoints lie there
        assert options.steps is not None
        self.steps = options.steps
        self.device = next(module.parameters()).device
        self.private = self._private()
        if options.recompute and not recompute_layers(module):
            raise RecipeError("recompute = true: this model has no layers to compute again.", repair="Leave it out.")
        self.parallel = arrange(options.parallel, module, objective, team, self.device, options.batch_size)
        self.optimizer = Optimizer(self.parallel, options)
        self.average = Average(self.parallel.named(), options.average) if options.average else None
        self.precision: str = options.precision
        self.step = self.tokens = self.skipped = self.rollbacks = self.bad_in_a_row = 0
        self.seconds = 0.0
        self.secret = 0  # of coins and noise, where dp asks for them
        self.multiple = 1.0  # of all rates, where they were tried first
        self.last_losses: list[float] = []
        self.recent: list[list[float]] = []  # [loss, gradient norm] of the last steps
        self.best: float | None = None  # first number of the best look, for early stopping
        self.looks_since_best = 0
        self.parts: dict[str, float] = {}
        self.validation: dict[str, Any] = {}
        self.saved_at = time.monotonic()
        self.saved_step = -1
        self.log = Logbook(self.folder, context.console, module, options, self.steps, team)
        self.key = saving.key_of(module, options, context.seed)

    def _private(self) -> Any:
        if self.options.dp is None:
            return None
        from groundup.train.dp.step import Private

        if self.team.size > 1:
            raise RecipeError(
                "Differential privacy is learned by one process.", repair="Start it without torchrun, or leave out dp."
            )
        return Private(self.module, self.objective, self.options, self.batches, self.steps)

    # ---- one step

    def one_step(self) -> None:
        """Gather, compute, check, move."""
        start = time.perf_counter()
        self.module.train()
        self.optimizer.zero_grad()
        self.parts = {}
        if self.private is not None:
            where = lambda: autocast(self.precision, self.device)  # noqa: E731
            mean, count, cut = self.private.gradients(self.secret, self.step, self.device, where)
            self.parts = {"rows_clipped": cut}
            positions, grad_norm = count, self.parallel.norm(self.optimizer.gradients())
        else:
            total, count, positions = self.add_gradients()
            grad_norm = self.scale_gradients(count)
            mean = total / max(1, count)
            if self.is_bad(mean, grad_norm):
                self.skip(mean, grad_norm)
                return
        self.bad_in_a_row = 0
        share = schedule(self.options, self.step, self.steps) * self.multiple
        self.optimizer.step(share)
        self.step += 1
        if self.average is not None:
            self.average.follow(self.step)
        self.tokens += count
        took = time.perf_counter() - start
        self.seconds += took
        self.last_losses = [*self.last_losses, mean][-max(1, self.steps // 10) :]
        self.recent = [*self.recent, [mean, grad_norm]][-REMEMBERED:]
        rates = (count / took, positions / took)
        self.log.step(self, loss=mean, grad_norm=grad_norm, rate=self.options.learning_rate * share, per_second=rates)

    def add_gradients(self) -> tuple[float, int, int]:
        """Sum the gradients of a step's batches; returns (summed loss, tokens counted, tokens read) of the team."""
        total, count, positions = 0.0, 0, 0
        for number in range(self.options.accumulate):
            last = number == self.options.accumulate - 1
            batch = self.parallel.mine(self.batches.next())
            batch = {name: t.to(self.device, non_blocking=True) for name, t in batch.items()}
            with autocast(self.precision, self.device):
                loss = self.parallel.loss(batch, last=last)
            if loss.count or self.team.size > 1:
                self.parallel.backward(loss.loss, last=last)
            total, count = total + float(loss.loss.detach()), count + loss.count
            positions += batch["ids_BT"].numel() if "ids_BT" in batch else 0
            self.parts.update(loss.parts)
        self.parallel.ready()
        total, summed, read = self.team.sum([total, count, positions])
        return total, int(summed), int(read)

    def scale_gradients(self, count: int) -> float:
        """Turn gradients of the sum into those of the mean, clipped, in one pass; returns the norm before clipping."""
        grads = self.optimizer.gradients()
        if not count or (not grads and self.team.size == 1):
            return 0.0
        factor = self.parallel.factor / count
        norm = self.parallel.norm(grads) * factor
        if self.options.clip and norm > self.options.clip:
            factor *= self.options.clip / norm
        if math.isfinite(norm) and grads:
            torch._foreach_mul_(grads, factor)
        return norm

    def is_bad(self, loss: float, grad_norm: float) -> bool:
        """Not finite, or a spike: a gradient far above the usual and a loss above all of late."""
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            return True
        if not self.options.spike or len(self.recent) < REMEMBERED:
            return False
        usual = statistics.median(norm for _, norm in self.recent)
        return grad_norm > self.options.spike * usual and loss > max(seen for seen, _ in self.recent)

    def skip(self, loss: float, grad_norm: float) -> None:
        """A bad batch moves nothing; several in a row mean broken weights: go back, go on with other batches."""
        self.skipped += 1
        self.bad_in_a_row += 1
        why = "a spike" if math.isfinite(loss) and math.isfinite(grad_norm) else "not finite"
        self.log.note(
            f"Step {self.step + 1:,}: loss {loss:.4g}, gradient norm {grad_norm:.4g} ({why}): batch skipped.",
            event=f"batch skipped: {why}",
            step=self.step + 1,
        )
        if self.bad_in_a_row < BAD_IN_A_ROW:
            return
        self.rollbacks += 1
        found = saving.newest(self)
        if self.rollbacks > ROLLBACKS or found is None:
            raise DataError(
                f"Training broke at step {self.step + 1:,}: {BAD_IN_A_ROW} bad batches in a row.",
                repair="Lower learning_rate (and matrix_learning_rate), or clip harder.",
            )
        note = f"Rolling back to step {found.step:,}; the batches since then are skipped."
        self.log.note(note, event="rolled back", step=self.step, to=found.step)
        saving.take_weights(self, found)
        self.step, self.bad_in_a_row = found.step, 0  # the place in the data stays: another road through it
        self.recent = []

    # ---- looking

    def is_due(self, every: int) -> bool:
        """True every so many steps and after the last."""
        return self.step == self.steps or (
            every > 0 and self.step > 0 and self.step % every == 0 and not self.bad_in_a_row
        )

    def look(self, validate: Validate) -> None:
        """Numbers of the validation split; too many looks without a better one end the training early."""
        with self.watching():
            seen = dict(validate(self.module, self.step)) if self.team.leads else {}
            self.validation = self.team.tell(seen)
            self.log.look(self.step, self.validation)
            name, first = next(((k, v) for k, v in self.validation.items() if isinstance(v, float)), ("", None))
            if not self.options.patience or first is None:
                return
            better = self.best is None or (first < self.best if name.endswith(LOWER_IS_BETTER) else first > self.best)
            if better:
                self.best, self.looks_since_best = first, 0
                saving.keep_best(self)
                return
        self.looks_since_best += 1
        if self.looks_since_best >= self.options.patience and self.step < self.steps:
            self.log.note(
                f"No better look than {self.best:.4f} for {self.looks_since_best} looks: stopping at step {self.step:,}.",
                event="stopped early",
                step=self.step,
            )
            self.steps = self.step

    def show(self, sample: Sample) -> None:
        """Let the model write; the hook keeps what it likes."""
        with self.watching():
            if self.team.leads:
                sample(self.module, self.step)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Evaluation mode, no gradients, averaged weights if wanted, and the random state as if nobody had looked."""
        devices = [self.device] if self.device.type == "cuda" else []
        shown = self.average.shown() if self.average is not None else contextlib.nullcontext()
        with torch.random.fork_rng(devices=devices), torch.no_grad(), shown:
            self.parallel.fill_plain()
            self.module.eval()
            yield
            self.module.train()

    # ---- ending

    def saving_is_due(self) -> bool:
        """By steps or by the clock."""
        options = self.options
        if self.step in (0, self.saved_step):
            return False
        by_steps = options.checkpoint_every_steps and self.step % options.checkpoint_every_steps == 0
        passed = time.monotonic() - self.saved_at
        return bool(by_steps or (options.checkpoint_every_seconds and passed > options.checkpoint_every_seconds))

    def finish(self) -> Summary:
        """Save the last state, leave the trained weights in the module, tell the numbers."""
        if self.step != self.saved_step:
            saving.save(self, must=True)
        if self.average is not None:
            self.average.swap()
        if self.options.patience:
            saving.take_best(self)
        self.parallel.fill_plain()
        restore_layers(self.module)
        self.log.close()
        privacy = self.private.told(self.step) if self.private is not None else {}
        if privacy:
            write_json(self.folder / "privacy.json", as_plain(privacy))
            spent = "without bound (no noise)" if privacy["epsilon"] is None else f"{privacy['epsilon']:.3f}"
            self.log.note(f"  privacy: epsilon {spent} at delta {privacy['delta']:.1e}, for one row")
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
            privacy=as_plain(privacy),
        )
