"""kill -9 at any moment, then run again: the final weights have the bits of a run that was never killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from groundup.core.errors import Interrupted
from groundup.train import checkpoint
from tests.train import toys

STEPS = 40
SLOW_WRITES = """
import os, runpy, sys, time
write = os.write
def slow(handle, data):  # many small writes: a kill often falls inside of a checkpoint
    time.sleep(0.0005)
    return write(handle, data[: 1 + len(data) // 3])
os.write = slow
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def start(folder, log):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SLOW_WRITES, str(Path(toys.__file__)), str(folder), str(STEPS)]
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


class Forked:
    """The same run in a fork of this process: what a new interpreter would spend on imports is saved."""

    def __init__(self, folder, log):
        self.status = None
        self.pid = os.fork()
        if self.pid == 0:  # pragma: no cover
            write = os.write
            os.write = lambda handle, data: (time.sleep(0.0005), write(handle, data[: 1 + len(data) // 3]))[1]
            try:
                torch.set_num_threads(1)
                module, _ = toys.run(folder, STEPS, checkpoint_every_steps=1)
                save_file(module.state_dict(), folder / "final.safetensors")
                os._exit(0)
            finally:
                os._exit(1)

    def poll(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status

    def wait(self, seconds=60):
        deadline = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return self.status

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)


def expected_weights(folder):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    module, _ = toys.run(folder, STEPS)
    torch.set_num_threads(threads)
    return module.state_dict()


def kill_and_continue(tmp_path, kills, seed, start=start):
    """Kill `kills` times at random moments of training, then let it end; every restart must find a valid checkpoint."""
    expected = expected_weights(tmp_path / "whole")
    folder, chance, inside = tmp_path / "killed", random.Random(seed), 0
    place = folder / ".checkpoints"
    with open(tmp_path / "log", "wb") as log:
        for _ in range(kills):
            begun = len(list(place.glob("step-*"))) and max(place.glob("step-*")).name
            process = start(folder, log)
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:  # wait until it trains (import takes longest)
                newest = max((path.name for path in place.glob("step-*")), default=0)
                if newest and newest != begun:
                    break
                time.sleep(0.002)
            time.sleep(chance.random() * 0.03)
            process.send_signal(signal.SIGKILL)
            process.wait()
            inside += bool(list(place.glob(".writing-*")))
            assert checkpoint.load_newest(place) is not None
        assert start(folder, log).wait(120) == 0, (tmp_path / "log").read_text()
    weights = load_file(folder / "final.safetensors")
    for name, tensor in expected.items():
        assert torch.equal(tensor, weights[name]), name
    return inside


def test_killed_and_continued_ends_with_the_same_bits(tmp_path):
    kill_and_continue(tmp_path, kills=4, seed=0, start=Forked)


@pytest.mark.slow
def test_killed_at_many_points_ends_with_the_same_bits(tmp_path):
    inside = 0
    for seed in range(10):  # new interpreters once, which spend their time on imports; then forks
        inside += kill_and_continue(tmp_path / str(seed), 20, seed, start=Forked if seed else start)
    assert inside > 0, "no kill fell inside of a write: the test proves less than it says"


@pytest.mark.parametrize("point", range(6))
def test_killed_inside_a_system_call_of_a_checkpoint_ends_with_the_same_bits(tmp_path, monkeypatch, point):
    """A child process dies (os._exit, no cleaning up) in its n-th call of write, fsync or rename."""
    expected = expected_weights(tmp_path / "whole")
    calls = random.Random(point).randrange(1, 450)
    child = os.fork()
    if child == 0:  # pragma: no cover
        left = [calls]

        def deadly(call):
            def wrapped(*arguments, **options):
                left[0] -= 1
                if left[0] <= 0:
                    os._exit(9)
                return call(*arguments, **options)

            return wrapped

        for name in ("write", "fsync", "rename"):
            setattr(os, name, deadly(getattr(os, name)))
        try:
            torch.set_num_threads(1)
            toys.run(tmp_path / "killed", STEPS, checkpoint_every_steps=1)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9, "the run ended before its kill"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    module, _ = toys.run(tmp_path / "killed", STEPS)
    torch.set_num_threads(threads)
    for name, tensor in expected.items():
        assert torch.equal(tensor, module.state_dict()[name]), name


@pytest.mark.parametrize("at", [0, 1, 7, 29])
def test_stopped_and_continued_ends_with_the_same_bits(tmp_path, at):
    expected, whole = toys.run(tmp_path / "whole", 30, accumulate=2)
    asked = iter(range(1000))
    with pytest.raises(Interrupted, match=f"step {at} of 30"):
        toys.run(tmp_path / "stopped", 30, accumulate=2, stop=lambda: next(asked) == at)
    module, summary = toys.run(tmp_path / "stopped", 30, accumulate=2)
    for name, tensor in expected.state_dict().items():
        assert torch.equal(tensor, module.state_dict()[name]), name
    assert (summary.tokens, summary.loss) == (whole.tokens, whole.loss)
