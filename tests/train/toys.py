"""Toys that really train: a tiny model, a resumable stream of batches, a run that can be killed.

As a script: ``python toys.py FOLDER STEPS [KEY=VALUE ...]`` trains (or continues) in FOLDER and writes final.safetensors.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from groundup.core.console import Console
from groundup.core.stage import Context
from groundup.model.families import build
from groundup.model.presets import from_depth
from groundup.train.loop import train
from groundup.train.objectives import causal
from groundup.train.options import OptimizerOptions

CONFIG = from_depth(1, 40, width=16, num_heads=2, context_length=12, dropout=0.1)


class CountingBatches:
    """Batch n is a function of n; `bad` numbers give targets that a broken objective turns into NaN."""

    def __init__(self):
        self.number = 0

    def next(self):
        ids = torch.randint(0, 40, (4, 13), generator=torch.Generator().manual_seed(self.number))
        self.number += 1
        ids[:, 1::2] = (ids[:, :-1:2] + 1) % 40  # something to learn: every second token follows from the one before
        return {"ids_BT": ids[:, :-1], "targets_BT": ids[:, 1:], "number": torch.tensor(self.number - 1)}

    def state(self):
        return {"number": self.number}

    def restore(self, state):
        self.number = state["number"]


def without_dropout():
    """The same model, whose losses do not depend on random numbers."""
    return build(replace(CONFIG, dropout=0.0), seed=1)


def options(steps, **changes):
    return OptimizerOptions(
        **{"steps": steps, "precision": "fp32", "warmup_steps": 2, "eval_every": 3, "sample_every": 0, **changes}
    )


def noisy_look(module, step):
    """Looking must not disturb the random state."""
    return {"noise": float(torch.rand(()))}


def run(
    folder,
    steps,
    *,
    objective=causal,
    stop=lambda: False,
    module=None,
    batches=None,
    console=None,
    validate=noisy_look,
    **changes,
):
    module = module if module is not None else build(CONFIG, seed=1)
    context = Context(seed=1, console=console or Console(quiet=True), stop=stop)
    summary = train(
        module,
        batches or CountingBatches(),
        objective,
        options(steps, **changes),
        folder=Path(folder),
        context=context,
        validate=validate,
    )
    return module, summary


if __name__ == "__main__":
    torch.set_num_threads(1)
    changes = dict(pair.split("=") for pair in sys.argv[3:])
    module, _ = run(sys.argv[1], int(sys.argv[2]), checkpoint_every_steps=1, **changes)
    save_file(module.state_dict(), Path(sys.argv[1]) / "final.safetensors")
