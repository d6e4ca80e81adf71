"""The lessons keep their promise to a teacher: 45 minutes, exercises, solutions that run, a note.

That their Python runs is tested with all other pages (tests/test_docs.py); here: their shape, and their commands.
"""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import DOCS, blocks_of

LESSONS = sorted((DOCS / "lessons").glob("[0-9]*.md"))


def section(page: Path, title: str) -> str:
    """The text of one section of a page."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title]


def test_there_are_ten_and_the_list_names_them_in_order() -> None:
    listed = re.findall(r"\]\((\d\d_\w+\.md)\)", (DOCS / "lessons" / "README.md").read_text())
    assert len(LESSONS) == 10 and listed == [page.name for page in LESSONS]


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_fills_45_minutes(page: Path) -> None:
    spans = [(int(a), int(b)) for a, b in re.findall(r"^\| (\d+) to (\d+) \|", page.read_text(), flags=re.M)]
    assert spans[0][0] == 0 and spans[-1][1] == 45
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_has_exercises_with_solutions_and_a_note_for_the_teacher(page: Path) -> None:
    exercises = re.findall(r"^(\d)\. ", section(page, "Exercises"), flags=re.M)
    assert exercises == ["1", "2", "3", "4", "5"]
    solutions = section(page, "Solutions")
    answered = set(re.findall(r"^(?:# )?(\d)\. ", solutions, flags=re.M))
    # the fifth is a question to talk about in some lessons, or a recipe's table behind it
    assert {"1", "2", "3"} <= answered and "assert" in solutions
    assert len(section(page, "For the teacher").split()) > 40


def shell_lines(page: Path) -> list[str]:
    """The commands of a lesson, without those that need a larger run or do not end by themselves."""
    lines = [line for block in blocks_of(page) if block.language == "sh" for line in block.text.splitlines()]
    return [line for line in lines if line.strip() and not re.match(r"groundup (run demo|serve)\b", line)]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in LESSONS if shell_lines(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_lesson_run_as_they_stand(page: Path, tiny_run: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_run, tmp_path / "runs" / "tiny")
    program = str(Path(sys.executable).with_name("groundup"))
    for line in shell_lines(page):
        words = shlex.split(line, comments=True)
        if words[1:] == ["show", "moods"]:
            continue  # of the recipe that the page's Python writes and runs
        done = subprocess.run([program, *words[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=900)
        # The leaky model of lesson 8 is refused on purpose.
        expected = 1 if "audit.limits" in line else 0
        assert done.returncode == expected, f"{line}\n{done.stderr[-2000:]}"
