"""Several processes train as one does: the same losses, the same weights; saved by four, continued by two and by one."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from groundup.core.errors import RecipeError
from groundup.model.families import build
from groundup.train.objectives import causal
from groundup.train.parallel import arrange
from groundup.train.team import Team
from tests.train import toys

ROOT = Path(__file__).parents[2]


def together(processes, folder, steps, *changes, restarts=0, seconds=900):
    """Train in `folder` with that many processes (gloo), by the real torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += [f"--max-restarts={restarts}", "-m", "tests.train.team_of_toys", str(folder), str(steps), *changes]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr[-3000:]
    return load_file(Path(folder) / "final.safetensors"), losses_of(folder)


def losses_of(folder):
    rows = map(json.loads, (Path(folder) / "metrics.jsonl").read_text().splitlines())
    return [row["loss"] for row in rows if row["kind"] == "step"]


def alone(folder, steps, **changes):
    module, _ = toys.run(folder, steps, module=toys.without_dropout(), **changes)
    return module.state_dict(), losses_of(folder)


def assert_alike(found, expected):
    """(weights, losses): losses to 1e-5, weights to what ten steps make of it."""
    assert found[1] == pytest.approx(expected[1], abs=1e-5)
    for name, tensor in expected[0].items():
        torch.testing.assert_close(found[0][name], tensor, atol=2e-4, rtol=1e-3)


def test_two_processes_with_shares_equal_one_and_one_goes_on(tmp_path):
    """The short proof: FSDP2, Muon and AdamW, accumulation; a batch of 4 rows; saved by two, continued by one."""
    expected = alone(tmp_path / "one", 6, accumulate=2)
    together(2, tmp_path / "two", 6, "accumulate=2", "parallel=fsdp", "stop_at=4", "average=0.5", "patience=9")
    assert len(list((tmp_path / "two").glob(".checkpoints/step-00000004/weights.*.safetensors"))) == 2
    assert len(list((tmp_path / "two").glob(".checkpoints/best/step-00000003/weights.*.safetensors"))) == 2
    continued = alone(tmp_path / "two", 6, accumulate=2, average=0.5, patience=9)
    assert continued[1] == pytest.approx(expected[1], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
@pytest.mark.parametrize("processes", [2, 4])
def test_a_team_equals_one_process(tmp_path, processes, kind, optimizer):
    expected = alone(tmp_path / "one", 8, accumulate=2, optimizer=optimizer)
    found = together(
        processes, tmp_path / "team", 8, "accumulate=2", f"parallel={kind}", f"optimizer={optimizer}", "stop_at=8"
    )
    assert_alike(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_saved_by_four_continued_by_two_then_by_one(tmp_path, kind):
    expected = alone(tmp_path / "one", 12)
    together(4, tmp_path / "team", 12, f"parallel={kind}", "stop_at=4")
    together(2, tmp_path / "team", 12, f"parallel={kind}", "stop_at=8")
    assert_alike(alone(tmp_path / "team", 12), expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_a_process_killed_in_the_middle_is_started_again_and_the_bits_are_the_same(tmp_path, kind):
    """Elastic restart: torchrun starts all anew, and they go on from the last checkpoint."""
    whole = together(2, tmp_path / "whole", 12, f"parallel={kind}", "dropout=0.1")
    killed = together(2, tmp_path / "killed", 12, f"parallel={kind}", "dropout=0.1", "kill_at=7", restarts=1)
    assert (tmp_path / "killed" / "was_killed").exists()
    assert killed[1] == whole[1]
    for name, tensor in whole[0].items():
        assert torch.equal(killed[0][name], tensor), name


def test_rows_of_a_batch_are_shared_without_rest():
    rows = torch.arange(10).view(5, 2)
    shares = [rows[rank::2] for rank in range(2)]
    assert sorted(torch.cat(shares)[:, 0].tolist()) == rows[:, 0].tolist()


def test_more_processes_than_rows_are_refused():
    with pytest.raises(RecipeError, match="some would have nothing to do"):
        arrange("ddp", toys.without_dropout(), causal, Team(0, 8), torch.device("cpu"), batch_size=4)


def test_experts_are_not_cut_into_shares():
    module = build(replace(toys.CONFIG, dropout=0.0, family="custom", num_experts=2), seed=1)
    with pytest.raises(RecipeError, match="every expert"):
        arrange("fsdp", module, causal, Team(0, 2), torch.device("cpu"), batch_size=4)
