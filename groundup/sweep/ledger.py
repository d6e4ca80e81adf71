"""What was tried: one JSON line a change of state in trials.jsonl, so that a killed sweep knows where it was.

A trial that was running when the sweep was killed is waiting again; its run folder continues from its checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from groundup.core.errors import ArtifactError
from groundup.core.files import fingerprint, read_json, write_json

FINISHED = ("done", "pruned", "failed")


@dataclass(frozen=True)
class Trial:
    """One run of the recipe. values: key -> what it is set to. group: trials that differ in the seed alone share it.

    score: the goal's number; for a pruned one the last that was seen. looks: (step, number) while it ran.
    """

    number: int
    values: Mapping[str, Any]
    seed: int
    group: int
    name: str = ""  # for people: "base", "without qk_norm"
    state: str = "waiting"
    score: float | None = None
    seconds: float = 0.0
    error: str = ""
    looks: list[tuple[int, float]] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """Its run folder's name."""
        return f"trial-{self.number:03d}"


class Ledger:
    """All trials of one sweep, kept in its folder."""

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        """plan: what decides the sweep; ArtifactError when the folder holds another one."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "trials.jsonl"
        self.trials: dict[int, Trial] = {}
        key = fingerprint(plan)
        place = folder / "sweep.json"
        if place.is_file() and read_json(place).get("key") != key:
            raise ArtifactError(
                f"{folder} holds another sweep (other values, goal or recipe).",
                repair="Choose another folder with --out, or repeat the command that began it.",
            )
        write_json(place, {"format": 1, "key": key, **plan})
        for line in self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else []:
            try:
                row = json.loads(line)
                trial = Trial(**{**row, "looks": [(int(step), float(value)) for step, value in row["looks"]]})
            except (ValueError, TypeError, KeyError):  # cut off by a kill
                continue
            self.trials[trial.number] = trial
        for trial in list(self.trials.values()):
            if trial.state == "running":
                self.trials[trial.number] = replace(trial, state="waiting")

    def put(self, trial: Trial) -> Trial:
        """Remember a trial as it is now."""
        self.trials[trial.number] = trial
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(trial), ensure_ascii=False) + "\n")
        return trial

    @property
    def finished(self) -> list[Trial]:
        """Trials that will not be run again, by number."""
        return [trial for _, trial in sorted(self.trials.items()) if trial.state in FINISHED]

    @property
    def done(self) -> list[Trial]:
        """Trials that ran to their end, by number."""
        return [trial for trial in self.finished if trial.state == "done"]

    @property
    def waiting(self) -> list[Trial]:
        """Trials that were begun, or only written down."""
        return [trial for _, trial in sorted(self.trials.items()) if trial.state == "waiting"]
