"""What a checkpoint of a training holds, when it is written, and how it is taken up again (checkpoint.py: how it lies on
disk).

The same number of processes goes on with the same bits. Another number takes up weights, optimizer and place in the data
as they are; dropout then draws from fresh states, and sums are added in another order.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from groundup.core.errors import ArtifactError
from groundup.core.files import fingerprint
from groundup.core.manifest import as_plain
from groundup.core.randomness import seed_for
from groundup.model.device import settle_precision
from groundup.train import checkpoint as checkpoints
from groundup.train.checkpoint import Checkpoint
from groundup.train.find_rate import try_rates
from groundup.train.options import OptimizerOptions
from groundup.train.parallel import Rows

CHECKPOINTS = ".checkpoints"  # hidden: not part of what the stage leaves behind
BEST = "best"  # in that folder: the weights of the best look, where training may end early

# Options that change what a run looks like or where it runs, not what it computes: another value may continue.
LOOKS = (
    "eval_every",
    "sample_every",
    "checkpoint_every_seconds",
    "checkpoint_every_steps",
    "keep_checkpoints",
    "tensorboard",
    "parallel",
    "recompute",
)
# What of a run is plain numbers.
NUMBERS = (
    "precision",
    "tokens",
    "skipped",
    "rollbacks",
    "bad_in_a_row",
    "seconds",
    "secret",
    "multiple",
    "last_losses",
    "recent",
    "best",
    "looks_since_best",
    "steps",
    "validation",
)


def key_of(module: Any, options: OptimizerOptions, seed: int) -> str:
    """What must be the same for a checkpoint to be continued."""
    settings = {name: value for name, value in as_plain(options).items() if name not in LOOKS}
    config = getattr(module, "config", None)
    return fingerprint([settings, config.to_dict() if config is not None else None, seed])


def save(run: Any, *, must: bool) -> None:
    """Write a checkpoint. A full disk in the middle of a run is told and survived; at its end it is an error."""
    numbers = {name: getattr(run, name) for name in NUMBERS}
    state = {"key": run.key, "batches": run.batches.state(), "processes": run.team.size, **numbers}
    random = {}
    for rank, drawn in enumerate(run.team.gather(torch.get_rng_state())):
        random["torch" if rank == 0 else f"torch-{rank}"] = drawn
    if run.device.type == "cuda":
        for rank, drawn in enumerate(run.team.gather(torch.cuda.get_rng_state(run.device))):
            random["cuda" if rank == 0 else f"cuda-{rank}"] = drawn
    tensors: dict[str, dict[str, Tensor]] = {
        "weights": run.parallel.weights(),
        "optimizer": run.optimizer.state(),
        "random": random,
    }
    if run.average is not None:
        tensors["average"] = run.average.state()
    run.saved_at = time.monotonic()
    try:
        checkpoints.save(
            run.folder / CHECKPOINTS,
            Checkpoint(run.step, tensors, state),
            keep=run.options.keep_checkpoints,
            team=run.team,
            rows=_rows_held(run, tensors),
        )
        run.saved_step = run.step
    except OSError as error:
        if must:
            raise ArtifactError(
                f"The checkpoint of step {run.step:,} cannot be written: {error}.",
                repair="Free space on that disk and run again: training continues from the last one saved.",
            ) from None
        run.log.note(
            f"The checkpoint of step {run.step:,} cannot be written ({error}); going on.",
            event=f"checkpoint not written: {error}",
            step=run.step,
        )


def _rows_held(run: Any, tensors: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Rows] | None:
    """Which rows of the tensors are here. What belongs to a parameter is cut as the parameter is: NAME, NAME:exp_avg."""
    held = run.parallel.rows()
    if not held:
        return None
    names = [name for part in tensors.values() for name, tensor in part.items() if tensor.dim()]
    return {name: held[name.split(":")[0]] for name in names if name.split(":")[0] in held}


def keep_best(run: Any) -> None:
    """The weights as they were just looked at are the best so far: keep them, by the same protocol, until better ones
    come. A full disk is told and survived: then those before stay."""
    tensors = {"weights": run.parallel.weights()}
    checkpoint = Checkpoint(run.step, tensors, {"validation": run.validation})
    try:
        rows = _rows_held(run, tensors)
        kept = checkpoints.save(run.folder / CHECKPOINTS / BEST, checkpoint, team=run.team, rows=rows)
        if run.team.leads:
            checkpoints.keep_only(kept)
    except OSError as error:
        run.log.note(f"The best weights, of step {run.step:,}, cannot be written ({error}); going on.")


def take_best(run: Any) -> None:
    """End with the weights of the best look, where they were kept."""
    found = newest(run, BEST)
    if found is None or found.step == run.step:
        return
    run.parallel.take_weights(found.tensors["weights"])
    run.validation = found.state["validation"]
    run.log.note(
        f"  the best look was at step {found.step:,}: its weights are kept", event="best kept", step=found.step
    )


def newest(run: Any, part: str = "") -> Checkpoint | None:
    """The newest valid checkpoint, of each tensor the rows that this process holds. part: BEST, or those to continue."""
    held = run.parallel.rows()
    wanted = None
    if held:

        def wanted(name: str, total: int) -> tuple[int, int]:
            first, end, _ = held.get(name.split(":")[0], (0, total, total))
            return first, end

    return checkpoints.load_newest(run.folder / CHECKPOINTS / part, run.log.note, wanted=wanted, team=run.team)


def resume(run: Any) -> None:
    """Start fresh or from the newest valid checkpoint; later lines of metrics.jsonl are cut."""
    if run.team.leads:
        run.folder.mkdir(parents=True, exist_ok=True)
    found = newest(run)
    if found is None:
        run.precision = run.team.tell(settle_precision(run.precision, run.device) if run.team.leads else None)
        torch.manual_seed(seed_for(run.context.seed, "training", *_apart(run)))
        if run.private is not None:
            from groundup.train.dp.sampling import new_secret

            run.secret = new_secret()
        run.log.begin(run.optimizer.groups)
        if run.team.leads:  # of a run that was killed before its first checkpoint
            shutil.rmtree(run.folder / CHECKPOINTS / BEST, ignore_errors=True)
        if run.options.find_rate:
            run.multiple = run.team.tell(try_rates(run) if run.team.leads else None)
        return
    if found.state["key"] != run.key:
        raise ArtifactError(
            f"The checkpoints in {run.folder} are of a run with other settings.",
            repair="Continue it with its own recipe, or take another output folder.",
        )
    take_weights(run, found)
    run.batches.restore(found.state["batches"])
    run.step = run.saved_step = found.step
    for name in NUMBERS:
        setattr(run, name, found.state[name])
    if found.state["processes"] == run.team.size:
        own = "torch" if run.team.leads else f"torch-{run.team.rank}"
        torch.set_rng_state(found.tensors["random"][own])
        if own.replace("torch", "cuda") in found.tensors["random"] and run.device.type == "cuda":
            torch.cuda.set_rng_state(found.tensors["random"][own.replace("torch", "cuda")], run.device)
    else:
        torch.manual_seed(seed_for(run.context.seed, "training", *_apart(run), run.step))
    run.log.cut(run.step)
    run.log.note(f"  continuing from step {run.step:,}")


def take_weights(run: Any, found: Checkpoint) -> None:
    """Weights, optimizer and average of a checkpoint."""
    run.parallel.take_weights(found.tensors["weights"])
    run.optimizer.restore(found.tensors["optimizer"])
    if run.average is not None:
        run.average.restore(found.tensors["average"])


def _apart(run: Any) -> tuple[int, ...]:
    """What tells the random numbers of this process from the first one's."""
    return () if run.team.leads else (run.team.rank,)
