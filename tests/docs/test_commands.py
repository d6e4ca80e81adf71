"""Every command on the pages a reader follows is carried out as it stands, in the page's order, or says here why not.

Commands are the lines of ``sh`` blocks and the whole commands within the prose. They run in one folder a page, which holds a
finished tiny run under every name that the page opens (``demo`` too: its recipe here is the tiny one under that name, so that
``groundup run demo`` is the same command on a smaller world). Quick ones run in `make test`, each once; `make test-all` runs
whole pages. A server starts as it would, up to the point where it would wait for visitors.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.test_docs import DOCS, ROOT, name_of, parser_of

GUIDES = [ROOT / "README.md", *(DOCS / name for name in ("index.md", "tour.md", "book.md"))]
GUIDES += sorted(path for part in ("lessons", "stages", "how_to") for path in (DOCS / part).glob("*.md"))

# Not run here, and why. Every line must fit some command (a test asks).
SKIPPED = {
    r"^make ": "what calls these tests, and installs from a package index",
    r"^pip install ": "needs a package index; tests/packaging installs the wheel",
    r"^torchrun .* 8 ": "needs 8 GPUs; the same page starts two processes on the processor",
    r"--data (FOLDER|my_benchmarks)": "the rows are the reader's; tests/evaluate brings rows of every kind",
    r"run (bert_wiki|t5_denoise) ": "hours of text are the reader's; tests/pretrain trains both families",
    r"run (transformer_original|custom_moe)": "take many minutes; tests/model and tests/pretrain build and train what they name",
    r"run my_documents.toml": "takes its half hour; tests/cli/test_printed_commands.py goes up to here",
    r"\bmoods\b": "of the run that the page's own Python makes (tests/test_docs.py)",
    r"\b(NAME|RUN|MODEL|RECIPE|URL|DOCUMENT_ID|ANSWER|A --text B)\b|\"\.\.\.\"": "capitals and dots stand for the reader's own",
}
if importlib.util.find_spec("ray") is None:
    SKIPPED[r"engine=ray"] = "Ray is not installed: pip install 'groundup[ray]'"
REFUSED = {
    r"audit\.limits=\{secret_exposure_bits": 1,
    r"serve tiny --host 0\.0\.0\.0": 2,
}  # the page says that it refuses
MADE_FROM_TINY = (
    "tiny",
    "demo",
    "other",
    "my_documents",
    "A",
    "B",
    *(f"{k}_{n}" for k in ("base", "wide") for n in (1, 2, 3)),
)
OPENING = (
    "audit",
    "chat",
    "compare",
    "evaluate",
    "explain",
    "export",
    "generate",
    "serve",
    "show",
    "sign",
    "studio",
    "verify",
)


def commands_of(page: Path) -> list[str]:
    """The commands of a page in its order: shell lines, and spans of code that are whole commands."""
    found, fence = [], ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
        elif fence == "```sh":
            found.append(line.strip())
        elif not fence:
            found += [span for span in re.findall(r"`([^`\n]+)`", line) if is_whole(span)]
    return [command for command in found if command]


def is_whole(span: str) -> bool:
    """Whether a span of prose is a command to type, not only the name of one (``groundup explain``)."""
    words = span.split(" ")
    if words[0] != "groundup" or len(words) < 3:
        return False
    try:
        parser_of(words[1]).parse_args(shlex.split(span)[2:])
    except (ValueError, ModuleNotFoundError):
        return False  # tests/test_docs.py says which of these are mistakes
    return True


def why_not(command: str) -> str:
    """Why a command is not run here; empty when it is."""
    return next((reason for pattern, reason in SKIPPED.items() if re.search(pattern, command)), "")


def is_quick(command: str) -> bool:
    """A second or two: opens what is there. Making, measuring, and opening what a slow command made, take longer."""
    words = shlex.split(command, comments=True)
    if words[0] == "torchrun":
        return False
    made_before = any(re.search(r"^runs/|^FOLDER$|^demo_model$|\.key$", word) for word in words)
    measures = words[1] == "evaluate" and "--text" not in words
    return words[1] not in ("run", "sweep", "export") and not made_before and not measures


RUN = {page: [command for command in commands_of(page) if not why_not(command)] for page in GUIDES}
QUICK: dict[Path, list[str]] = {}
for _page, _commands in RUN.items():
    _before = {command for commands in QUICK.values() for command in commands}
    QUICK[_page] = [command for command in _commands if is_quick(command) and command not in _before]


class Reader:
    """Someone who types what a page says, in a folder of their own."""

    def __init__(self, groundup: Callable[..., Any], finished: Path) -> None:
        self.groundup = groundup
        self.finished = finished

    def types(self, command: str) -> None:
        command, _, target = command.partition(" > ")
        words = shlex.split(command, comments=True)[1:]
        if command.startswith("torchrun"):
            environment = {
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "PYTHONPATH": str(ROOT),
            }
            done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"
            return
        for word in words[1:]:
            self.provide(words[0], word)
        result = self.groundup(*words)
        expected = next((code for pattern, code in REFUSED.items() if re.search(pattern, command)), 0)
        assert result.code == expected, f"{command}\n{result.err[-2000:]}"
        assert result.out or result.err, f"{command} said nothing"
        if target:
            Path(target).write_text(result.out)

    def provide(self, verb: str, word: str) -> None:
        """Lay out what the command opens and the page takes for granted."""
        place = Path(word)
        if verb in OPENING:
            inside = re.match(r"runs/(\w+)/", word)
            for name in [inside[1]] if inside else word.split(","):
                if name in MADE_FROM_TINY and not (Path("runs") / name).exists():
                    self.copy_run(name)
        if verb in ("show", "chat", "audit") and word == "FOLDER" and not place.exists():
            shutil.copytree(self.finished / "8_release", place)
        if word in ("FILE", "README.md", "book.txt", "other.txt", "answer.txt") and not place.exists():
            place.write_text("The garden was quiet. Tom walked to the river on Friday.\n" * 20)
        if verb in ("new", "app", "plan") and word.startswith("my_documents") and not Path("my_documents").exists():
            Path("my_documents").mkdir()
            for number in range(20):
                text = f"# Page {number}\n\nYou may return lamp number {number} within 30 days.\n"
                (Path("my_documents") / f"{number}.md").write_text(text * 20)
            if verb == "plan":
                assert self.groundup("new", "my_documents").code == 0

    def copy_run(self, name: str) -> None:
        """A finished run under another name."""
        folder = shutil.copytree(self.finished, Path("runs") / name)
        recipe = folder / "recipe.toml"
        recipe.write_text(recipe.read_text().replace('name = "tiny"', f'name = "{name}"', 1))


@pytest.fixture
def reader(groundup: Callable[..., Any], tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    recipes = tmp_path / "recipes"
    shutil.copytree(ROOT / "groundup" / "recipes", recipes)
    tiny = (recipes / "tiny.toml").read_text()
    (recipes / "demo.toml").write_text(re.sub(r"^name .*$", 'name = "demo"', tiny, count=1, flags=re.M))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr("groundup.stages.RECIPES", recipes)
    monkeypatch.setattr("groundup.budget.training_speed", lambda *_, **__: 20_000.0)  # measuring takes 20 seconds
    monkeypatch.setattr("uvicorn.run", lambda app, **settings: None)  # it would wait for visitors
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    typing = Reader(groundup, tiny_run)
    typing.copy_run("tiny")
    return typing


def test_every_reason_to_skip_is_needed() -> None:
    commands = [command for page in GUIDES for command in commands_of(page)]
    assert [pattern for pattern in SKIPPED if not any(re.search(pattern, each) for each in commands)] == []
    assert [pattern for pattern in REFUSED if not any(re.search(pattern, each) for each in commands)] == []
    assert sum(not why_not(command) for command in commands) > 100


@pytest.mark.parametrize("page", [page for page in GUIDES if QUICK[page]], ids=name_of)
def test_the_quick_commands_of_a_page_do_what_they_say(page: Path, reader: Reader) -> None:
    for command in QUICK[page]:
        reader.types(command)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in GUIDES if RUN[page]], ids=name_of)
def test_all_commands_of_a_page_do_what_they_say(page: Path, reader: Reader) -> None:
    for command in RUN[page]:
        reader.types(command)
