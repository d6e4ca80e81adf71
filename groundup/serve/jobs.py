"""Runs started from the browser: each is the command itself in a process of its own, so that it outlives the studio."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import psutil

from groundup.core.errors import UsageError, near
from groundup.serve.models import is_running
from groundup.serve.store import Store


def shipped_recipes() -> list[str]:
    """The recipes inside the package; only these can be started by name."""
    folder = resources.files("groundup") / "recipes"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


class Jobs:
    """Starts and stops runs below `runs_folder`."""

    def __init__(self, runs_folder: Path, store: Store) -> None:
        self.runs_folder = runs_folder
        self.store = store
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        recipe: str,
        *,
        own: Path | None = None,
        stages: Sequence[str] = (),
        set_: Mapping[str, str] | None = None,
    ) -> str:
        """Start (or continue) a run and return its id. recipe: a shipped name, or a run that is already there.

        own: the recipe file of a run of that name, which need not be there yet. stages: only these and what they lack.
        set_: texts set in the recipe, by address. Raises UsageError for an unknown name and for a run at work.
        """
        given = own is not None
        own = own or self.runs_folder / recipe / "recipe.toml"
        names = [*shipped_recipes(), *(path.parent.name for path in self.runs_folder.glob("*/recipe.toml"))]
        if not given and recipe not in names:
            raise UsageError(f"There is no recipe '{recipe[:100]}'.", repair=near(recipe, names))
        folder = self.runs_folder / recipe
        if is_running(folder) or self.is_alive(recipe):
            raise UsageError(f"{recipe} is already running.")
        self.runs_folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "groundup", "run", str(own) if own.is_file() else recipe]
        command += [*stages, "--out", str(folder.resolve())]
        for address, text in (set_ or {}).items():
            command += ["--set", f"{address}={json.dumps(text, ensure_ascii=False)}"]  # a JSON string is a TOML string
        log = self.log_of(recipe)
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as output:
            # Its own session: Ctrl-C in the studio's terminal must not stop hours of training.
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "NO_COLOR": "1"},
            )
        self._children[recipe] = child
        self.store.remember_start(recipe, child.pid, _born(child.pid) or 0.0)
        return recipe

    def stop(self, run: str) -> None:
        """Ask a run that the studio started to save and stop. Raises UsageError for any other."""
        known = self.store.started(run)
        if known is None or not self.is_alive(run):
            raise UsageError(f"{run} was not started here, or has ended.", repair="Press Ctrl-C where it was started.")
        os.kill(known[0], signal.SIGINT)
        if self.is_paused(run):
            self.resume(run)  # a paused process hears nothing

    def pause(self, run: str) -> None:
        """Hold a run that the studio started, with its workers, where it is: it keeps its memory and takes no time."""
        self._signal(run, "SIGSTOP")

    def resume(self, run: str) -> None:
        """Let a paused run go on where it was held."""
        self._signal(run, "SIGCONT")

    def is_paused(self, run: str) -> bool:
        """True while a run that was started here is held."""
        known = self.store.started(run)
        if known is None or not self.is_alive(run):
            return False
        try:
            return bool(psutil.Process(known[0]).status() == psutil.STATUS_STOPPED)
        except psutil.Error:
            return False

    def _signal(self, run: str, name: str) -> None:
        known = self.store.started(run)
        if known is None or not self.is_alive(run):
            raise UsageError(f"{run} was not started here, or has ended.")
        if not hasattr(signal, name):
            raise UsageError("This system cannot hold a process.", repair="Save and stop the run instead.")
        os.killpg(known[0], getattr(signal, name))  # it leads a group of its own: its workers are held with it

    def is_alive(self, run: str) -> bool:
        """True while the process that was started for a run lives."""
        child = self._children.get(run)
        if child is not None:
            return child.poll() is None  # also buries it
        known = self.store.started(run)
        if known is None:
            return False
        born = _born(known[0])
        return born is not None and abs(born - known[1]) < 1

    def knows(self, run: str) -> bool:
        """True for a run that this studio started since it was opened."""
        return run in self._children

    def error_of(self, run: str) -> str:
        """The last lines a started run wrote, when it ended with an error; else ""."""
        child = self._children.get(run)
        if child is None or child.poll() in (None, 0, 130):
            return ""
        if child.returncode == -signal.SIGINT:
            return ""
        if child.returncode < 0:
            return f"It was ended by signal {-child.returncode}; finished stages are kept."
        return "\n".join(self.log_of(run).read_text(encoding="utf-8", errors="replace").splitlines()[-6:])

    def log_of(self, run: str) -> Path:
        """Where a started run's own words go."""
        return self.runs_folder / ".studio" / f"{run}.log"

    def wait(self, run: str, seconds: float) -> bool:
        """Wait for a started run to end; True when it did. For tests and for an orderly end."""
        end = time.monotonic() + seconds
        while self.is_alive(run) and time.monotonic() < end:
            time.sleep(0.05)
        return not self.is_alive(run)


def _born(process: int) -> float | None:
    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return None
