"""Checkpoints that survive a kill, a full disk and a flipped bit.

    FOLDER/step-00000100/{weights,optimizer,random}.safetensors  state.json  manifest.json

Protocol: write into a temporary folder beside the target, fsync every file, write the manifest with their SHA-256,
fsync the folder, rename it to its name, fsync the parent. Only then are older ones removed. So at every moment the
newest visible checkpoint is complete; one damaged later is found by its checksums and the one before is used.

Where processes hold shares of the tensors (parallel.Shares), each writes its own: weights.00002.safetensors, whose
header says which rows are in it. Reading takes the rows asked for from whichever files hold them, so that 4 processes
save and 2, or 1, or 8 go on. The format is ours and not that of torch.distributed.checkpoint, which pickles.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from groundup.core.errors import ArtifactError
from groundup.core.files import fingerprint, sha256_of, sync_folder
from groundup.train.team import Team

FORMAT = 1
MANIFEST, STATE = "manifest.json", "state.json"
PREFIX = "step-"

Rows = tuple[int, int, int]  # first, last + 1, of how many
Wanted = Callable[[str, int], tuple[int, int]]  # (tensor's name, its rows in all) -> the rows to read


@dataclass(frozen=True)
class Checkpoint:
    """All that the next step depends on. tensors: part -> name -> tensor; state: plain JSON values."""

    step: int
    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]


def save(
    folder: Path,
    checkpoint: Checkpoint,
    *,
    keep: int = 2,
    team: Team = Team(),
    rows: Mapping[str, Rows] | None = None,
) -> Path:
    """Write one checkpoint by the protocol above and remove all but the newest `keep`; returns its folder.

    team: every process calls this. Without `rows` the first writes everything. rows: name -> which rows of that tensor
    this process holds; then every process writes a file of its own for each part, and `state` is the first's.
    An OSError (disk full, read-only) leaves the earlier checkpoints as they were; it is raised in every process.
    """
    target = folder / f"{PREFIX}{checkpoint.step:08d}"
    temporary = folder / f".writing-{checkpoint.step:08d}"
    writes = team.leads or rows is not None
    _together(team, temporary, (lambda: _begin(folder, temporary)) if team.leads else None)
    _together(team, temporary, (lambda: _write_parts(temporary, checkpoint, team, rows)) if writes else None)
    _together(team, temporary, (lambda: _finish(temporary, target, checkpoint)) if team.leads else None)
    if team.leads:
        _remove(_folders(folder)[keep:] + list(folder.glob(".replaced-*")))
    return target


def keep_only(target: Path) -> None:
    """Remove the other checkpoints of its folder, older and newer ones."""
    _remove([other for other in _folders(target.parent) if other != target])


def _remove(folders: list[Path]) -> None:
    for old in folders:
        # Renamed first, so that one half removed is never taken for a checkpoint.
        gone = old if old.name.startswith(".") else old.rename(old.parent / f".old-{old.name}")
        shutil.rmtree(gone, ignore_errors=True)


def _together(team: Team, temporary: Path, action: Callable[[], None] | None) -> None:
    """Every process does its part of a phase, or none goes on to the next."""
    failed: OSError | None = None
    try:
        if action is not None:
            action()
    except OSError as error:
        failed = error
    if team.any(failed is not None)[0]:
        if team.leads:
            shutil.rmtree(temporary, ignore_errors=True)
        raise failed or OSError("another process could not write its part")


def _begin(folder: Path, temporary: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(".*"):  # what a killed process left half written or half removed
        shutil.rmtree(stale, ignore_errors=True)
    temporary.mkdir()


def _write_parts(temporary: Path, checkpoint: Checkpoint, team: Team, rows: Mapping[str, Rows] | None) -> None:
    for part, tensors in checkpoint.tensors.items():
        flat = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
        held = {name: list(rows[name]) for name in flat if name in rows} if rows is not None else {}
        here = {name: tensor for name, tensor in flat.items() if name in held or team.leads}
        suffix = "" if rows is None else f".{team.rank:05d}"
        header = {"rows": json.dumps(held, sort_keys=True)} if held else None
        _write(temporary / f"{part}{suffix}.safetensors", to_bytes(here, metadata=header))


def _finish(temporary: Path, target: Path, checkpoint: Checkpoint) -> None:
    """State, manifest, and the renaming that makes it visible."""
    _write(temporary / STATE, _json({"step": checkpoint.step, "state": checkpoint.state}))
    files = {
        path.name: {"sha256": sha256_of(path), "bytes": path.stat().st_size} for path in sorted(temporary.iterdir())
    }
    manifest = {"format": FORMAT, "step": checkpoint.step, "files": files, "content": fingerprint(files)}
    _write(temporary / MANIFEST, _json(manifest))
    sync_folder(temporary)
    if target.exists():  # of the same step: either ours already, or damaged and fallen back from
        os.rename(target, target.parent / f".replaced-{checkpoint.step:08d}")
    os.rename(temporary, target)
    sync_folder(target.parent)


def load_newest(
    folder: Path, note: Callable[[str], None] = lambda text: None, *, wanted: Wanted | None = None, team: Team = Team()
) -> Checkpoint | None:
    """The newest valid checkpoint, or None where there is none yet. `note` is told of every one passed over.

    wanted: read only these rows of the tensors. team: the first process checks every byte, the others read what it
    chose. Raises ArtifactError when there are checkpoints and every one is damaged: starting over is the user's decision.
    """
    folders = _folders(folder) if team.leads else []
    chosen: str | None = None
    found: Checkpoint | None = None
    for path in folders:
        try:
            found = load(path, wanted=wanted)
            chosen = path.name
            break
        except ArtifactError as error:
            note(f"Passing over a damaged checkpoint: {error.message}")
    chosen, num_there = team.tell([chosen, len(folders)])
    if chosen is None and num_there:
        raise ArtifactError(
            f"All {num_there} checkpoints in {folder} are damaged.",
            repair="Check the disk; to start this training over, remove that folder.",
        )
    if chosen is not None and not team.leads:
        found = load(folder / chosen, wanted=wanted, check=False)
    return found


def load(path: Path, *, wanted: Wanted | None = None, check: bool = True) -> Checkpoint:
    """One checkpoint, every byte checked; ArtifactError says what is wrong with it.

    wanted: see `load_newest`. check: False where another process has just checked it.
    """
    manifest = _read_manifest(path)
    try:
        for name, file in manifest["files"].items():
            if check and sha256_of(path / name) != file["sha256"]:
                raise ArtifactError(f"{path / name} was changed: its SHA-256 is not the one in {MANIFEST}.")
        values = json.loads((path / STATE).read_bytes())
        parts: dict[str, dict[str, Tensor]] = {}
        files = sorted(name for name in manifest["files"] if name != STATE)
        for part in sorted({name.split(".")[0] for name in files}):
            mine = [path / name for name in files if name.split(".")[0] == part]
            whole = wanted is None and len(mine) == 1
            parts[part] = from_bytes(mine[0].read_bytes()) if whole else _read_rows(mine, wanted)
        return Checkpoint(int(values["step"]), parts, values["state"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ArtifactError(f"{path} is no valid checkpoint: {error}.") from None


def _read_rows(files: list[Path], wanted: Wanted | None) -> dict[str, Tensor]:
    """Tensors put together from the files of one part; of those cut into rows (or wanted in rows) only what is wanted."""
    pieces: dict[str, list[Tensor]] = {}
    for path in files:  # in the order of their processes, so rows come in order
        with safe_open(path, framework="pt") as file:
            held = json.loads((file.metadata() or {}).get("rows", "{}"))
            for name in file.keys():  # noqa: SIM118 - no dict
                part = file.get_slice(name)
                if not part.get_shape():  # a counter
                    pieces[name] = [file.get_tensor(name)]
                    continue
                first, end, total = held.get(name, (0, part.get_shape()[0], part.get_shape()[0]))
                low, high = wanted(name, total) if wanted is not None else (0, total)
                low, high = max(low, first), min(high, end)
                taken = part[low - first : high - first] if low < high else file.get_tensor(name)[:0]
                pieces.setdefault(name, []).append(taken)
    return {name: tensors[0] if len(tensors) == 1 else torch.cat(tensors) for name, tensors in pieces.items()}


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
