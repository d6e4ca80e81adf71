"""Which number of a run decides, where it is found, and which way is better.

pretrain.bits_per_byte              the last look at the validation split        runs up to pretrain
finetune.STEP.answer_loss           the same of a tuning step                    runs up to finetune
evaluate.TASK.METRIC                a score                                      runs up to evaluate
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError, UsageError, near
from groundup.core.score import read_scores
from groundup.stages import stage_named

LOWER = ("loss", "perplexity", "bits_per", "error", "word_error")  # names with these in them: less is better
DEFAULT = "pretrain.bits_per_byte"


@dataclass(frozen=True)
class Goal:
    """A number of a run. lower: less is better."""

    stage: str
    part: str  # the tuning step or the task; "" for pretrain
    metric: str
    lower: bool

    @classmethod
    def parse(cls, text: str) -> Goal:
        """Read a goal; UsageError with the forms it may have."""
        parts = text.split(".")
        needed = {"pretrain": 2, "finetune": 3, "evaluate": 3}
        if parts[0] not in needed or len(parts) != needed[parts[0]] or not all(parts):
            raise UsageError(
                f"--goal {text} is no number of a run.",
                repair="Write: pretrain.bits_per_byte, finetune.STEP.answer_loss or evaluate.TASK.METRIC",
            )
        part = parts[1] if len(parts) == 3 else ""
        return cls(parts[0], part, parts[-1], any(word in parts[-1] for word in LOWER))

    def __str__(self) -> str:
        return ".".join(part for part in (self.stage, self.part, self.metric) if part)

    def better(self, one: float, other: float) -> bool:
        """Whether `one` is better than `other`."""
        return one < other if self.lower else one > other

    def best(self, values: list[float]) -> float:
        """The best of some."""
        return min(values) if self.lower else max(values)

    def read(self, run_folder: Path) -> float:
        """The number of a finished run. DataError that names what there is instead."""
        if self.stage == "evaluate":
            return self._score(run_folder)
        looks = self.looks(run_folder)
        if not looks:
            names = sorted({name for row in self._rows(run_folder) for name in row})
            raise DataError(f"The run in {run_folder} has no '{self}'.", repair=near(self.metric, names))
        return looks[-1][1]

    def looks(self, run_folder: Path) -> list[tuple[int, float]]:
        """(step, number) of every look so far; a run still going may be asked. [] for a score."""
        if self.stage == "evaluate":
            return []
        found = []
        for row in self._rows(run_folder):
            value = row.get(self.metric)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append((int(row["step"]), float(value)))
        return found

    def _rows(self, run_folder: Path) -> list[dict[str, Any]]:
        folder = run_folder / stage_named(self.stage).folder
        path = (folder / self.part if self.part else folder) / "metrics.jsonl"
        rows = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            try:
                row = json.loads(line)
            except ValueError:  # being written
                continue
            if row.get("kind") == "validation":
                rows.append(row)
        return rows

    def _score(self, run_folder: Path) -> float:
        path = run_folder / stage_named("evaluate").folder / "scores.json"
        scores = [score for score in read_scores(path) if not score.source] if path.is_file() else []
        for score in scores:
            if (score.task, score.metric) == (self.part, self.metric):
                return score.value
        names = [f"evaluate.{score.task}.{score.metric}" for score in scores]
        raise DataError(f"The run in {run_folder} has no score '{self}'.", repair=near(str(self), names))
