"""From a recipe and changed values to a trial's own recipe, and the stages that all trials share.

What no axis changes is made once. A change of [model] or [pretrain] leaves the tokens as they are; a change of [clean]
leaves only the raw documents. The seed decides everything from the first stage on, so a sweep over several seeds shares
nothing: its intervals hold the chance of the data too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.core.console import Console
from groundup.core.errors import DataError, UsageError
from groundup.core.files import read_json, write_bytes
from groundup.core.recipe import set_values, validate
from groundup.stages import NAMES, STAGES, Recipe, stage_named
from groundup.sweep.goal import Goal
from groundup.sweep.ledger import Trial
from groundup.sweep.space import Axis

BASE = "base"


@dataclass(frozen=True)
class Prepared:
    """values: the recipe's tables without a budget. stages: what each trial runs. shared: folders to link, from `base`."""

    values: dict[str, Any]
    stages: tuple[str, ...]
    shared: tuple[str, ...]
    base: Path


def prepare(recipe: Recipe, axes: Sequence[Axis], options: Any, folder: Path, console: Console) -> Prepared:
    """Check every value, fix the plan, make what all trials share."""
    from groundup import pipeline

    first = min(_stage_of(axis.key) for axis in axes)
    goal: Goal = options.goal
    if first > stage_named(goal.stage).number:
        raise UsageError(
            f"'{axes[0].key}' is decided after {goal}: no trial would differ.",
            repair="Choose a later goal, such as evaluate.TASK.METRIC.",
        )
    for axis in axes:  # every value alone, so that a slip stops before hours of work
        for value in axis.steps(2):
            changed(_plain(recipe), {axis.key: value})
    several = len(set(options.seeds)) > 1 or options.seeds[0] != recipe.seed
    shared = [stage for stage in STAGES if stage.number < first and not several]
    base = folder / BASE
    values = _plain(recipe)
    if recipe.budget is not None:
        values = _without_budget(values, pipeline.plan_for(recipe, base, console))
    if shared:
        console.note(f"base: {', '.join(stage.name for stage in shared)}, made once for all trials")
        start = changed(values, {"name": f"{recipe.name}-base"})
        pipeline.run(start, stages=[stage.name for stage in shared], out=base, device=options.device, console=console)
    names = tuple(stage.folder for stage in shared if (base / stage.folder).is_dir())
    return Prepared(values, (goal.stage,), names, base)


def write_trial(ready: Prepared, trial: Trial, folder: Path, options: Any) -> Path:
    """The trial's recipe file and run folder; finished stages of the base are linked in."""
    values = {**trial.values, "seed": trial.seed, "name": f"{ready.values['name']}-{trial.number:03d}"[:64]}
    recipe = changed(ready.values, values)
    if options.tokens_per_parameter:
        recipe = _scaled(recipe, options.tokens_per_parameter)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ready.shared:
        if not (folder / name).exists():
            shutil.copytree(ready.base / name, folder / name, copy_function=_link)
    place = folder.parent / f"{folder.name}.toml"
    write_bytes(place, recipe.as_toml().encode("utf-8"))
    return place


def changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> Recipe:
    """The recipe with some keys set. RecipeError for a key or a value that cannot be."""
    plain = set_values(dict(values), [])  # a deep copy
    for key, value in changes.items():
        table = plain
        *parents, last = key.split(".")
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise UsageError(f"--over {key}: '{parent}' is a value, not a table.")
        table[last] = value
    return validate(Recipe, plain, name=f"the recipe with {', '.join(f'{k} = {v!r}' for k, v in changes.items())}")


def _plain(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", by_alias=True, exclude_unset=True) | {"name": recipe.name}


def _stage_of(key: str) -> int:
    """The number of the first stage that a key of the recipe changes."""
    table = key.partition(".")[0]
    if table in NAMES:
        return stage_named(table).number
    return stage_named("pretrain").number if table == "model" else 1


def _without_budget(values: dict[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """What the budget decided, as fixed numbers."""
    found = {key: value for key, value in values.items() if key != "budget"}
    model, stages = plan.get("model", {}), plan.get("stages", {})
    if "depth" in model and not found.get("model", {}).get("preset"):
        found["model"] = {"depth": model["depth"], **found.get("model", {})}
    if "steps" in stages.get("pretrain", {}):
        found["pretrain"] = {"steps": stages["pretrain"]["steps"], **found.get("pretrain", {})}
    recipe = validate(Recipe, found)
    tuned = dict(found.get("finetune", {}))
    for name, step in recipe.finetune.ordered.items():
        tokens = stages.get(f"finetune.{name}", {}).get("tokens")
        if tokens and step.steps is None and step.epochs is None and "context_length" in model:
            steps = int(tokens) // (step.batch_size * step.accumulate * int(model["context_length"]))
            tuned[name] = {**tuned.get(name, {}), "steps": max(1, steps)}
    return {**found, "finetune": tuned} if tuned else found


def _scaled(recipe: Recipe, tokens_per_parameter: float) -> Recipe:
    """With as many pretraining steps as the model's size asks for (Hoffmann et al. 2022: about 20 tokens a parameter)."""
    from groundup.model.plan import count
    from groundup.model.presets import resolve

    config = resolve(recipe.model, recipe.tokenizer.vocabulary_size)
    per_step = recipe.pretrain.batch_size * recipe.pretrain.accumulate * config.context_length
    steps = max(1, round(tokens_per_parameter * count(config).parameters / per_step))
    return changed(_plain(recipe), {"pretrain.steps": steps})


def tokens_and_parameters(run_folder: Path) -> tuple[float, float]:
    """Tokens seen and parameters of a finished trial's base model. DataError when its manifest does not tell."""
    manifest = run_folder / stage_named("pretrain").folder / "manifest.json"
    counts = read_json(manifest).get("counts", {}) if manifest.is_file() else {}
    if not counts.get("tokens") or not counts.get("parameters"):
        raise DataError(f"{manifest} tells no tokens and parameters.")
    return float(counts["tokens"]), float(counts["parameters"])


def _link(source: str, target: str) -> None:
    """A hard link where the disk allows it: finished stages are never written to, only replaced."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
