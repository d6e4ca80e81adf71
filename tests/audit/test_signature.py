"""One changed byte of model, manifest, text or seal is caught and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from groundup.audit.signature import SEAL, check, name_of, open_key, seal_of, sign
from groundup.cli.main import main
from groundup.core.errors import ArtifactError, UsageError
from groundup.core.files import read_json, write_json

KEY, OTHER = b"k" * 32, b"o" * 32


def model(folder: Path) -> Path:
    """A folder like a model's."""
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(range(256)))
    (folder / "config.json").write_text("{}")
    (folder / "manifest.json").write_text('{"stage": "release"}')
    sign(folder, KEY, {"note": "ours"})
    return folder


def flip(path: Path, place: int) -> None:
    """Turn one bit."""
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(bytes(raw))


def test_what_nobody_touched_is_whole(tmp_path: Path) -> None:
    assert check(model(tmp_path / "model"), KEY) == check(tmp_path / "model") == []


@pytest.mark.parametrize("name, place", [("model.safetensors", 0), ("model.safetensors", 255), ("manifest.json", 12)])
def test_one_changed_byte_is_caught_and_named(tmp_path: Path, name: str, place: int) -> None:
    folder = model(tmp_path / "model")
    flip(folder / name, place)
    assert check(folder, KEY) == check(folder) == [f"{name} was changed after it was sealed"]


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "extra.py").write_text("1"), "extra.py was added after it was sealed"),
    ],
)
def test_missing_and_added_files_are_named(tmp_path: Path, change: Callable[[Path], object], said: str) -> None:
    change(model(tmp_path / "model"))
    assert check(tmp_path / "model", KEY) == [said]


def test_a_forged_seal_fits_the_files_but_not_the_key(tmp_path: Path) -> None:
    folder = model(tmp_path / "model")
    seal = read_json(folder / SEAL)
    write_json(folder / SEAL, {**seal, "about": {"note": "theirs"}})
    assert check(folder) == [] and check(folder, KEY) == ["the seal itself was changed: its signature does not fit"]
    sign(folder, OTHER)
    assert "another key" in check(folder, KEY)[0] and check(folder, OTHER) == []


def test_a_text_is_sealed_beside_itself(tmp_path: Path) -> None:
    text = tmp_path / "answer.txt"
    text.write_text("Anna's brother is Peter.")
    assert sign(text, KEY, {"model": "demo"}) == seal_of(text) == tmp_path / f"answer.txt.{SEAL}"
    assert check(text, KEY) == [] and read_json(seal_of(text))["about"] == {"model": "demo"}
    flip(text, 3)
    assert check(text, KEY) == ["answer.txt was changed after it was sealed"]


def test_keys_are_made_once_for_the_owner_only_and_refused_when_short(tmp_path: Path) -> None:
    key = open_key(tmp_path / "key", make=True)
    assert len(key) == 32 and open_key(tmp_path / "key", make=True) == key != open_key(tmp_path / "two", make=True)
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0 and name_of(key).encode() not in (
        tmp_path / "key"
    ).read_bytes()
    (tmp_path / "short").write_text("abcd")
    with pytest.raises(UsageError, match="needs 32"):
        open_key(tmp_path / "short")
    with pytest.raises(UsageError, match="holds no key"):
        open_key(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="missing"):
        check(tmp_path)


def test_the_command_seals_and_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, key = tmp_path / "answer.txt", tmp_path / "my.key"
    text.write_text("A fox.")
    assert main(["sign", str(text), "--key", str(key)]) == 0
    assert main(["verify", str(text), "--key", str(key)]) == 0
    flip(text, 0)
    assert main(["verify", str(text), "--key", str(key)]) == 1
    assert "answer.txt was changed" in capsys.readouterr().out
    (tmp_path / "bare").mkdir()
    assert main(["verify", str(tmp_path / "bare"), "--key", str(key)]) == 2
