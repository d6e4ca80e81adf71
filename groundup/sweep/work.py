"""A trial at work: one process that runs a recipe, asked now and then whether it is through."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

PATIENCE_SECONDS = 60  # a training asked to stop saves first; longer than a step and a checkpoint take; taste
SHOWN_LINES = 3  # of the log of a trial that failed


class Work(Protocol):
    """What a sweep needs of a running trial."""

    def poll(self) -> int | None: ...

    def stop(self) -> None: ...

    def error(self) -> str: ...


class Process:
    """`groundup run` in a process of its own; its words go to log.txt in the trial's folder."""

    def __init__(self, command: Sequence[str], folder: Path, threads: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "log.txt"
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                list(command),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to save and end; kill it when it does not."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def error(self) -> str:
        """The last lines of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        told = [number for number, line in enumerate(lines) if line.startswith("groundup: ")]
        return "\n".join(lines[told[-1] :] if told else lines[-SHOWN_LINES:])


def start_process(recipe: Path, folder: Path, stages: Sequence[str], options: Any) -> Work:
    """Begin (or go on with) a trial."""
    from groundup.sweep.run import threads_of

    command = [sys.executable, "-m", "groundup", "run", str(recipe), *stages, "--out", str(folder)]
    return Process([*command, "--device", options.device], folder, threads_of(options.parallel))
