"""A trial at work: one process that runs a recipe, here or on a machine of a Ray cluster, asked now and then whether it
is through."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from groundup.core.errors import MissingExtra

PATIENCE_SECONDS = 60  # a training asked to stop saves first; longer than a step and a checkpoint take; taste
STEP_SECONDS = 0.5  # how often a machine of a cluster looks at its process; taste
LOG = "log.txt"
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
        self._log = folder / LOG
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
        return last_words(self._log)


def last_words(log: Path) -> str:
    """What a trial said at its end: its error for people, else its last lines."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    told = [number for number, line in enumerate(lines) if line.startswith("groundup: ")]
    return "\n".join(lines[told[-1] :] if told else lines[-SHOWN_LINES:])


class Remote:
    """The same process on some machine of a Ray cluster; all machines share the sweep's folder."""

    def __init__(self, ray: Any, command: Sequence[str], folder: Path, threads: int) -> None:
        self._ray, self._folder = ray, folder
        place = ray.remote(num_cpus=threads, max_retries=0)(_there)
        self._reference = place.remote(list(command), str(folder), threads)

    def poll(self) -> int | None:
        """The exit code; None while it runs or waits for a free machine. 1 when its machine was lost."""
        ready, _ = self._ray.wait([self._reference], timeout=0)
        if not ready:
            return None
        try:
            return int(self._ray.get(self._reference))
        except self._ray.exceptions.RayError as error:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(self._folder / LOG, "a", encoding="utf-8") as log:
                log.write(f"\ngroundup: Ray lost the trial: {str(error).splitlines()[0]}\n")
            return 1

    def stop(self) -> None:
        """Ask it to save and end."""
        self._ray.cancel(self._reference)
        self._ray.wait([self._reference], timeout=PATIENCE_SECONDS)

    def error(self) -> str:
        """The last lines of its log."""
        return last_words(self._folder / LOG)


def _there(command: list[str], folder: str, threads: int) -> int:
    """What a machine of the cluster does: run the command; a cancelled task stops it politely first."""
    import time

    process = Process([sys.executable, *command[1:]], Path(folder), threads)
    try:
        while (code := process.poll()) is None:
            time.sleep(STEP_SECONDS)
        return code
    finally:
        if process.poll() is None:
            process.stop()


def start_ray(recipe: Path, folder: Path, stages: Sequence[str], options: Any) -> Work:
    """Begin (or go on with) a trial on the running cluster (``ray start``, RAY_ADDRESS), else on one started here."""
    try:
        import ray
    except ImportError:
        raise MissingExtra("ray", "ray", "Trials on a cluster") from None
    from groundup.sweep.run import threads_of

    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False)
    return Remote(ray, command_of(recipe, folder, stages, options), folder, threads_of(options.parallel))


def command_of(recipe: Path, folder: Path, stages: Sequence[str], options: Any) -> list[str]:
    """What a trial is: an ordinary run."""
    command = [sys.executable, "-m", "groundup", "run", str(recipe), *stages, "--out", str(folder)]
    return [*command, "--device", options.device]


def start_process(recipe: Path, folder: Path, stages: Sequence[str], options: Any) -> Work:
    """Begin (or go on with) a trial on this machine."""
    from groundup.sweep.run import threads_of

    return Process(command_of(recipe, folder, stages, options), folder, threads_of(options.parallel))
