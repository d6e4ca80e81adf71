"""Carrying out one stage: skip it when its manifest shows it is made, resume it when it was cut off, else make it.

Every room with a stage has ``stage.py`` with one front door

    run(options, inputs, output, context) -> counts

options: the frozen options of the recipe's table. inputs: name -> finished folder to read. output: the folder to
fill. context: what is handed in by whoever runs the house. counts: small JSON values for the manifest.

A stage never writes its own manifest; `carry_out` does, last.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from groundup.core.console import Console
from groundup.core.errors import ArtifactError, DataError
from groundup.core.files import fingerprint, read_json, write_json
from groundup.core.manifest import (
    STARTED,
    Manifest,
    as_plain,
    check_outputs,
    hardware,
    has_manifest,
    hash_outputs,
    read_manifest,
    versions,
    write_manifest,
)


@dataclass(frozen=True)
class Context:
    """What a stage gets besides its options and folders.

    plan: the part of plan.json that concerns it (steps, batch, seconds ...): fixed before the run started.
    hooks: functions of higher floors by name ("samples", "scores"); training calls them, never imports them.
    stop: asked between steps; True means: save and raise Interrupted.
    """

    seed: int = 1
    console: Console = field(default_factory=Console)
    plan: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    hooks: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    stop: Callable[[], bool] = lambda: False


class Run(Protocol):
    """The front door of a room."""

    def __call__(self, options: Any, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]: ...


def content_of(path: Path) -> str:
    """The hash of an input: a finished folder's content, that of its part (``4_pretrain/model``), else the names,
    sizes and times of the files there. Never the folder's own name: a run may be moved."""
    if path.is_dir() and has_manifest(path):
        return read_manifest(path).content
    if not path.exists():
        raise DataError(f"{path} does not exist.")
    if path.is_dir() and has_manifest(path.parent):
        with contextlib.suppress(ArtifactError):  # another program's manifest.json
            outputs = read_manifest(path.parent).outputs
            part = {name: file["sha256"] for name, file in outputs.items() if name.startswith(f"{path.name}/")}
            if part:
                return fingerprint(part)
    files = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
    base = path.parent if path.is_file() else path
    return fingerprint(
        [(file.relative_to(base).as_posix(), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    )


def carry_out(
    name: str,
    version: int,
    run: Run,
    options: Any,
    inputs: Mapping[str, Path],
    output: Path,
    context: Context,
    *,
    depends: Any = None,
    again: bool = False,
) -> tuple[Manifest, bool]:
    """Make one stage's folder, or find it made. Returns its manifest and whether work was done.

    depends: anything else the output depends on (other tables of the recipe, outside files). again: make it anew
    even when nothing changed. A superseded folder is moved to ``.superseded/`` beside it, never deleted; a folder
    cut off with the same key is continued in place by `run`.
    """
    # The plan is part of the key only where it decides the work (steps, tokens), not where it informs (seconds).
    decided = {key: value for key, value in context.plan.items() if key != "seconds"}
    hashes = {key: content_of(path) for key, path in inputs.items()}
    key = fingerprint([name, version, as_plain(options), hashes, context.seed, as_plain(depends), decided])
    if has_manifest(output):
        manifest = None if again else _manifest_of(output, name)
        if manifest is not None and manifest.key == key:
            problems = check_outputs(output, manifest, bytes_too=False)
            if problems:
                raise ArtifactError(
                    f"{output} was changed after it was made: {problems[0]}.",
                    repair=f"Make it again with: --again {name}",
                )
            return manifest, False
        move_aside(output)
    elif output.exists() and _key_of_unfinished(output) != key:
        move_aside(output)
    output.mkdir(parents=True, exist_ok=True)
    for stale in output.rglob(".*.tmp"):  # what a killed process was writing (see `files.atomic_writer`)
        stale.unlink()
    write_json(output / STARTED, {"stage": name, "key": key})

    context.console.event("stage", stage=name, state="started")
    start = time.monotonic()
    counts = run(options, inputs, output, context)
    seconds = round(time.monotonic() - start, 3)
    manifest = Manifest(
        stage=name,
        stage_version=version,
        key=key,
        recipe=as_plain(options),
        inputs=hashes,
        outputs=hash_outputs(output),
        counts=as_plain(counts),
        seconds=seconds,
        seed=context.seed,
        versions=versions(),
        hardware=hardware(),
    )
    write_manifest(output, manifest)
    (output / STARTED).unlink(missing_ok=True)
    context.console.event("stage", stage=name, state="done", seconds=seconds, counts=manifest.counts)
    return manifest, True


def move_aside(folder: Path) -> Path:
    """Move a superseded folder to ``.superseded/NAME-N`` beside it; returns the new place."""
    place = folder.parent / ".superseded"
    place.mkdir(exist_ok=True)
    number = 1
    while (place / f"{folder.name}-{number}").exists():
        number += 1
    shutil.move(str(folder), place / f"{folder.name}-{number}")
    return place / f"{folder.name}-{number}"


def _manifest_of(folder: Path, stage: str) -> Manifest:
    try:
        return read_manifest(folder)
    except ArtifactError as error:
        raise ArtifactError(error.message, repair=f"Make it again with: --again {stage}") from None


def _key_of_unfinished(folder: Path) -> str:
    try:
        return str(read_json(folder / STARTED)["key"])
    except (ArtifactError, KeyError, TypeError):
        return ""
