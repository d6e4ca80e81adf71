"""Runs a recipe: each stage in order, skipping what its manifests show is made; continues where a run was cut off.

    run(recipe)                       the whole story
    run(recipe, stages=["evaluate"])  only these and what they still lack

A run folder is ``runs/NAME/{recipe.toml, plan.json, 1_collect ... 8_release, report.html, events.jsonl}``.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from groundup.budget import make_plan
from groundup.core.console import Console, clock
from groundup.core.errors import ArtifactError, DataError, Interrupted, RecipeError, UsageError, near
from groundup.core.files import read_json, write_bytes, write_json
from groundup.core.manifest import Manifest, as_plain, has_manifest
from groundup.core.stage import Context, Run, carry_out, content_of
from groundup.finetune.formats import is_file_address
from groundup.pretrain.options import model_in
from groundup.stages import STAGES, Recipe, Stage, read_recipe, stage_named, stage_options

RUNS = Path("runs")
TRAINING = ("pretrain", "finetune")  # these stop between steps, with a checkpoint


@dataclass
class Done:
    """What a run made: its folder, and per stage (or finetune/STEP) the manifest and whether it was made just now."""

    folder: Path
    manifests: dict[str, Manifest] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(
    recipe: Recipe | str,
    *,
    stages: Sequence[str] = (),
    out: Path | None = None,
    again: Sequence[str] = (),
    device: str = "auto",
    console: Console | None = None,
    team: Any = None,
) -> Done:
    """Carry out a recipe (an object, a path or a shipped name). Returns what was made.

    stages: only these and what they still lack. again: make these anew. team: the processes that torchrun started
    (`train.team.Team`); the first does everything, the others only join its trainings. Raises Interrupted after a Ctrl-C or
    SIGTERM, with everything saved; running again continues.
    """
    if isinstance(recipe, str):
        recipe = read_recipe(recipe)
    for name in (*stages, *again):
        stage_named(name)
    check(recipe)
    folder = (out or RUNS / recipe.name).absolute()
    if team is not None and not team.leads:
        _follow(team, recipe)
        return Done(folder)
    console = console or Console()
    console.events = folder / "events.jsonl"
    start = time.monotonic()
    with _locked(folder), _stop_signals() as signals:
        _settle(folder, recipe)
        plan = plan_for(recipe, folder, console)
        done = Done(folder)
        wanted = _with_needs(stages, recipe)
        for position, stage in enumerate(wanted, start=1):
            signals.polite = stage.name in TRAINING
            for step in steps_of(recipe) if stage.name == "finetune" else [""]:
                label = f"{stage.name} {step}".strip()
                context = Context(
                    seed=recipe.seed,
                    console=console,
                    plan=plan["stages"].get(f"{stage.name}.{step}" if step else stage.name, {}),
                    device=team.device if team is not None else device,
                    hooks=hooks_for(stage, folder),
                    stop=lambda: signals.stop,
                )
                console.note(f"[{position}/{len(wanted)}] {label}: {stage.comes_out}")
                before = time.monotonic()
                try:
                    manifest, made = carry_out(
                        stage.name,
                        stage.version,
                        _announced(stage, step, team),
                        stage_options(recipe, stage.name, step),
                        inputs_of(stage, recipe, folder, step),
                        folder_of(stage, folder, step),
                        context,
                        depends=_depends(stage, recipe, plan, step),
                        again=stage.name in again,
                    )
                except KeyboardInterrupt:
                    _dismiss(team)
                    raise Interrupted(
                        f"Stopped in {label}. Finished stages are kept.",
                        repair=f"Continue with: {continue_with(folder)}",
                    ) from None
                except Interrupted as stopped:
                    _dismiss(team)
                    raise Interrupted(stopped.message, repair=f"Continue with: {continue_with(folder)}") from None
                key = f"finetune/{step}" if step else stage.name
                done.manifests[key] = manifest
                if made:
                    done.made.append(key)
                    console.note(f"      {clock(time.monotonic() - before)}  {summary(manifest)}")
                else:
                    console.note("      already made, nothing it depends on has changed")
    _dismiss(team)
    done.seconds = time.monotonic() - start
    _write_report(folder, console)
    console.event("run", state="done", seconds=round(done.seconds, 1))
    return done


def _announced(stage: Stage, step: str, team: Any) -> Run:
    """The stage's front door; of a training, one that calls the other processes in first."""
    if team is None or stage.name not in TRAINING:
        return stage.run

    def together(options: Any, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
        places = {name: str(path) for name, path in inputs.items()}
        team.announce({"stage": stage.name, "step": step, "inputs": places, "plan": dict(context.plan)})
        return stage.run(options, inputs, output, context)

    return together


def _follow(team: Any, recipe: Recipe) -> None:
    """Join the first process's trainings until it dismisses us; what a stage writes here is thrown away."""

    def join_in(job: dict[str, Any]) -> None:
        stage = stage_named(job["stage"])
        context = Context(
            seed=recipe.seed,
            console=Console(quiet=True),
            plan=job["plan"],
            device=team.device,
            stop=lambda: signals.stop,
        )
        inputs = {name: Path(path) for name, path in job["inputs"].items()}
        with tempfile.TemporaryDirectory() as scratch, contextlib.suppress(Interrupted):  # the first process tells it
            stage.run(stage_options(recipe, stage.name, job["step"]), inputs, Path(scratch), context)

    with _stop_signals() as signals:
        signals.polite = True
        team.follow(join_in)


def _dismiss(team: Any) -> None:
    if team is not None:
        team.announce(None)


def continue_with(folder: Path) -> str:
    """The command that continues a run, as a person would type it here."""
    return f"groundup run {shlex.quote(str(shown(folder)))}"


def shown(folder: Path) -> Path:
    """A folder as a person would name it here."""
    with contextlib.suppress(ValueError):
        folder = folder.relative_to(Path.cwd())
    return folder


def check(recipe: Recipe) -> None:
    """What a recipe names is there: samples, folders, tuning data, tasks. Stops before any work, with the near names."""
    from groundup.collect.samples import SAMPLES
    from groundup.evaluate.catalogue import find_task

    for name, source in recipe.collect.items():
        if source.sample:
            SAMPLES.get(source.sample)
        elif not Path(source.from_).exists():
            raise DataError(f"[collect.{name}] reads {source.from_}, which does not exist.", repair="Correct the path.")
    given = recipe.model.from_
    if given and not (Path(given) / "config.json").is_file():
        raise DataError(f"[model] starts from {given}, which is no model folder.", repair="Correct the path.")
    start = recipe.pretrain.start
    if start is not None and not (model_in(start) / "config.json").is_file():
        raise DataError(
            f"[pretrain] starts from {start}, neither a model folder nor a run with a model.",
            repair="Correct the path.",
        )
    known = ["samples", "documents", "arithmetic", *recipe.collect]
    for name, step in recipe.finetune.ordered.items():
        for address in step.data or ():
            source_name = address.partition(":")[0]
            if is_file_address(address) and not Path(address).is_file():
                raise DataError(f"[finetune.{name}] reads {address}, which does not exist.", repair="Correct the path.")
            if not is_file_address(address) and source_name not in known:
                raise RecipeError(f"[finetune.{name}] data: there is no '{address}'.", repair=near(source_name, known))
    for task in recipe.evaluate.tasks:
        find_task(task)


def plan_for(recipe: Recipe, folder: Path, console: Console) -> dict[str, Any]:
    """plan.json: made once, before the first stage, and fixed from then on while what it was made from stays the same."""
    path = folder / "plan.json"
    concerns = as_plain(
        [
            recipe.budget,
            recipe.model,
            recipe.pretrain,
            recipe.finetune,
            recipe.tokenizer,
            recipe.evaluate,
            dict(recipe.collect.items()),
        ]
    )
    if path.exists():
        plan = read_json(path)
        if isinstance(plan, dict) and plan.get("made_from") == concerns:
            return plan
    plan = make_plan(recipe, console)
    plan["made_from"] = concerns
    write_json(path, plan)
    return plan


def folder_of(stage: Stage, run_folder: Path, step: str = "") -> Path:
    """Where a stage (or a finetune step) leaves its work."""
    return run_folder / stage.folder / step if step else run_folder / stage.folder


def inputs_of(stage: Stage, recipe: Recipe, run_folder: Path, step: str = "") -> dict[str, Path]:
    """The folders a stage reads, by name. `model` is the newest model made before it."""
    places: dict[str, Path] = {}
    for name in stage.inputs:
        if name == "model":
            places["model"] = _model_before(stage, recipe, run_folder, step)
        elif name == "finetune":
            for each in steps_of(recipe):
                places[f"finetune/{each}"] = run_folder / stage_named("finetune").folder / each
        elif name != "pretrain" or not recipe.model.from_:
            places[name] = run_folder / stage_named(name).folder
    return {name: place for name, place in places.items() if name == "model" or place.exists()}


def inputs_of_model(model: Path, run_folder: Path | None) -> dict[str, Path]:
    """What measuring a model reads: the model, and the finished data stages of the run that made it, by name."""
    inputs = {"model": model}
    for name in ("collect", "clean", "tokenizer", "evaluate") if run_folder else ():
        assert run_folder is not None
        place = run_folder / stage_named(name).folder
        if has_manifest(place):
            inputs[name] = place
    return inputs


def find_model(name: str | Path) -> Path:
    """The model folder meant by a run name, a run folder or a model folder: the newest model of a run."""
    path = Path(name)
    for candidate in (path, RUNS / str(name)):
        if (candidate / "config.json").is_file():
            return candidate
        if (candidate / "model" / "config.json").is_file():
            return candidate / "model"
        places = [candidate / "8_release"]
        steps = sorted((candidate / "5_finetune").glob("*/manifest.json"), key=lambda item: item.stat().st_mtime)
        places += [item.parent / "model" for item in reversed(steps)]
        if has_manifest(candidate / "4_pretrain"):
            places.append(candidate / "4_pretrain" / "model")
        for place in places:
            if (place / "config.json").is_file():
                return place
    runs = sorted(item.name for item in RUNS.glob("*") if item.is_dir()) if RUNS.is_dir() else []
    known = f"Runs here: {', '.join(runs)}." if runs else "There are no runs here yet; make one with: groundup run demo"
    raise UsageError(f"No model '{name}': neither a run, nor a run folder, nor a model folder.", repair=known)


def run_folder_of(name: str | Path) -> Path | None:
    """The run folder meant by a name or path (also from a model folder inside one); None when there is none."""
    for candidate in (Path(name), RUNS / str(name)):
        for place in (candidate.absolute(), *candidate.absolute().parents):
            if (place / "plan.json").is_file() and (place / "recipe.toml").is_file():
                return place
    return None


SAMPLE_PROMPTS = ("", "Once", "The", "In the")  # the openings shown while a model learns


def hooks_for(stage: Stage, run_folder: Path) -> dict[str, Any]:
    """Functions of higher floors that training calls: what the model writes while it learns."""
    if stage.name != "pretrain":
        return {}

    def samples(module: Any, step: int) -> list[dict[str, str]]:
        from groundup.generate.engine import Engine
        from groundup.generate.sampling import Sampling
        from groundup.model.bundle import Bundle
        from groundup.tokenizer import Tokenizer

        folder = run_folder / stage_named("tokenizer").folder / "tokenizer"
        tokenizer = Tokenizer.load(folder)
        engine = Engine(Bundle(module, tokenizer, module.config, folder))
        start = tokenizer.special["<|endoftext|>"]
        ids = [[start, *tokenizer.encode(prompt)] for prompt in SAMPLE_PROMPTS]
        made = engine.generate(ids, Sampling(max_tokens=64, temperature=0.7, seed=1))
        return [{"prompt": prompt, "text": item.text} for prompt, item in zip(SAMPLE_PROMPTS, made, strict=True)]

    return {"samples": samples}


def summary(manifest: Manifest) -> str:
    """A stage's counts in one line, the plain numbers first."""
    parts = []
    for name, value in manifest.counts.items():
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        text = f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else value
        parts.append(f"{name.replace('_', ' ')} {text}")
    return ", ".join(parts[:7])


def _with_needs(names: Sequence[str], recipe: Recipe) -> list[Stage]:
    """The stages to run, in story order: the wanted ones and all that they read."""
    chosen = [stage for stage in STAGES if not names or stage.name in names]
    needed = {stage.name for stage in chosen}
    if names:
        for stage in reversed(STAGES):
            if stage.name in needed:
                needed.update(name if name != "model" else "finetune" for name in stage.inputs)
                if "model" in stage.inputs:
                    needed.add("pretrain")
        if "finetune" not in names and not any(stage.number > 5 for stage in chosen):
            needed.discard("finetune")
    skipped = {"pretrain", "tokenizer"} if recipe.model.from_ else set()
    if not recipe.collect:  # a given model, tuned on files alone
        skipped |= {"collect", "clean"}
    steps = steps_of(recipe)
    if not steps:
        skipped.add("finetune")
    if not recipe.model.writes_text and not steps:  # these ask a model; an encoder that was not tuned answers nothing
        skipped |= {"evaluate", "audit", "release"}
    return [stage for stage in STAGES if stage.name in needed and stage.name not in skipped]


def steps_of(recipe: Recipe) -> list[str]:
    """The tuning steps that are carried out: all, or for an encoder or encoder-decoder the named ones that fit it."""
    from groundup.finetune.stage import FAMILIES

    steps = recipe.finetune.ordered
    if recipe.model.writes_text:  # also a given model, whose family only its folder tells
        return list(steps)
    if "finetune" not in recipe.model_fields_set:  # the step "chat" that a recipe has without naming any
        return []
    return [name for name, step in steps.items() if recipe.model.family_meant in FAMILIES[step.method]]


def _model_before(stage: Stage, recipe: Recipe, run_folder: Path, step: str) -> Path:
    names = steps_of(recipe)
    if step:
        names = names[: names.index(step)]
    if names:
        return run_folder / stage_named("finetune").folder / names[-1] / "model"
    if recipe.model.from_:
        return Path(recipe.model.from_)
    return run_folder / stage_named("pretrain").folder / "model"


def _depends(stage: Stage, recipe: Recipe, plan: dict[str, Any], step: str) -> Any:
    """What a stage's output depends on beyond its own table: outside files, and the seed that made them."""
    if stage.name == "collect":
        outside = {
            name: content_of(Path(source.from_))
            for name, source in recipe.collect.items()
            if Path(source.from_).is_absolute()
        }
        return {"sources": outside}
    if stage.name == "clean" and recipe.clean.outside_files:
        return {"files": {place: content_of(Path(place).expanduser()) for place in recipe.clean.outside_files}}
    if stage.name == "finetune":
        files = [address for address in recipe.finetune.ordered[step].data or () if is_file_address(address)]
        return {"files": {address: content_of(Path(address)) for address in files}} if files else None
    if stage.name == "evaluate":
        tasks = [task for task in recipe.evaluate.tasks if task.endswith(".toml")]
        return {"tasks": {task: content_of(Path(task)) for task in tasks}} if tasks else None
    if stage.name == "audit" and recipe.audit.data:
        return {"data": content_of(Path(recipe.audit.data))}
    if stage.name == "pretrain":
        start = recipe.pretrain.start
        return {"model": plan.get("model"), **({"start": content_of(model_in(start))} if start else {})}
    if stage.name == "release":
        return {"purpose": recipe.purpose, "name": recipe.name}
    return None


def _settle(folder: Path, recipe: Recipe) -> None:
    """Make the run folder, or check that it is this recipe's."""
    path = folder / "recipe.toml"
    if path.exists():
        try:
            held = read_recipe(str(path)).name
        except Exception:
            held = "an unreadable recipe"
        if held != recipe.name:
            raise ArtifactError(
                f"{folder} holds a run of another recipe ('{held}', not '{recipe.name}').",
                repair="Choose another folder with --out.",
            )
    write_bytes(path, recipe.as_toml().encode("utf-8"))


def _write_report(folder: Path, console: Console) -> None:
    from groundup.report.page import write

    write(folder)
    console.note(f"report: {folder / 'report.html'}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One run at a time in a folder; the lock goes with the process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # Windows: no lock; two runs in one folder are then the user's own risk
        except OSError:
            raise ArtifactError(f"Another run is working in {folder}.", repair="Wait for it, or use --out.") from None
        yield


class _Signals:
    """Ctrl-C and SIGTERM: in training the first asks politely (save, then stop); elsewhere, or again, it stops now."""

    def __init__(self) -> None:
        self.stop = False
        self.polite = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.stop or not self.polite:
            raise KeyboardInterrupt
        self.stop = True


@contextlib.contextmanager
def _stop_signals() -> Iterator[_Signals]:
    handler = _Signals()
    previous: dict[signal.Signals, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError):  # not in the main thread: the caller handles signals
            previous[number] = signal.signal(number, handler)
    try:
        yield handler
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
