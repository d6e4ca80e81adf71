"""The manifest: what a stage's folder is, what it was made from, and the hash of every file in it.

`manifest.json` is written last and atomically: a folder without one was never finished. Card, report and studio
read manifests only.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from groundup.core.errors import ArtifactError
from groundup.core.files import fingerprint, read_json, sha256_of, write_json

FORMAT = 1
FILE_NAME = "manifest.json"
STARTED = "started.json"  # stands in a folder from its first to its last moment of being made


@dataclass(frozen=True)
class Manifest:
    """See HOUSE: what flows. `key` is the fingerprint of all that the stage depends on; equal key, same output."""

    stage: str
    stage_version: int
    key: str
    recipe: dict[str, Any]  # the stage's options as they were
    inputs: dict[str, str]  # name -> content hash of the folder read
    outputs: dict[str, dict[str, Any]]  # file -> {"sha256", "bytes"}
    counts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    seed: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)
    state: str = "done"
    format: int = FORMAT

    @property
    def content(self) -> str:
        """One hash for the whole folder: changes when any file's bytes change."""
        return fingerprint({name: output["sha256"] for name, output in self.outputs.items()})


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into its folder: from now on the folder is finished."""
    write_json(folder / FILE_NAME, asdict(manifest))


def has_manifest(folder: Path) -> bool:
    """True when the folder was finished."""
    return (folder / FILE_NAME).is_file()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder, or an ArtifactError when it is missing, damaged or of another format."""
    if not has_manifest(folder):
        raise ArtifactError(
            f"{folder} holds no {FILE_NAME}: it is not a finished stage.",
            repair="Run its recipe again; finished stages are kept.",
        )
    values = read_json(folder / FILE_NAME)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        found = values.get("format") if isinstance(values, dict) else type(values).__name__
        raise ArtifactError(f"{folder / FILE_NAME} has format {found}, expected {FORMAT}.")
    try:
        return Manifest(**values)
    except TypeError as error:
        raise ArtifactError(f"{folder / FILE_NAME} is damaged: {error}.") from None


def hash_outputs(folder: Path) -> dict[str, dict[str, Any]]:
    """Every file below `folder` but hidden ones, the manifest and the marker: name -> {"sha256", "bytes"}."""
    outputs = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and name not in (FILE_NAME, STARTED):
            outputs[name] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    return outputs


def check_outputs(folder: Path, manifest: Manifest, *, bytes_too: bool = True) -> list[str]:
    """What is wrong with a finished folder, in words; empty when nothing changed since it was made.

    bytes_too: also hash every file (verify); without it only presence and size are looked at (quick).
    """
    problems = []
    for name, output in manifest.outputs.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif path.stat().st_size != output["bytes"]:
            problems.append(f"{name} has {path.stat().st_size} bytes, was made with {output['bytes']}")
        elif bytes_too and sha256_of(path) != output["sha256"]:
            problems.append(f"{name} was changed: its SHA-256 is not the one in the manifest")
    return problems


@cache
def versions() -> dict[str, str]:
    """Versions of Python, ourselves and the libraries that decide results. Reads metadata, imports nothing."""
    found = {"python": platform.python_version()}
    for name in ("groundup", "torch", "numpy", "tokenizers", "pyarrow", "safetensors"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def hardware() -> dict[str, Any]:
    """What machine this is: processor, cores, memory in bytes."""
    import os

    import psutil

    return {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count() or 1,
        "memory_bytes": psutil.virtual_memory().total,
    }


def as_plain(value: Any) -> Any:
    """Options (pydantic models, paths, tuples) as plain JSON values, for manifests and fingerprints."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
