"""The story of groundup as one ordered table: stage, version, room, what goes in, what comes out.

The command, the numbered folders of a run, the report and the docs all take the order from here. This module also
puts the rooms' options together into the `Recipe`, and hands each stage its part.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from groundup.audit.options import AuditOptions, ReleaseOptions
from groundup.clean.options import CleanOptions
from groundup.collect.options import SourceOptions
from groundup.core.errors import RecipeError, near
from groundup.core.recipe import Options, parse_toml, read_toml, set_values, validate, write_toml
from groundup.core.registry import load_other_packages
from groundup.core.stage import Run
from groundup.evaluate.options import EvaluateOptions
from groundup.finetune.formats import is_file_address
from groundup.finetune.options import FinetuneOptions
from groundup.model.options import ModelOptions
from groundup.pretrain.options import PretrainOptions, model_in
from groundup.tokenizer.options import TokenizerOptions

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Stage:
    """One chapter. `version` goes up when the same options would make other bytes (a golden test watches)."""

    number: int
    name: str
    version: int
    front_door: str  # module:function
    inputs: tuple[str, ...]
    comes_out: str

    @property
    def folder(self) -> str:
        return f"{self.number}_{self.name}"

    @property
    def run(self) -> Run:
        """The room's front door; importing it may load torch."""
        module, function = self.front_door.split(":")
        return getattr(importlib.import_module(module), function)


STAGES = (
    Stage(1, "collect", 4, "groundup.collect.stage:run", (), "raw documents with source and licence"),
    Stage(2, "clean", 3, "groundup.clean.stage:run", ("collect",), "clean documents; what was dropped, and why"),
    Stage(3, "tokenizer", 2, "groundup.tokenizer.stage:run", ("clean", "collect"), "tokenizer, tokens, trace index"),
    Stage(4, "pretrain", 3, "groundup.pretrain.stage:run", ("tokenizer", "collect"), "base model"),
    Stage(5, "finetune", 3, "groundup.finetune.stage:run", ("model", "collect", "clean", "tokenizer"), "tuned model"),
    Stage(6, "evaluate", 4, "groundup.evaluate.stage:run", ("model", "collect", "clean", "tokenizer"), "scores"),
    Stage(
        7, "audit", 3, "groundup.audit.stage:run", ("model", "collect", "clean", "tokenizer", "evaluate"), "findings"
    ),
    Stage(
        8,
        "release",
        1,
        "groundup.audit.release:run",
        ("model", "collect", "clean", "tokenizer", "pretrain", "finetune", "evaluate", "audit"),
        "model folder with its card",
    ),
)
NAMES = tuple(stage.name for stage in STAGES)


def stage_named(name: str) -> Stage:
    """The stage of that name, or a RecipeError with the nearest."""
    for stage in STAGES:
        if stage.name == name:
            return stage
    raise RecipeError(f"Unknown stage '{name}'.", repair=near(name, NAMES))


class Recipe(Options):
    """One model's whole story. Every table has defaults; the shortest valid recipe names one source."""

    name: str = Field(description="names the run: runs/NAME")
    seed: int = Field(1, ge=0, description="decides every random choice of the run")
    budget: str | None = Field(None, description='time for the whole run: "90s", "5m", "2h"')
    purpose: str = Field("", description="what the model is for; stands in its card")
    collect: dict[str, SourceOptions] = Field(
        default_factory=dict, description="the sources, by name; needed unless a given model is tuned on files alone"
    )
    clean: CleanOptions = Field(default_factory=lambda: CleanOptions())
    tokenizer: TokenizerOptions = Field(default_factory=lambda: TokenizerOptions.model_validate({}))
    model: ModelOptions = Field(default_factory=lambda: ModelOptions())
    pretrain: PretrainOptions = Field(default_factory=lambda: PretrainOptions())
    finetune: FinetuneOptions = Field(default_factory=lambda: FinetuneOptions())
    evaluate: EvaluateOptions = Field(default_factory=lambda: EvaluateOptions())
    audit: AuditOptions = Field(default_factory=lambda: AuditOptions())
    release: ReleaseOptions = Field(default_factory=lambda: ReleaseOptions())

    @field_validator("name")
    @classmethod
    def _name_is_a_folder_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value):
            raise ValueError("a name is letters, digits, '-', '_' and '.', at most 64, since it names a folder")
        return value

    @field_validator("budget")
    @classmethod
    def _budget_is_a_time(cls, value: str | None) -> str | None:
        if value is not None and parse_duration(value) is None:
            raise ValueError('a budget is a time such as "90s", "5m", "2h" or "1h30m"')
        return value

    @field_validator("collect")
    @classmethod
    def _source_names_are_file_names(cls, value: dict[str, SourceOptions]) -> dict[str, SourceOptions]:
        for name in value:
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
                raise ValueError(f"source '{name}': use lower-case letters, digits, '_' and '-', at most 40")
        return value

    @model_validator(mode="after")
    def _something_to_read(self) -> Recipe:
        files = [address for step in self.finetune.ordered.values() for address in step.data or ()]
        if not self.collect and not (self.model.from_ and files and all(map(is_file_address, files))):
            raise ValueError(
                "a recipe names its documents ([collect.NAME] with from = ...), or a model to tune and the files to tune "
                "it on ([model] from = FOLDER, [finetune.chat] data = [FILE])"
            )
        return self

    @property
    def budget_seconds(self) -> float | None:
        return parse_duration(self.budget) if self.budget else None

    def as_toml(self) -> str:
        """The resolved recipe as TOML: what the run folder keeps."""
        return write_toml(self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"name": self.name})


