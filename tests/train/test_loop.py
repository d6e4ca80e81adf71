"""The loop: it learns, it clips, it survives NaN and a full disk, and it logs every step once."""

import errno
import json
import os

import pytest
import torch

from groundup.core.console import Console
from groundup.core.errors import ArtifactError, DataError, Interrupted
from groundup.train.objectives import Loss, causal
from tests.train import toys


def rows_of(folder, kind="step"):
    return [row for row in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()) if row["kind"] == kind]


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_it_learns(tmp_path, optimizer):
    toys.run(tmp_path, 60, optimizer=optimizer, learning_rate=0.03)
    losses = [row["loss"] for row in rows_of(tmp_path)]
    assert sum(losses[-5:]) < 0.93 * sum(losses[:5])  # half of the tokens are noise: ln 40 = 3.69 is their floor


def test_accumulating_equals_one_large_batch(tmp_path):
    """Two batches of four in one step move the weights as their joined batch of eight does."""

    class Joined(toys.CountingBatches):
        def next(self):
            first, second = super().next(), super().next()
            return {name: torch.cat((first[name], second[name])) for name in ("ids_BT", "targets_BT")}

    config = {"module": None, "optimizer": "adamw"}
    twice, _ = toys.run(tmp_path / "a", 3, accumulate=2, **{**config, "module": no_dropout()})
    once, _ = toys.run(tmp_path / "b", 3, **{**config, "module": no_dropout(), "batches": Joined()})
    for name, tensor in twice.state_dict().items():
        torch.testing.assert_close(tensor, once.state_dict()[name], atol=1e-5, rtol=1e-4)


def no_dropout():
    from dataclasses import replace

    from groundup.model.families import build

    return build(replace(toys.CONFIG, dropout=0.0), seed=1)


def test_gradients_are_clipped_to_the_norm(tmp_path):
    seen = []

    def steep(module, batch):
        loss = causal(module, batch)
        return Loss(loss.loss * 1000, loss.count)

    module = no_dropout()
    module.norm.weight.register_post_accumulate_grad_hook(lambda p: seen.append(p))
    toys.run(tmp_path, 1, module=module, objective=steep, clip=1.0)
    total = torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in module.parameters() if p.grad is not None]))
    assert seen
    assert total.item() == pytest.approx(1.0, rel=1e-4)
    assert rows_of(tmp_path)[0]["grad_norm"] > 100


def bad_at(*numbers):
    def objective(module, batch):
        loss = causal(module, {name: batch[name] for name in ("ids_BT", "targets_BT")})
        return Loss(loss.loss * (float("nan") if int(batch["number"]) in numbers else 1.0), loss.count)

    return objective


def test_a_batch_without_a_finite_loss_is_skipped(tmp_path):
    module, summary = toys.run(tmp_path, 10, objective=bad_at(4))
    assert (summary.steps, summary.skipped, summary.rollbacks) == (10, 1, 0)
    assert all(torch.isfinite(p).all() for p in module.parameters())
    assert len(rows_of(tmp_path)) == 10


def test_broken_weights_roll_back_and_take_other_batches(tmp_path):
    _, summary = toys.run(tmp_path, 10, objective=bad_at(5, 6, 7), checkpoint_every_steps=2)
    assert (summary.steps, summary.skipped, summary.rollbacks) == (10, 3, 1)


def test_training_that_cannot_recover_says_what_to_lower(tmp_path):
    with pytest.raises(DataError, match="learning_rate"):
        toys.run(tmp_path, 10, objective=bad_at(*range(3, 100)), checkpoint_every_steps=2)


def test_a_resumed_run_logs_every_step_once(tmp_path):
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        toys.run(tmp_path, 10, checkpoint_every_steps=4, stop=lambda: next(asked) == 6)
    with open(tmp_path / "metrics.jsonl", "a") as file:  # a step after the checkpoint, and a line cut by a kill
        file.write('{"kind": "step", "step": 7, "loss": 1}\n{"kind": "st')
    toys.run(tmp_path, 10)
    assert [row["step"] for row in rows_of(tmp_path)] == list(range(1, 11))
    assert [row["step"] for row in rows_of(tmp_path, "validation")] == [3, 6, 9, 10]


def test_checkpoints_of_other_settings_are_refused(tmp_path):
    toys.run(tmp_path, 4)
    with pytest.raises(ArtifactError, match="other settings"):
        toys.run(tmp_path, 4, learning_rate=0.5)


def test_what_only_looks_may_change_when_continuing(tmp_path):
    toys.run(tmp_path, 4)
    _, summary = toys.run(tmp_path, 4, eval_every=1, checkpoint_every_seconds=5)
    assert summary.steps == 4


def full_disk(monkeypatch, after):
    real, calls = os.fsync, [0]

    def fsync(handle):
        calls[0] += 1
        if calls[0] > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return real


def test_a_full_disk_in_the_middle_is_survived_at_the_end_it_is_an_error(tmp_path, monkeypatch, capsys):
    full_disk(monkeypatch, after=12)
    with pytest.raises(ArtifactError, match=r"step 8 cannot be written.*No space"):
        toys.run(tmp_path, 8, checkpoint_every_steps=1, console=Console())
    assert "going on" in capsys.readouterr().err
    monkeypatch.undo()
    module, _ = toys.run(tmp_path, 8)
    expected, _ = toys.run(tmp_path / "whole", 8)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), expected.parameters(), strict=True))


def test_a_terminal_line_tells_loss_rate_norm_speed_and_time_left(tmp_path, capsys):
    toys.run(tmp_path, 20, console=Console())
    line = next(line for line in capsys.readouterr().err.splitlines() if "step      1 of 20" in line)
    assert all(word in line for word in ("loss", "rate", "norm", "tok/s", "left"))
