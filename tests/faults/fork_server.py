"""A process that has imported everything and forks a child for each command, so that a hundred runs can be cut off.

    with Forks() as forks:
        ended = forks.groundup(["run", "tiny", "--out", folder], folder, at=("4_pretrain", 7), fault="kill")

The child is a real run of the real command. It counts its changes of files below `folder` (an audit hook sees every
open for writing, rename, mkdir and removal), by stage folder; at the change asked for, the fault strikes: "kill" is
SIGKILL to itself, at once or some milliseconds later; "full" makes this and every later write fail with ENOSPC.

Forking is safe here: one thread (OMP_NUM_THREADS=1), and the server itself computes nothing, so no thread pool exists.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
PRELOADED = (
    "torch pyarrow.parquet tokenizers zstandard pydivsufsort safetensors.torch groundup.cli.run groundup.pipeline "
    "groundup.api groundup.report.page " + " ".join(f"groundup.{room}.stage" for room in ("collect", "clean"))
).split()


@dataclass(frozen=True)
class Ended:
    """How a child ended. code: exit code, negative for a signal. changes: changes seen, by stage folder."""

    code: int
    errors: str
    changes: dict[str, int]

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Forks:
    """The client's side: one server process."""

    def __enter__(self) -> Forks:
        command = [sys.executable, "-m", "tests.faults.fork_server"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[2]
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def groundup(
        self,
        arguments: list[str],
        folder: Path,
        *,
        at: tuple[str, int] | None = None,
        fault: str = "kill",
        delay: float = 0.0,
    ) -> Ended:
        """Run one command. at: (stage folder, or "" for any place in the run; the number of the change, from 1)."""
        request = {"arguments": arguments, "folder": str(folder), "at": at, "fault": fault, "delay": delay}
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return Ended(**json.loads(self.process.stdout.readline()))


class Watch:
    """The audit hook of a child."""

    def __init__(self, folder: str, at: list[Any] | None, fault: str, delay: float) -> None:
        self.folder, self.at, self.fault, self.delay = folder + "/", at, fault, delay
        self.changes: dict[str, int] = {}
        self.total = 0
        self.full = False

    def __call__(self, event: str, values: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = values
            if not isinstance(flags, int) or not flags & WRITES:
                return
        elif event in CHANGES:
            path = values[0]
        else:
            return
        if not isinstance(path, str | os.PathLike) or not str(path).startswith(self.folder):
            return
        stage = str(path)[len(self.folder) :].split("/")[0]
        stage = stage if stage[0].isdigit() else "run"
        self.changes[stage] = self.changes.get(stage, 0) + 1
        self.total += 1
        if self.at is not None and self.at[1] == (
            self.changes[stage] if self.at[0] == stage else 0 if self.at[0] else self.total
        ):
            self.strike()
        if self.full and event == "open":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

    def strike(self) -> None:
        """Now."""
        if self.fault == "full":
            self.full = True
            os.fsync = _no_space  # what was opened before cannot be finished either
        elif self.delay:
            threading.Timer(self.delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
        else:
            os.kill(os.getpid(), signal.SIGKILL)


def _no_space(handle: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def child(request: dict[str, Any], results: int, errors: int) -> None:
    """Run the command; its counts go to the pipe `results`, its stderr to `errors`. Never returns."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(errors, 2)
    code = 70
    try:
        from groundup.cli.main import main

        watch = Watch(request["folder"], request["at"], request["fault"], request["delay"])
        sys.addaudithook(watch)
        code = main(request["arguments"])
        os.write(results, json.dumps(watch.changes).encode())
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """One line in, one child, one line out."""
    import importlib
    import tempfile

    for name in PRELOADED:
        importlib.import_module(name)
    from groundup.stages import STAGES

    for stage in STAGES:
        importlib.import_module(stage.front_door.split(":")[0])
    for line in sys.stdin:
        results, write_end = os.pipe()
        with tempfile.TemporaryFile() as errors:
            if (number := os.fork()) == 0:
                child(json.loads(line), write_end, errors.fileno())
            os.close(write_end)
            with os.fdopen(results, "rb") as pipe:
                changes = json.loads(pipe.read() or b"{}")
            _, status = os.waitpid(number, 0)
            errors.seek(0)
            told = errors.read().decode("utf-8", "replace")
        row = {"code": os.waitstatus_to_exitcode(status), "errors": told, "changes": changes}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    serve()
