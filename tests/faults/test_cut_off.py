"""kill -9, a full disk, a damaged checkpoint: cut off at any moment and run again, the weights are the same bits.

The runs are children of a fork server (see fork_server.py): the real command, cut off by a real SIGKILL at a chosen
change of files, in every stage.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup.core.files import sha256_of
from tests.faults.fork_server import Ended, Forks

# Where the ten kills of `make test` fall: stage folder, and how far through its changes of files, after continuing.
MOMENTS = [
    ("1_collect", 0.1),
    ("1_collect", 0.9),
    ("2_clean", 0.5),
    ("3_tokenizer", 0.2),
    ("3_tokenizer", 0.8),
    ("4_pretrain", 0.4),  # inside the writing of a checkpoint or between two steps
    ("4_pretrain", 0.55),
    ("5_finetune", 0.5),
    ("6_evaluate", 0.6),
    ("8_release", 0.5),
]


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as server:
        yield server


@pytest.fixture(scope="module")
def whole(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], str]:
    """A run that is never cut off: its changes of files by stage, and its final weights."""
    folder = tmp_path_factory.mktemp("whole") / "tiny"
    ended = run(forks, folder)
    assert ended.code == 0, ended.errors
    return ended.changes, weights(folder)


def run(
    forks: Forks, folder: Path, at: tuple[str, int] | None = None, fault: str = "kill", delay: float = 0.0
) -> Ended:
    return forks.groundup(["run", "tiny", "--out", str(folder), "--quiet"], folder, at=at, fault=fault, delay=delay)


def weights(folder: Path) -> str:
    return sha256_of(folder / "8_release" / "model.safetensors")


def test_a_child_of_the_server_makes_what_any_process_makes(whole: tuple[dict[str, int], str], tiny_run: Path) -> None:
    assert whole[1] == weights(tiny_run)


def test_killed_in_every_stage_it_ends_with_the_same_weights(
    forks: Forks, whole: tuple[dict[str, int], str], tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    for stage, share in MOMENTS:
        ended = run(forks, folder, at=(stage, 1 + int(share * whole[0][stage])))
        assert ended.killed, f"no kill at {share} of {stage}: {ended.errors}"
        assert not (folder / stage / "manifest.json").exists(), "a killed stage never looks finished"
    last = run(forks, folder)
    assert last.code == 0, last.errors
    assert weights(folder) == whole[1]


@pytest.mark.slow
def test_killed_two_hundred_times(forks: Forks, whole: tuple[dict[str, int], str], tmp_path: Path) -> None:
    """Runs of which each start is killed after 1 to 80 changes and up to 30 ms more, until 200 kills have fallen."""
    chance, kills, attempt = random.Random(1), 0, 0
    stages: set[str] = set()
    while kills < 200:
        attempt += 1
        folder = tmp_path / str(attempt) / "tiny"
        while True:
            delay = chance.choice([0.0, chance.random() * 0.03])
            ended = run(forks, folder, at=("", chance.randint(1, 80)), delay=delay)
            if not ended.killed:
                break
            kills += 1
            made = sorted(path.name for path in folder.glob("[0-9]_*") if path.is_dir()) if folder.exists() else []
            stages.update(made[-1:])
        assert ended.code == 0, ended.errors
        assert weights(folder) == whole[1], f"attempt {attempt}"
    assert len(stages) == 8, f"kills fell only in {stages}"


def test_a_full_disk_is_told_and_the_next_run_continues(
    forks: Forks, whole: tuple[dict[str, int], str], tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    for stage in ("run", "1_collect", "2_clean", "3_tokenizer", "4_pretrain", "5_finetune", "6_evaluate", "8_release"):
        place = 1 if stage == "run" else 1 + whole[0][stage] // 2
        ended = run(forks, folder, at=(stage, place), fault="full")
        assert ended.code == 1 and "Traceback" not in ended.errors, (stage, ended.errors)
        assert "disk is full" in ended.errors or "cannot be written" in ended.errors, (stage, ended.errors)
        assert not (folder / stage / "manifest.json").exists()
    last = run(forks, folder)
    assert last.code == 0 and weights(folder) == whole[1], last.errors


def test_a_damaged_checkpoint_is_passed_over_and_all_damaged_is_an_error(
    forks: Forks, whole: tuple[dict[str, int], str], tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    assert run(forks, folder, at=("4_pretrain", 1 + whole[0]["4_pretrain"] * 3 // 4)).killed
    saved = sorted((folder / "4_pretrain" / ".checkpoints").glob("step-*/weights.safetensors"))
    assert len(saved) == 2
    originals = [path.read_bytes() for path in saved]
    for path, data in zip(saved, originals, strict=True):
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    refused = run(forks, folder)
    assert refused.code == 1 and "checkpoints" in refused.errors and "damaged" in refused.errors
    saved[0].write_bytes(originals[0])  # the older one is whole again: the newer is passed over
    last = run(forks, folder)
    assert last.code == 0 and weights(folder) == whole[1], last.errors
