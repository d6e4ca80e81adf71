"""The settings of the writing desk, with the origin of every default."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from groundup.core.recipe import Options


class WritingOptions(Options):
    """What drafts, corrections and checks start from."""

    corrector: Path | None = None  # a file made by `writing.learning`; None: the shipped one
    compare_with: Path | None = None  # a folder, or a finished run: what the originality check compares with
    own_words: tuple[str, ...] = ()  # names and terms that are no mistakes
    sentences: int = Field(default=3, ge=1, le=50)  # of a summary; what a reader takes in at a glance
    generator_url: str = ""  # an OpenAI-compatible server that may draft and phrase; its text is checked
    generator_model: str = "groundup"
    generator_key: str = ""  # where that server asks for one; --set generator_key=@FILE keeps it out of the history
