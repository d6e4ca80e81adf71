"""Every command that the program prints is a command that works, as it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundup.stages import RECIPES

Groundup = Callable[..., Any]


def commands(text: str) -> list[list[str]]:
    """The commands in a text: from "groundup" to a wide gap or the line's end."""
    return [
        shlex.split(found)[1:]
        for found in re.findall(r"\bgroundup (?:[a-z].*?)(?=\s{2,}|$)", text, re.M)
        for found in [found]
    ]


def test_a_finished_run_prints_what_to_do_next(
    groundup: Groundup, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run.parent.parent)
    served: list[object] = []
    monkeypatch.setattr("groundup.serve.api.serve", lambda runs, **settings: served.append(settings["model"]))
    result = groundup("run", "tiny")
    assert "everything was already made" in result.out
    found = commands(result.out.partition("next:")[2])
    assert [words[0] for words in found] == ["chat", "studio"]
    for words in found:
        assert groundup(*words).code == 0
    assert served == ["tiny"]
    report = re.search(r"report: (\S+)", result.out)
    assert report and Path(report[1]).is_file()


def test_a_folder_with_spaces_is_printed_so_that_a_shell_understands(
    groundup: Groundup, tiny_run: Path, tmp_path: Path
) -> None:
    import shutil

    folder = shutil.copytree(tiny_run, tmp_path / "my run's")
    found = commands(groundup("run", "tiny", "--out", folder).out.partition("next:")[2])
    assert found[0] == ["chat", str(folder)] and groundup(*found[0]).code == 0
    from groundup.pipeline import continue_with

    words = shlex.split(continue_with(folder))
    assert groundup(*words[1:], "--quiet").code == 0, "a run folder is continued by its own name"


def test_new_writes_a_recipe_that_plan_takes(
    groundup: Groundup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my texts").mkdir()
    for number in range(20):
        (tmp_path / "my texts" / f"{number}.md").write_text(
            f"# Page {number}\n\nThe fox number {number} sleeps here.\n" * 20
        )
    result = groundup("new", "my texts", "--out", "my recipe.toml")
    found = commands(result.out)
    assert result.code == 0 and [words[0] for words in found] == ["plan", "run"]
    assert groundup(*found[0], "--set", "budget=", "--json").code == 2, "an empty budget is no time"
    from groundup.stages import read_recipe

    recipe = read_recipe(found[1][1])
    assert recipe.collect["documents"].from_ == str(tmp_path / "my texts")
    monkeypatch.setattr("groundup.budget.training_speed", lambda *_, **__: 20_000.0)  # measured elsewhere
    assert groundup(*found[0]).code == 0
    assert "exists" in groundup("new", "my texts", "--out", "my recipe.toml").err


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_recipe_opens_with_a_command_that_reads_it(path: Path) -> None:
    from groundup.cli.main import verbs
    from groundup.stages import find_recipe, read_recipe

    first = path.read_text(encoding="utf-8").splitlines()[0]
    words = commands(first.removeprefix("# "))[0]
    assert words[0] == "run" and words[0] in verbs()
    assert find_recipe(words[1]) == path
    read_recipe(str(path))
