"""A disk that fails under a training: at every call in turn, in every way. There is always a valid checkpoint, the run tells
what happened, and what is continued ends with the bits of a run on a good disk."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from groundup.core.errors import ArtifactError
from groundup.train import checkpoint
from tests.train import toys

STEPS = 4
CALLS = ("write", "fsync", "rename")
FAULTS = {"full": errno.ENOSPC, "broken": errno.EIO, "short": 0}


def count_calls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often a run of STEPS steps makes each call."""
    seen = dict.fromkeys(CALLS, 0)
    for name in CALLS:
        real = getattr(os, name)

        def counting(*arguments: Any, name: str = name, real: Callable[..., Any] = real) -> Any:
            seen[name] += 1
            return real(*arguments)

        monkeypatch.setattr(os, name, counting)
    toys.run(folder, STEPS, checkpoint_every_steps=1)
    monkeypatch.undo()
    return seen


def fail_at(monkeypatch: pytest.MonkeyPatch, name: str, number: int, fault: str) -> None:
    """The `number`-th call (from 1) of os.`name` fails, or (short) writes one byte only; the others are real."""
    real, seen = getattr(os, name), [0]

    def failing(*arguments: Any) -> Any:
        seen[0] += 1
        if seen[0] != number:
            return real(*arguments)
        if fault == "short":
            return real(arguments[0], bytes(arguments[1])[:1])
        raise OSError(FAULTS[fault], os.strerror(FAULTS[fault]))

    monkeypatch.setattr(os, name, failing)


def survives(folder: Path, expected: Any, monkeypatch: pytest.MonkeyPatch, name: str, number: int, fault: str) -> None:
    """One run with one fault, and its continuation."""
    fail_at(monkeypatch, name, number, fault)
    try:
        toys.run(folder, STEPS, checkpoint_every_steps=1)
    except ArtifactError as error:  # at the last checkpoint: told, with the repair
        assert "cannot be written" in error.message and error.repair
    monkeypatch.undo()
    assert checkpoint.load_newest(folder / ".checkpoints") is not None, f"{name} {number} {fault}: no valid checkpoint"
    assert not list((folder / ".checkpoints").glob(".writing-*"))
    module, _ = toys.run(folder, STEPS)
    for key, tensor in expected.state_dict().items():
        assert torch.equal(tensor, module.state_dict()[key]), f"{name} {number} {fault}: {key}"


@pytest.mark.parametrize(
    ("name", "fault"), [("write", "full"), ("write", "short"), ("fsync", "broken"), ("rename", "broken")]
)
def test_a_call_that_fails_in_the_middle_loses_nothing(
    name: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short form: three places of each kind, the last call among them."""
    expected, _ = toys.run(tmp_path / "good", STEPS)
    total = count_calls(tmp_path / "counted", monkeypatch)[name]
    # Before the first checkpoint is whole there is none to fall back on; that case has a test of its own.
    first = total // STEPS + 1
    for number in (first, (first + total) // 2, total):
        survives(tmp_path / f"{number}", expected, monkeypatch, name, number, fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CALLS)
def test_every_call_in_turn(name: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "short" and name != "write":
        pytest.skip("only a write can be short")
    expected, _ = toys.run(tmp_path / "good", STEPS)
    total = count_calls(tmp_path / "counted", monkeypatch)[name]
    assert total >= STEPS * (1 if name == "rename" else 5)
    for number in range(total // STEPS + 1, total + 1):
        survives(tmp_path / f"{number}", expected, monkeypatch, name, number, fault)


def test_a_disk_full_from_the_start_is_told_and_the_run_can_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(ArtifactError, match="No space"):
        toys.run(tmp_path / "full", STEPS, checkpoint_every_steps=1)
    monkeypatch.setattr(os, "write", real)
    expected, _ = toys.run(tmp_path / "good", STEPS)
    module, _ = toys.run(tmp_path / "full", STEPS)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), expected.parameters(), strict=True))


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_flipped_bit_of_the_newest_is_found_and_the_one_before_used(place: str, tmp_path: Path) -> None:
    expected, _ = toys.run(tmp_path / "good", 6)
    toys.run(tmp_path / "run", 6, checkpoint_every_steps=3)
    newest = max((tmp_path / "run" / ".checkpoints").glob("step-*"))
    for path in sorted(newest.iterdir()):
        good = path.read_bytes()
        at = {"first": 0, "middle": len(good) // 2, "last": len(good) - 1}[place]
        path.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
        notes: list[str] = []
        found = checkpoint.load_newest(tmp_path / "run" / ".checkpoints", notes.append)
        assert found is not None and found.step == 3 and "step-00000006" in notes[0], path.name
        path.write_bytes(good)
    path.write_bytes(good[:-1])
    module, _ = toys.run(tmp_path / "run", 6)  # does the last three steps again
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), expected.parameters(), strict=True))


TERM = """
import sys
from pathlib import Path
from groundup.cli.main import main
sys.exit(main(["run", "tiny", "pretrain", "--out", sys.argv[1], "--quiet", "--set", "pretrain.steps=100000",
               "--set", "pretrain.checkpoint_every_steps=0", "--set", "pretrain.eval_every=0",
               "--set", "pretrain.sample_every=0"]))
"""


@pytest.mark.slow
def test_sigterm_saves_and_the_run_goes_on_from_there(tmp_path: Path) -> None:
    """A real run of the real command, told to end in the middle of pretraining: exit 130, and a checkpoint of that step."""
    run = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", TERM, str(run)], stderr=subprocess.PIPE, text=True)
    metrics = run / "4_pretrain" / "metrics.jsonl"
    deadline = time.monotonic() + 300
    while (not metrics.exists() or len(metrics.read_text().splitlines()) < 5) and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "everything so far is saved" in errors
    found = checkpoint.load_newest(run / "4_pretrain" / ".checkpoints")
    assert found is not None and found.step >= 4
