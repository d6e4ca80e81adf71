"""One process of several (torchrun starts it): ``-m tests.train.team_of_toys FOLDER STEPS [KEY=VALUE ...]``.

stop_at=N: ask to stop after N steps, as SIGTERM would. kill_at=N: the last process dies by SIGKILL at step N, once.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from groundup.core.errors import Interrupted
from groundup.model.families import build
from groundup.train.objectives import causal
from groundup.train.team import joined
from tests.train import toys


def main() -> None:
    torch.set_num_threads(1)
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    changes = dict(pair.split("=") for pair in sys.argv[3:])
    stop_at, kill_at = int(changes.pop("stop_at", 0)), int(changes.pop("kill_at", 0))
    dropout = float(changes.pop("dropout", 0))
    module = build(replace(toys.CONFIG, dropout=dropout), seed=1)
    taken = [0]

    def objective(module, batch):
        taken[0] += 1
        if kill_at and taken[0] == kill_at and team.rank == team.size - 1 and not (folder / "was_killed").exists():
            (folder / "was_killed").write_text("once")
            os.kill(os.getpid(), signal.SIGKILL)
        return causal(module, batch)

    with joined("cpu") as team:
        asked = [-1]

        def stop() -> bool:
            asked[0] += 1
            return bool(stop_at) and asked[0] >= stop_at and team.rank == team.size - 1

        try:
            toys.run(folder, steps, objective=objective, module=module, stop=stop, checkpoint_every_steps=3, **changes)
        except Interrupted:
            pass
        if team.leads:
            save_file(module.state_dict(), folder / "final.safetensors")


if __name__ == "__main__":
    main()
