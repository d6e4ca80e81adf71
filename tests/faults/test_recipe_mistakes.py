"""A recipe with a mistake stops before any work: the line, the rule, the nearest name, exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Groundup = Callable[..., Any]

GOOD = """name = "mine"

[collect.stories]
from = "samples:stories"
count = 50

[pretrain]
steps = 2
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps = 2", "stepz = 2", "line 8: unknown key 'pretrain.stepz'.\n  Did you mean 'steps'?"),
        ("[pretrain]", "[pretrian]", "line 7: unknown table 'pretrian'.\n  Did you mean 'pretrain'?"),
        ("[pretrain]", "[pre", "not valid TOML"),
        ("steps = 2", "steps = 0", "line 8: 'pretrain.steps'"),
        ("steps = 2", 'steps = "many"', "Came: 'many'"),
        ('name = "mine"', 'name = "../mine"', "a name is letters, digits"),
        ('name = "mine"', "", "'name' is missing"),
        ('name = "mine"', 'name = "mine"\nbudget = "soon"', "a budget is a time"),
        ("samples:stories", "samples:storeis", "Unknown sample 'storeis'.\n  Did you mean 'stories'?"),
        ("samples:stories", "nowhere", "which does not exist"),
        ("[collect.stories]", "[collect.'My Stories']", "use lower-case letters"),
        ("[pretrain]\nsteps = 2", '[evaluate]\ntasks = ["bits_per_bite"]', "Did you mean 'bits_per_byte'?"),
        ("[pretrain]\nsteps = 2", '[finetune.chat]\ndata = ["storeis:chat"]', "Did you mean 'stories'?"),
        ("[pretrain]\nsteps = 2", '[clean]\nsteps = ["txet"]', "Did you mean 'text'?"),
        ("[pretrain]\nsteps = 2", '[audit]\nchecks = ["byas"]', "Did you mean 'bias'?"),
    ],
)
def test_a_mistake_is_named_with_its_line_before_any_work(
    groundup: Groundup, tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    (tmp_path / "mine.toml").write_text(GOOD.replace(old, new))
    for verb in ("plan", "run"):
        more = ("--out", tmp_path / "run") if verb == "run" else ()
        result = groundup(verb, tmp_path / "mine.toml", *more)
        assert result.code in (1, 2) and said in result.err and "Traceback" not in result.err, verb
        assert result.code == 2 or "does not exist" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00name", bytes(range(256))])
def test_a_recipe_that_is_no_text_is_an_error(groundup: Groundup, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    result = groundup("run", tmp_path / "mine.toml", "--out", tmp_path / "run")
    assert result.code == 2 and "mine.toml" in result.err and not (tmp_path / "run").exists()


def test_a_folder_is_no_recipe(groundup: Groundup, tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    assert groundup("run", tmp_path / "folder.toml").code == 2
