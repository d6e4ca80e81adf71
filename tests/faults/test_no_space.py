"""The ways in which a file is written, with the disk full at each system call: the old content stays, or the new is whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundup.core.document import Document, read_documents, write_documents
from groundup.core.example import Example, read_examples, write_examples
from groundup.core.files import read_json, write_json


def full_from(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """From the `number`-th call on (from 0), fsync, write and replace fail. Returns the calls seen, as they come."""
    seen: list[str] = []

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            seen.append(name)
            if len(seen) > number:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **options)

        return call

    for name in ("fsync", "write", "replace", "rename"):
        monkeypatch.setattr(os, name, wrap(name, getattr(os, name)))
    return seen


WRITERS: dict[str, tuple[Callable[[Path, int], object], Callable[[Path], object]]] = {
    "json": (lambda path, number: write_json(path, {"number": number}), lambda path: read_json(path)["number"]),
    "documents": (
        lambda path, number: write_documents(path, [Document(f"text {number}", "s", "p")]),
        lambda path: int(next(read_documents(path)).text.split()[1]),
    ),
    "examples": (
        lambda path, number: write_examples(path, [Example("qa", question=f"{number}")]),
        lambda path: int(next(iter(read_examples(path))).question),
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_the_old_file_stays_until_the_new_one_is_whole(kind: str, tmp_path: Path) -> None:
    write, read = WRITERS[kind]
    path = tmp_path / {"json": "a.json", "documents": "a.parquet", "examples": "a.jsonl.zst"}[kind]
    write(path, 0)
    number = 0
    while True:
        with pytest.MonkeyPatch.context() as patch:
            seen = full_from(patch, number)
            try:
                write(path, number + 1)
            except OSError as error:
                assert error.errno == errno.ENOSPC
                was_replaced = "replace" in seen[:number]
            else:
                break
        assert read(path) == (number + 1 if was_replaced else 0), f"call {number}: {seen}"
        assert [item.name for item in tmp_path.iterdir()] == [path.name], "nothing half-written is left"
        write(path, 0)
        number += 1
    assert number >= 2, "at least the file's fsync and its renaming can fail"


def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    import torch

    from groundup.train import checkpoint
    from groundup.train.checkpoint import Checkpoint

    def save(step: int) -> None:
        checkpoint.save(tmp_path, Checkpoint(step, {"weights": {"w": torch.full((50,), float(step))}}, {"at": step}))

    save(1)
    number = 0
    while True:
        with pytest.MonkeyPatch.context() as patch:
            seen = full_from(patch, number)
            try:
                save(2 + number)
            except OSError as error:
                assert error.errno == errno.ENOSPC
            else:
                break
        found = checkpoint.load_newest(tmp_path)
        assert found is not None and found.step in (1, 2 + number), f"call {number}: {seen}"
        assert torch.equal(found.tensors["weights"]["w"], torch.full((50,), float(found.step)))
        number += 1
        if found.step != 1:
            break
    assert number > 5
