"""The [evaluate] table of the recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from groundup.core.recipe import Options


class EvaluateOptions(Options):
    """Which tasks to score, on how many items, shown how."""

    # Any model can be asked how many bits it needs per byte of held-out text; every other task needs its data.
    tasks: list[str] = ["bits_per_byte"]
    # Worked examples put before each question; zero is how people ask. (Brown et al. 2020 report 0, 1 and few.)
    shots: int = Field(default=0, ge=0, le=64)
    # 100 items a task bound the error at about +-0.10 and a CPU's time at seconds; "all" for a final number. Taste.
    limit: int | Literal["all"] = 100
    # "auto": models tuned on conversations are asked with the chat template, base models with plain text.
    format: Literal["auto", "chat", "plain"] = "auto"
    # Folder with the files that the TOML tasks name (LAMBADA, HellaSwag ...); none is shipped.
    data: str = ""
    # Choice of items, shots and resamples. The recipe's own seed when left out.
    seed: int | None = None

    @field_validator("tasks")
    @classmethod
    def _tasks_once(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("name at least one task, or leave the line out")
        doubles = sorted({name for name in value if value.count(name) > 1})
        if doubles:
            raise ValueError(f"tasks are named once; twice: {', '.join(doubles)}")
        return value

    @field_validator("limit")
    @classmethod
    def _limit_positive(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError('limit is 1 or more, or "all"')
        return value
