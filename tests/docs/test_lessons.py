"""The lessons keep their promise to a teacher: 45 minutes, exercises, solutions that run, a note.

That their Python runs is tested with all other pages (tests/test_docs.py), their commands in test_commands.py;
here: their shape.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests.test_docs import DOCS

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
