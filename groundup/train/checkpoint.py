"""Checkpoints that survive a kill, a full disk and a flipped bit.

    FOLDER/step-00000100/{weights,optimizer,random}.safetensors  state.json  manifest.json

Protocol: write into a temporary folder beside the target, fsync every file, write the manifest with their SHA-256,
fsync the folder, rename it to its name, fsync the parent. Only then are older ones removed. So at every moment the
newest visible checkpoint is complete; one damaged later is found by its checksums and the one before is used.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from groundup.core.errors import ArtifactError
from groundup.core.files import fingerprint, sha256_of, sync_folder

FORMAT = 1
MANIFEST, STATE = "manifest.json", "state.json"
PREFIX = "step-"


@dataclass(frozen=True)
class Checkpoint:
    """All that the next step depends on. tensors: part -> name -> tensor; state: plain JSON values."""

    step: int
    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]


def save(folder: Path, checkpoint: Checkpoint, *, keep: int = 2) -> Path:
    """Write one checkpoint by the protocol above and remove all but the newest `keep`; returns its folder.

    An OSError (disk full, read-only) leaves the earlier checkpoints as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{PREFIX}{checkpoint.step:08d}"
    temporary = folder / f".writing-{checkpoint.step:08d}"
    for stale in folder.glob(".*"):  # what a killed process left half written or half removed
        shutil.rmtree(stale, ignore_errors=True)
    try:
        temporary.mkdir()
        files = {}
        for part, tensors in checkpoint.tensors.items():
            flat = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
            _write(temporary / f"{part}.safetensors", to_bytes(flat))
        _write(temporary / STATE, _json({"step": checkpoint.step, "state": checkpoint.state}))
        for path in sorted(temporary.iterdir()):
            files[path.name] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        manifest = {"format": FORMAT, "step": checkpoint.step, "files": files, "content": fingerprint(files)}
        _write(temporary / MANIFEST, _json(manifest))
        sync_folder(temporary)
        if target.exists():  # of the same step: either ours already, or damaged and fallen back from
            os.rename(target, folder / f".replaced-{checkpoint.step:08d}")
        os.rename(temporary, target)
        sync_folder(folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for old in _folders(folder)[keep:] + list(folder.glob(".replaced-*")):
        # Renamed first, so that one half removed is never taken for a checkpoint.
        gone = old if old.name.startswith(".") else old.rename(folder / f".old-{old.name}")
        shutil.rmtree(gone, ignore_errors=True)
    return target


def load_newest(folder: Path, note: Callable[[str], None] = lambda text: None) -> Checkpoint | None:
    """The newest valid checkpoint, or None where there is none yet. `note` is told of every one passed over.

    Raises ArtifactError when there are checkpoints and every one is damaged: starting over is the user's decision.
    """
    folders = _folders(folder)
    for path in folders:
        try:
            return load(path)
        except ArtifactError as error:
            note(f"Passing over a damaged checkpoint: {error.message}")
    if folders:
        raise ArtifactError(
            f"All {len(folders)} checkpoints in {folder} are damaged.",
            repair="Check the disk; to start this training over, remove that folder.",
        )
    return None


def load(path: Path) -> Checkpoint:
    """One checkpoint, every byte checked; ArtifactError says what is wrong with it."""
    manifest = _read_manifest(path)
    contents = {}
    try:
        for name, file in manifest["files"].items():
            if sha256_of(path / name) != file["sha256"]:
                raise ArtifactError(f"{path / name} was changed: its SHA-256 is not the one in {MANIFEST}.")
            contents[name] = (path / name).read_bytes()
        values = json.loads(contents.pop(STATE))
        tensors = {name.removesuffix(".safetensors"): from_bytes(data) for name, data in contents.items()}
        return Checkpoint(int(values["step"]), tensors, values["state"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ArtifactError(f"{path} is no valid checkpoint: {error}.") from None


def _read_manifest(path: Path) -> Mapping[str, Any]:
    try:
        data = (path / MANIFEST).read_bytes()
        manifest: dict[str, Any] = json.loads(data)
        # Written canonically, so any changed byte shows: in the text, in the content hash or in the files' hashes.
        whole = _json(manifest) == data and fingerprint(manifest["files"]) == manifest["content"]
        if whole and manifest["format"] == FORMAT and path.name == f"{PREFIX}{manifest['step']:08d}":
            return manifest
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path / MANIFEST} cannot be read: {error}.") from None
    raise ArtifactError(f"{path / MANIFEST} was changed after it was written.")


def _folders(folder: Path) -> list[Path]:
    """Checkpoint folders, newest first."""
    return sorted(folder.glob(f"{PREFIX}*"), reverse=True)


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False).encode("utf-8")


def _write(path: Path, data: bytes) -> None:
    """Write and fsync one file of a folder that is not visible yet; a short write is continued."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)  # the umask decides, as for any file
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
