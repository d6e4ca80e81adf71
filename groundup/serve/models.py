"""Which runs and models there are. Clients name them by id only; an id is a run's folder name, never a path."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from groundup.core.errors import GroundupError, UsageError, near
from groundup.core.files import read_json
from groundup.core.manifest import has_manifest, read_manifest
from groundup.core.score import read_scores
from groundup.report.read import STAGES, Run

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}")
MAX_HEAD = 10_000_000  # bytes of a safetensors head; its library allows 100 MB, the largest known have 1 MB
SILENT_SECONDS = 60.0  # without /proc/locks: a run that wrote an event this recently is taken as running; taste


@dataclass(frozen=True)
class RunInfo:
    """One run for a list. state: "running", "done", "stopped" (cut off or between stages), "empty"."""

    id: str
    state: str
    date: float  # seconds since 1970, of the last event or file
    has_model: bool
    has_report: bool
    stages: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)


class Models:
    """The runs of a folder, models from elsewhere (a run name, run folder or model folder each), and adapters."""

    def __init__(
        self,
        runs_folder: Path,
        named: str | Path | Sequence[str | Path] | None = None,
        *,
        adapters: Mapping[str, Path] | None = None,
        only_named: bool = False,
    ) -> None:
        """named: the first is the model to open with. adapters: id -> folder, each on top of the first model.

        only_named: nothing else of the runs folder can be asked for. UsageError for two models of one id.
        """
        self.runs_folder = runs_folder
        self.first = ""  # the model to open with
        self._elsewhere: dict[str, Path] = {}
        self._only: list[str] | None = [] if only_named else None
        self.adapters = dict(adapters or {})
        for one in [named] if isinstance(named, str | Path) else named or ():
            self._name(one)
        for id_ in self.adapters:
            if not ID.fullmatch(id_):
                raise UsageError(f"'{id_}' is no name for an adapter.", repair="Letters, digits, '.', '_' and '-'.")
            if id_ in self.model_ids()[: -len(self.adapters)]:
                raise UsageError(f"There is a model '{id_}' already.", repair="Give the adapter another name.")

    def _name(self, one: str | Path) -> None:
        own = self.runs_folder / str(one)
        if ID.fullmatch(str(one)) and own.is_dir():
            id_ = str(one)
        else:
            from groundup.pipeline import find_model, run_folder_of

            folder = find_model(one)
            place = (run_folder_of(one) or folder).resolve()
            id_ = place.name
            if id_ in self._elsewhere:
                raise UsageError(f"Two models are called '{id_}'.", repair="Rename one of the folders.")
            self._elsewhere[id_] = place
        self.first = self.first or id_
        if self._only is not None:
            self._only.append(id_)

    def runs(self) -> list[RunInfo]:
        """All runs, the newest first."""
        folders = [path for path in self.runs_folder.glob("*") if path.is_dir() and ID.fullmatch(path.name)]
        found = [self.info(path.name) for path in folders if (path / "recipe.toml").is_file()]
        return sorted(found, key=lambda info: -info.date)

    def model_ids(self) -> list[str]:
        """Every id that has a model, the one to open with first, adapters last."""
        if self._only is not None:
            ids = self._only
        else:
            ids = [*self._elsewhere, *(info.id for info in self.runs() if info.has_model)]
        return [*sorted(dict.fromkeys(ids), key=lambda name: name != self.first), *self.adapters]

    def run_folder(self, name: str) -> Path:
        """The folder of a run. Raises UsageError for anything that is not the id of one."""
        if name in self._elsewhere and (self._elsewhere[name] / "recipe.toml").is_file():
            return self._elsewhere[name]
        if ID.fullmatch(name) and (self.runs_folder / name / "recipe.toml").is_file():
            return self.runs_folder / name
        raise UsageError(f"There is no run '{name[:100]}'.", repair=near(name, [path.name for path in self._folders()]))

    def model_folder(self, name: str) -> Path:
        """The newest model folder behind an id (an adapter's is its base's). Raises UsageError when there is none."""
        if name in self.adapters:
            name = self.first
        elif self._only is not None and name not in self._only:
            raise UsageError(f"There is no model '{name[:100]}'.", repair=near(name, self.model_ids()))
        place = self._elsewhere.get(name) or (self.runs_folder / name if ID.fullmatch(name) else None)
        folder = model_in(place) if place is not None else None
        if folder is not None:
            return folder
        raise UsageError(f"There is no model '{name[:100]}'.", repair=near(name, self.model_ids()))

    def info(self, name: str) -> RunInfo:
        """One run: its stages with states and seconds, its scores."""
        folder = self.run_folder(name)
        stages = stages_of(folder)
        running = is_running(folder)
        if running:
            state = "running"
        elif not any(stage["state"] == "done" for stage in stages):
            state = "empty"
        else:
            state = "done" if (folder / "report.html").is_file() or has_manifest(folder / "8_release") else "stopped"
        scores = []
        if (folder / "6_evaluate" / "scores.json").is_file():
            try:
                scores = [
                    asdict(score) for score in read_scores(folder / "6_evaluate" / "scores.json") if not score.source
                ]
            except (GroundupError, TypeError):
                scores = []  # the report names the damage
        dates = [path.stat().st_mtime for path in (folder / "events.jsonl", folder / "recipe.toml") if path.is_file()]
        has_report = (folder / "report.html").is_file()
        return RunInfo(name, state, max(dates, default=0.0), model_in(folder) is not None, has_report, stages, scores)

    def _folders(self) -> list[Path]:
        return [path for path in self.runs_folder.glob("*") if (path / "recipe.toml").is_file()]


def stages_of(folder: Path) -> list[dict[str, Any]]:
    """Each stage (and tuning step) of a run folder: name, state ("done", "started", "waiting"), seconds."""
    rows: list[dict[str, Any]] = []
    tuning = Run(folder).recipe.get("finetune")
    for stage in STAGES:
        place = folder / stage
        if stage == "5_finetune":
            there = {path.name for path in place.glob("*") if path.is_dir() and path.name[0] != "."}
            planned = (
                [name for name, value in tuning.items() if isinstance(value, dict)] if isinstance(tuning, dict) else []
            )
            steps = [*planned, *sorted(there - set(planned))]
            rows += [_stage(f"finetune {step}", place / step) for step in steps]
        else:
            rows.append(_stage(stage.partition("_")[2], place))
    return rows


def _stage(name: str, place: Path) -> dict[str, Any]:
    if has_manifest(place):
        try:
            manifest = read_manifest(place)
            return {"name": name, "state": "done", "seconds": manifest.seconds, "counts": manifest.counts}
        except GroundupError:
            return {"name": name, "state": "damaged", "seconds": None}
    return {"name": name, "state": "started" if place.is_dir() else "waiting", "seconds": None}


def is_running(folder: Path) -> bool:
    """True while a process holds the run's lock. The lock is looked up, never tried: a try could stop a real start."""
    lock, table = folder / ".lock", Path("/proc/locks")
    if not lock.is_file():
        return False
    if table.is_file():
        inode = str(lock.stat().st_ino)
        rows = [line.split() for line in table.read_text(encoding="ascii", errors="replace").splitlines()]
        return any("FLOCK" in row and any(word.endswith(f":{inode}") for word in row) for row in rows)
    events = folder / "events.jsonl"
    return events.is_file() and time.time() - events.stat().st_mtime < SILENT_SECONDS


def model_in(folder: Path) -> Path | None:
    """The newest model of a run folder: released, else tuned last, else pretrained. A model folder is its own."""
    steps = [path for path in folder.glob("5_finetune/*/model") if has_manifest(path.parent)]
    steps.sort(key=lambda path: -(path.parent / "manifest.json").stat().st_mtime)
    pretrained = folder / "4_pretrain"
    places = [folder, folder / "8_release", *steps, *([pretrained / "model"] if has_manifest(pretrained) else [])]
    return next((place for place in places if (place / "config.json").is_file()), None)


def architecture_of(folder: Path) -> dict[str, Any]:
    """What a model folder is built of: config (as in config.json) and tensors [{name, shape}], from the heads of its
    safetensors files (8 bytes of length, then JSON); the numbers are not read."""
    tensors = []
    for path in sorted(folder.glob("*.safetensors")):
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            head = json.loads(file.read(min(size, MAX_HEAD)))
        tensors += [{"name": name, "shape": one["shape"]} for name, one in head.items() if name != "__metadata__"]
    return {"config": read_json(folder / "config.json"), "tensors": tensors}
