"""The screen, the verbs, wrong use: calm answers, right exit codes, results on stdout and the rest on stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundup.cli.main import GROUPS, screen, verbs

Groundup = Callable[..., Any]


def test_the_screen_names_every_verb_that_exists_and_no_other() -> None:
    files = {path.stem for path in Path(sys.modules["groundup.cli.main"].__file__ or "").parent.glob("*.py")}
    assert set(verbs()) == files - {"__init__", "main", "output", "precision"}
    for verb in verbs():
        assert any(line[10:].startswith(verb) for line in screen().splitlines()), verb
    assert all(len(line) <= 110 for line in screen().splitlines())


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_explains_itself(groundup: Groundup, verb: str) -> None:
    result = groundup(verb, "--help")
    assert result.code == 0 and result.out.startswith(f"usage: groundup {verb}") and "--json" in result.out


def test_no_verb_shows_the_screen_and_version_the_version(groundup: Groundup) -> None:
    assert groundup().out == groundup("--help").out == screen() + "\n"
    assert groundup("--version").out.startswith("groundup 0.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu", "demo"], "no command 'rnu'. Did you mean 'run'?"),
        (["run"], "required: RECIPE"),
        (["run", "dmeo"], "Did you mean 'demo'?"),
        (["run", "tiny", "pretrane"], "Unknown stage 'pretrane'.\n  Did you mean 'pretrain'?"),
        (["run", "tiny", "--again", "colect"], "Did you mean 'collect'?"),
        (["run", "tiny", "--set", "seed"], "Write: --set pretrain.steps=100"),
        (["run", "tiny", "--set", "pretrain.stepz=3"], "unknown key 'pretrain.stepz'.\n  Did you mean 'steps'?"),
        (["run", "tiny", "--steps", "3"], "unrecognized arguments"),
        (["plan", "nowhere.toml"], "Write one with: groundup new FOLDER"),
        (["show", "nowhere"], "No model 'nowhere'"),
        (["show", "nowhere", "--dropped"], "is not a run"),
        (["chat", "nowhere"], "No model 'nowhere'"),
        (["generate", "nowhere", "--prompt", "x"], "No model 'nowhere'"),
        (["serve", "nowhere"], "No model 'nowhere'"),
        (["audit", "nowhere"], "No model 'nowhere'"),
        (["evaluate", "nowhere", "--shots", "many"], "'many' is not a list of numbers"),
        (["compare", "nowhere", "elsewhere"], "nowhere holds no scores"),
        (["verify", "nowhere"], "no manifest there"),
        (["app", "serch"], "Did you mean 'search'?"),
        (["explain", "nowhere"], "--text --prompt is required"),
        (["export", "nowhere", "onnx", "--out", "x"], "invalid choice: 'onnx'"),
        (["new", ".", "--budget", "soon"], "--budget soon is not a time"),
    ],
)
def test_wrong_use_is_told_in_words_with_exit_code_2(
    groundup: Groundup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = groundup(*arguments)
    assert result.code == 2 and said in result.err and result.out == "" and "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == [], "wrong use leaves nothing behind"


def test_an_error_in_json_is_on_stdout_too(groundup: Groundup) -> None:
    result = groundup("show", "nowhere", "--json")
    assert result.code == 2
    assert result.value["error"]["type"] == "UsageError" and "nowhere" in result.value["error"]["message"]


def test_a_file_that_may_not_be_written_is_named_without_a_traceback(groundup: Groundup, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = groundup("run", "tiny", "--out", tmp_path / "file" / "run")
    assert result.code == 1 and str(tmp_path / "file") in result.err and "Traceback" not in result.err


def test_the_module_is_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "groundup", "doctor", "--json"]
    facts = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert {"python", "torch", "devices", "cores", "memory", "disk"} <= set(facts)
    assert all(fact["found"] for fact in facts.values())


def test_a_pipe_that_closes_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m groundup --help | head -1", shell=True, capture_output=True, text=True, check=True
    )
    assert "Traceback" not in done.stderr and done.stdout.startswith("groundup:")


def test_planned_verbs_are_on_the_list_with_their_words() -> None:
    assert all(words for group in GROUPS.values() for _, words in group.values())


def test_new_makes_a_source_of_each_subfolder(groundup: Groundup, tmp_path: Path) -> None:
    """So that bits per byte are told apart by it; loose files beside them would be lost, so then the whole is one."""
    for name in ("Old Books", "letters"):
        (tmp_path / "papers" / name).mkdir(parents=True)
        (tmp_path / "papers" / name / "one.txt").write_text("The ship left the harbour at dawn. " * 20)
    recipe = tmp_path / "papers.toml"
    assert groundup("new", tmp_path / "papers", "--out", recipe).code == 0
    assert [line for line in recipe.read_text().splitlines() if line.startswith("[collect")] == [
        "[collect.old-books]",
        "[collect.letters]",
    ]
    (tmp_path / "papers" / "loose.txt").write_text("A loose sheet of paper. " * 20)
    assert groundup("new", tmp_path / "papers", "--out", tmp_path / "whole.toml").code == 0
    assert "[collect.documents]" in (tmp_path / "whole.toml").read_text()