def parse_duration(text: str) -> float | None:
    """Seconds of ``90s``, ``5m``, ``2h``, ``1h30m``; None when it is no such time."""
    match = re.fullmatch(r"\s*(?:(\d+(?:\.\d+)?)h)?\s*(?:(\d+(?:\.\d+)?)m)?\s*(?:(\d+(?:\.\d+)?)s?)?\s*", text)
    if not match or not any(match.groups()):
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds or None


def find_recipe(name: str) -> Path:
    """A recipe by path, by the name of a shipped one (``demo``), or inside a run folder (``recipe.toml``)."""
    path = Path(name)
    if path.suffix == ".toml":
        return path
    if (path / "recipe.toml").is_file():
        return path / "recipe.toml"
    shipped = RECIPES / f"{name}.toml"
    if shipped.is_file():
        return shipped
    names = [path.stem for path in RECIPES.glob("*.toml")]
    raise RecipeError(
        f"No recipe '{name}': neither a .toml file, nor a run folder, nor a shipped recipe.", repair=near(name, names)
    )


def read_recipe(name: str, assignments: Iterable[str] = ()) -> Recipe:
    """Read, change (`--set`) and validate a recipe. Relative folders are meant from the recipe's own folder;
    in an assignment, from the current one."""
    load_other_packages()
    path = find_recipe(name)
    values, text = read_toml(path)
    _resolve_folders(values, path.parent)
    values = set_values(values, assignments)
    _resolve_folders(values, Path.cwd())
    return validate(Recipe, values, text=text, name=str(path))


def recipe_from_text(text: str, name: str = "the recipe") -> Recipe:
    """A recipe from TOML text (the studio's editor, tests)."""
    values = parse_toml(text, name)
    _resolve_folders(values, Path.cwd())
    return validate(Recipe, values, text=text, name=name)


def stage_options(recipe: Recipe, stage: str, step: str = "") -> Any:
    """What the front door of `stage` gets as options."""
    if stage == "pretrain":
        from groundup.pretrain.options import PretrainStage

        return PretrainStage(pretrain=recipe.pretrain, model=recipe.model)
    if stage == "finetune":
        return recipe.finetune.ordered[step]
    return getattr(recipe, stage)


def _resolve_folders(values: dict[str, Any], base: Path) -> None:
    """Make the folders and files that a recipe names absolute, so that a run can be continued anywhere."""
    pretrain = values.get("pretrain")
    if isinstance(pretrain, dict):
        for table, key in ((pretrain, "start"), (pretrain.get("replay"), "from")):
            if isinstance(table, dict) and isinstance(table.get(key), str):
                table[key] = _absolute(table[key], base, lambda name: True)
        if isinstance(pretrain.get("start"), str) and values.get("tokenizer") is None:  # it comes with the model
            values["tokenizer"] = {"from": str(model_in(Path(pretrain["start"])))}
    tables = list(values.get("collect", {}).values()) if isinstance(values.get("collect"), dict) else []
    tables += [values.get("model"), values.get("tokenizer")]
    for table in tables:
        place = table.get("from") if isinstance(table, dict) else None
        if isinstance(place, str) and not re.match(r"[a-z][a-z0-9+.-]+:", place):
            table["from"] = str((base / Path(place).expanduser()).absolute())
    steps = values.get("finetune")
    for step in steps.values() if isinstance(steps, dict) else ():
        if isinstance(step, dict) and isinstance(step.get("data"), list):
            step["data"] = [_absolute(address, base, is_file_address) for address in step["data"]]
        distill = step.get("distill") if isinstance(step, dict) else None
        if isinstance(distill, dict) and isinstance(distill.get("teacher"), str) and distill["teacher"]:
            distill["teacher"] = _absolute(distill["teacher"], base, lambda name: True)
    audit = values.get("audit")
    if isinstance(audit, dict) and isinstance(audit.get("data"), str) and audit["data"]:
        audit["data"] = _absolute(audit["data"], base, lambda name: True)
    evaluate = values.get("evaluate")
    if isinstance(evaluate, dict) and isinstance(evaluate.get("tasks"), list):
        evaluate["tasks"] = [_absolute(task, base, lambda name: name.endswith(".toml")) for task in evaluate["tasks"]]


def _absolute(name: Any, base: Path, is_file: Callable[[str], bool]) -> Any:
    return str((base / Path(name).expanduser()).absolute()) if isinstance(name, str) and is_file(name) else name
