"""Shared by all tests: no network, one thread, folders that vanish."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0"}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection but to this machine fails the test that tries it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            assert isinstance(address, tuple) and address[0] in LOOPBACK, f"a test tried to reach {address}"
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@dataclass(frozen=True)
class Result:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)


@pytest.fixture
def groundup(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """The command, called in this process: ``groundup("show", folder, "--json", stdin="")``."""

    def call(*arguments: object, stdin: str = "") -> Result:
        from groundup.cli.main import main

        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real public data; tests that use it are skipped where it is not named."""
    folder = os.environ.get("GROUNDUP_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GROUNDUP_REAL_DATA names no folder of real data")
    return Path(folder)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of recipes/tiny.toml, made once for all workers. Look, do not touch: copy it to change it."""
    import fcntl

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "tiny_run" / "runs" / "tiny"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(shared / "tiny_run.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "report.html").is_file():
            from groundup.core.console import Console
            from groundup.pipeline import run

            run("tiny", out=folder, console=Console(quiet=True))
    return folder
