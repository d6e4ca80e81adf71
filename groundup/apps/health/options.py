"""The settings of the health desk, with the origin of every default."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from groundup.core.recipe import Options


class HealthOptions(Options):
    """What is quoted, what is flagged, who may phrase."""

    passages: Path | None = None  # a folder of trusted pages (or MedQuAD's XML) to quote from; None: the shipped sample
    flag_threshold: float = Field(
        default=0.35, ge=0, le=1
    )  # the least probability of a flag: on the training templates specificity is .95 there
    answer_threshold: float = Field(default=0.25, ge=0, le=1)  # as in search; under it nothing is quoted
    generator_url: str = ""  # an OpenAI-compatible server that may phrase summaries; it sees de-identified text only
    generator_model: str = "groundup"
    generator_key: str = ""  # where that server asks for one; --set generator_key=@FILE keeps it out of the history
