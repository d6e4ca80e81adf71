"""A stage is skipped while its manifest matches, redone when anything it depends on changed, never half finished."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from groundup.core.errors import ArtifactError
from groundup.core.manifest import check_outputs, has_manifest, read_manifest
from groundup.core.stage import Context, carry_out


class Counting:
    """A stage that writes one file and counts how often it was asked to; it can die in the middle."""

    def __init__(self) -> None:
        self.calls = 0
        self.die = False
        self.saw: list[str] = []

    def __call__(self, options: Any, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
        self.calls += 1
        self.saw = sorted(path.name for path in output.iterdir())
        (output / "half.txt").write_text("half")
        if self.die:
            raise KeyboardInterrupt
        (output / "whole.txt").write_text(str(options))
        return {"files": 2}


def make(stage: Counting, tmp_path: Path, options: Any = "a", *, version: int = 1, **more: Any) -> bool:
    seed = more.pop("seed", 1)
    _, made = carry_out("demo", version, stage, options, {}, tmp_path / "1_demo", Context(seed=seed), **more)
    return made


def test_the_second_time_nothing_is_done(tmp_path: Path) -> None:
    stage = Counting()
    assert make(stage, tmp_path) and not make(stage, tmp_path)
    assert stage.calls == 1


@pytest.mark.parametrize("change", [{"options": "b"}, {"version": 2}, {"seed": 2}, {"depends": ["x"]}, {"again": True}])
def test_it_is_made_anew_when_anything_changed_and_the_old_is_kept(tmp_path: Path, change: dict[str, Any]) -> None:
    stage = Counting()
    make(stage, tmp_path)
    assert make(stage, tmp_path, **change)
    assert (tmp_path / ".superseded" / "1_demo-1" / "whole.txt").read_text() == "a"


def test_a_killed_stage_never_looks_finished_and_is_continued_in_place(tmp_path: Path) -> None:
    stage = Counting()
    stage.die = True
    with pytest.raises(KeyboardInterrupt):
        make(stage, tmp_path)
    assert not has_manifest(tmp_path / "1_demo")
    stage.die = False
    assert make(stage, tmp_path)
    assert "half.txt" in stage.saw, "the same stage finds what it had begun"


def test_unfinished_work_of_other_options_is_moved_aside(tmp_path: Path) -> None:
    stage = Counting()
    stage.die = True
    with pytest.raises(KeyboardInterrupt):
        make(stage, tmp_path)
    stage.die = False
    make(stage, tmp_path, "other")
    assert "half.txt" not in stage.saw


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    make(Counting(), tmp_path)
    folder = tmp_path / "1_demo"
    assert check_outputs(folder, read_manifest(folder)) == []
    (folder / "whole.txt").write_text("b")
    assert "was changed" in check_outputs(folder, read_manifest(folder))[0]
    (folder / "whole.txt").unlink()
    with pytest.raises(ArtifactError, match=r"whole\.txt is missing"):
        make(Counting(), tmp_path)


def test_a_damaged_manifest_is_a_clear_error(tmp_path: Path) -> None:
    make(Counting(), tmp_path)
    path = tmp_path / "1_demo" / "manifest.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(ArtifactError, match=r"manifest\.json cannot be read"):
        make(Counting(), tmp_path)


def test_an_input_that_changed_makes_the_stage_anew(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("1")
    stage = Counting()

    def run() -> bool:
        return carry_out("demo", 1, stage, "a", {"in": source}, tmp_path / "out", Context())[1]

    assert run() and not run()
    source.write_text("22")
    assert run()
