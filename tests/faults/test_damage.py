"""Files of a run that are damaged, of another recipe, or in use: named, never overwritten, repaired by what is printed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundup.core.files import sha256_of

Groundup = Callable[..., Any]


@pytest.fixture
def run_folder(tiny_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_run, tmp_path / "tiny"))


def weights(folder: Path) -> str:
    return sha256_of(folder / "8_release" / "model.safetensors")


def repair(result: Any) -> list[str]:
    """The options that the message prints: ["--again", "clean"]."""
    found = re.search(r"(--again) (\w+)", result.err)
    assert found, result.err
    return list(found.groups())


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 99}', b'{"format": 1}', b"[1]", b"\xff\x00"])
def test_a_corrupted_manifest(groundup: Groundup, run_folder: Path, content: bytes) -> None:
    (run_folder / "2_clean" / "manifest.json").write_bytes(content)
    result = groundup("run", "tiny", "--out", run_folder)
    assert result.code == 1 and "2_clean/manifest.json" in result.err and "Traceback" not in result.err
    assert groundup("run", "tiny", "clean", "--out", run_folder, *repair(result)).code == 0
    assert (run_folder / ".superseded" / "2_clean-1").is_dir(), "moved aside, not deleted"


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("1_collect/documents/stories-00000.parquet", "collect"),
        ("3_tokenizer/tokens/train.bin", "tokenizer"),
        ("4_pretrain/model/model.safetensors", "pretrain"),
    ],
)
def test_a_file_cut_off_or_gone(groundup: Groundup, run_folder: Path, tiny_run: Path, name: str, stage: str) -> None:
    path = run_folder / name
    path.write_bytes(path.read_bytes()[:-7])
    result = groundup("run", "tiny", "--out", run_folder)
    assert result.code == 1 and path.name in result.err and repair(result)[1] == stage
    path.unlink()
    result = groundup("run", "tiny", "--out", run_folder)
    assert result.code == 1 and f"{path.name} is missing" in result.err
    assert groundup("run", "tiny", "--out", run_folder, *repair(result)).code == 0
    assert weights(run_folder) == weights(tiny_run), "made again, it is what it was"


def test_a_shard_damaged_inside_is_named_by_who_reads_it(groundup: Groundup, run_folder: Path) -> None:
    path = run_folder / "1_collect" / "documents" / "stories-00000.parquet"
    path.write_bytes(b"PAR1" + bytes(path.stat().st_size - 4))
    result = groundup("run", "tiny", "clean", "--out", run_folder, "--again", "clean")
    assert result.code == 1 and path.name in result.err and "Traceback" not in result.err
    assert groundup("run", "tiny", "clean", "--out", run_folder, "--again", "collect").code == 0


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_damaged_model_folder_is_refused_with_the_file(groundup: Groundup, run_folder: Path, name: str) -> None:
    path = run_folder / "8_release" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for arguments in (
        ("generate", run_folder, "--prompt", "x"),
        ("chat", run_folder),
        ("export", run_folder, "hf", "--out", run_folder / "x"),
    ):
        result = groundup(*arguments)
        assert result.code == 1 and name in result.err and "Traceback" not in result.err, arguments
    assert not (run_folder / "x").exists()


def test_a_damaged_plan_or_recipe_is_named(groundup: Groundup, run_folder: Path) -> None:
    (run_folder / "plan.json").write_bytes(b"{")
    result = groundup("run", "tiny", "--out", run_folder)
    assert result.code == 1 and "plan.json" in result.err
    (run_folder / "recipe.toml").write_bytes(b"name = ")
    result = groundup("run", "tiny", "--out", run_folder)
    assert result.code == 1 and "unreadable recipe" in result.err
    assert (run_folder / "recipe.toml").read_bytes() == b"name = ", "left as it was"


def test_a_run_of_another_recipe_is_not_overwritten(groundup: Groundup, run_folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run_folder.rglob("*.json*")}
    result = groundup("run", "demo", "--out", run_folder)
    assert result.code == 1 and "holds a run of another recipe ('tiny', not 'demo')" in result.err
    assert {path: path.stat().st_mtime_ns for path in run_folder.rglob("*.json*")} == before


def test_two_runs_at_once_in_one_folder(groundup: Groundup, run_folder: Path) -> None:
    import fcntl

    with open(run_folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = groundup("run", "tiny", "--out", run_folder)
    assert result.code == 1 and f"Another run is working in {run_folder}" in result.err
    assert groundup("run", "tiny", "--out", run_folder).code == 0, "free again, it goes on"
