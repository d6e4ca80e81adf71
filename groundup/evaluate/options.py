"""The [evaluate] table of the recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from groundup.core.recipe import Options
from groundup.evaluate.groups import expand

# More examples than this fill the context of every model of ours. Taste; GPT-3 was asked with 10 to 100.
MOST_SHOTS = 64


class EvaluateOptions(Options):
    """Which tasks to score, on how many items, shown how."""

    # Names of tasks, of groups of them (`groups`), or paths of TOML files.
    # Any model can be asked how many bits it needs per byte of held-out text; every other task needs its data.
    tasks: list[str] = ["bits_per_byte"]
    # Worked examples put before each question; zero is how people ask. (Brown et al. 2020 report 0, 1 and few.)
    # A list asks every task once per number.
    shots: int | list[int] = 0
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
        return expand(value)

    @field_validator("shots")
    @classmethod
    def _shots_in_bounds(cls, value: int | list[int]) -> int | list[int]:
        numbers = value if isinstance(value, list) else [value]
        if not numbers or len(set(numbers)) < len(numbers) or any(not 0 <= number <= MOST_SHOTS for number in numbers):
            raise ValueError(f"shots are different numbers from 0 to {MOST_SHOTS}")
        return value

    @property
    def shot_counts(self) -> list[int]:
        """The numbers of shots to ask with, in the order given."""
        return self.shots if isinstance(self.shots, list) else [self.shots]

    @field_validator("limit")
    @classmethod
    def _limit_positive(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError('limit is 1 or more, or "all"')
        return value
