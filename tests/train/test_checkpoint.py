"""Checkpoints: one flipped bit is found, a failing disk loses nothing, the one before is used."""

import errno
import os

import pytest
import torch

from groundup.core.errors import ArtifactError
from groundup.train import checkpoint
from groundup.train.checkpoint import Checkpoint


def one(step, value=1.0):
    return Checkpoint(
        step,
        {"weights": {"a": torch.full((5,), value)}, "random": {"torch": torch.arange(4, dtype=torch.uint8)}},
        {"seconds": 0.1 + step, "batches": {"row": step}},
    )


def test_what_was_saved_is_loaded(tmp_path):
    checkpoint.save(tmp_path, one(3, 0.1))
    found = checkpoint.load_newest(tmp_path)
    assert (found.step, found.state) == (3, one(3).state)
    assert torch.equal(found.tensors["weights"]["a"], torch.full((5,), 0.1))
    assert found.tensors["random"]["torch"].dtype == torch.uint8


def test_no_checkpoint_yet_is_no_error(tmp_path):
    assert checkpoint.load_newest(tmp_path / "nowhere") is None


def test_only_the_newest_are_kept(tmp_path):
    for step in (1, 2, 3, 4):
        checkpoint.save(tmp_path, one(step), keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000003", "step-00000004"]


def test_any_flipped_bit_is_found(tmp_path):
    folder = checkpoint.save(tmp_path, one(1))
    for path in sorted(folder.iterdir()):
        good = path.read_bytes()
        for place in range(len(good)):
            bad = bytearray(good)
            bad[place] ^= 1 << (place % 8)
            path.write_bytes(bytes(bad))
            with pytest.raises(ArtifactError):
                checkpoint.load(folder)
        path.write_bytes(good)
    assert checkpoint.load(folder).step == 1


@pytest.mark.parametrize("name", ["weights.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "empty"])
def test_a_damaged_one_is_passed_over_and_said(tmp_path, name, damage):
    checkpoint.save(tmp_path, one(1))
    path = checkpoint.save(tmp_path, one(2)) / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if damage == "cut" else b"")
    notes = []
    assert checkpoint.load_newest(tmp_path, notes.append).step == 1
    assert len(notes) == 1
    assert "step-00000002" in notes[0]


def test_when_all_are_damaged_nothing_starts_over_silently(tmp_path):
    (checkpoint.save(tmp_path, one(1)) / "state.json").write_text("{}")
    with pytest.raises(ArtifactError, match="All 1 checkpoints"):
        checkpoint.load_newest(tmp_path)


def test_a_damaged_one_of_the_same_step_is_replaced(tmp_path):
    (checkpoint.save(tmp_path, one(2)) / "state.json").write_text("{}")
    checkpoint.save(tmp_path, one(2))
    assert checkpoint.load_newest(tmp_path).step == 2


CALLS = ("write", "fsync", "rename", "open")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_whichever_call_fails_the_one_before_stays_valid(tmp_path, monkeypatch, call, error):
    checkpoint.save(tmp_path, one(1))
    real, failures = getattr(os, call), 0
    for index in range(12):
        seen = [0]

        def failing(*arguments, seen=seen, index=index, **options):
            seen[0] += 1
            if seen[0] == index + 1:
                raise OSError(error, os.strerror(error))
            return real(*arguments, **options)

        monkeypatch.setattr(os, call, failing)
        try:
            checkpoint.save(tmp_path, one(2 + index))
        except OSError:
            failures += 1
        monkeypatch.setattr(os, call, real)
        assert checkpoint.load_newest(tmp_path) is not None
        assert not list(tmp_path.glob(".writing-*")) or index == 0
    assert failures >= 1


def test_a_short_write_is_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:7]))
    checkpoint.save(tmp_path, one(1))
    assert checkpoint.load_newest(tmp_path).step == 1


def test_mode_bits_follow_the_umask(tmp_path):
    umask = os.umask(0o022)
    try:
        folder = checkpoint.save(tmp_path, one(1))
    finally:
        os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
