"""The settings of the tutor, with the origin of every default."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from groundup.core.recipe import Options


class TutorOptions(Options):
    """What is practised and when a teacher is asked."""

    texts: Path | None = None  # a folder to make cloze exercises from; None: the shipped sample pages
    level: int = Field(default=1, ge=1, le=3)  # 1: numbers under 20; 2: under 100; 3: two steps
    sure: float = Field(
        default=0.5, ge=0, le=1
    )  # under this probability a teacher is asked; half is "rather yes than no"
    grader: Path | None = None  # a classifier tuned by the recipe `tutor`; None: the linear one
    generator_url: str = ""  # an OpenAI-compatible server that may phrase explanations; its text is checked
    generator_model: str = "groundup"
    generator_key: str = ""  # where that server asks for one; --set generator_key=@FILE keeps it out of the history
