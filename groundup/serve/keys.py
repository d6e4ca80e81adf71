"""Who may ask: keys with a role, kept as hashes in one file, compared in constant time.

    python -m groundup.serve.keys office              a new key that may do everything; printed once, never stored
    python -m groundup.serve.keys website --role chat     one that may only chat, for a page others can read

The same from the command: groundup serve MODEL --new-key NAME. A key may have limits of its own (see limits.py).

A key is 256 random bits, so one SHA-256 of it is as safe to store as a slow hash would be: there is nothing to guess.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import os
import secrets
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from groundup.core.errors import ArtifactError, GroundupError, UsageError
from groundup.core.files import read_json, write_json
from groundup.serve.limits import Allowance

Role = Literal["all", "chat"]
ROLES: tuple[Role, ...] = ("all", "chat")
DEFAULT_FILE = Path(".config") / "groundup" / "keys.json"  # below the user's home
UNLIMITED = Allowance()
LIMITS = tuple(field.name for field in fields(Allowance))
PREFIX = "gu-"  # so that a leaked key is recognised by scanners and people


@dataclass(frozen=True)
class Key:
    """One key as it is stored. sha256: of the key's text, in hexadecimal."""

    name: str
    role: Role
    sha256: str
    allowed: Allowance = UNLIMITED


class Keys:
    """The keys of a file. Asking costs the same whether a key is known or not."""

    def __init__(self, keys: list[Key]) -> None:
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def any_for_chat(self) -> bool:
        """Is there a key for other sites' pages?"""
        return any(key.role == "chat" for key in self.keys)

    def role_of(self, text: str) -> Role | None:
        """The role of a key, or None for an unknown one."""
        key = self.key_of(text)
        return None if key is None else key.role

    def key_of(self, text: str) -> Key | None:
        """The key of that text, or None for an unknown one. Every stored hash is compared, in constant time each."""
        given = _hash(text)
        found: Key | None = None
        for key in self.keys:
            if hmac.compare_digest(given, key.sha256):
                found = key
        return found

    @property
    def allowances(self) -> dict[str, Allowance]:
        """What each key may do, by its name."""
        return {key.name: key.allowed for key in self.keys}


def default_file() -> Path:
    """Where keys are kept when no file is named."""
    return Path.home() / DEFAULT_FILE


def read_keys(path: Path) -> Keys:
    """The keys of a file; none when there is no file. ArtifactError for a damaged one."""
    if not path.is_file():
        return Keys([])
    try:
        rows = read_json(path)["keys"]
        keys = [_read(row) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise ArtifactError(f"{path} is not a file of keys.", repair="Move it away and make new keys.") from None
    if any(key.role not in ROLES or len(key.sha256) != 64 for key in keys):
        raise ArtifactError(f"{path} names an unknown role or holds no hash.")
    return Keys(keys)


def _read(row: dict[str, Any]) -> Key:
    limits = {name: row[name] for name in LIMITS if row.get(name) is not None}
    if any(not isinstance(value, int) or isinstance(value, bool) or value < 1 for value in limits.values()):
        raise ValueError(limits)
    return Key(str(row["name"]), row["role"], str(row["sha256"]), Allowance(**limits))


def make_key(path: Path, name: str, role: Role = "all", allowed: Allowance = UNLIMITED) -> str:
    """Add a key to a file (readable by its owner only) and return its text, which is stored nowhere.

    UsageError for a name that is taken.
    """
    keys = read_keys(path).keys
    if any(key.name == name for key in keys):
        raise UsageError(f"There is a key '{name}' already.", repair="Choose another name.")
    text = PREFIX + secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    rows = [_row(key) for key in [*keys, Key(name, role, _hash(text), allowed)]]
    write_json(path, {"format": 1, "keys": rows})
    os.chmod(path, 0o600)
    return text


def _row(key: Key) -> dict[str, Any]:
    limits = {name: getattr(key.allowed, name) for name in LIMITS if getattr(key.allowed, name) is not None}
    return {"name": key.name, "role": key.role, "sha256": key.sha256, **limits}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a new key can be told to be."""
    parser.add_argument("--role", choices=ROLES, default="all", help="of a new key; chat: only list models and chat")
    parser.add_argument("--requests-per-minute", type=_count, metavar="N", help="limit of a new key")
    parser.add_argument("--tokens-per-minute", type=_count, metavar="N", help="limit of a new key, prompts included")
    parser.add_argument("--at-once", type=_count, metavar="N", help="limit of a new key: answers at the same time")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def make_and_tell(path: Path, name: str, options: argparse.Namespace) -> None:
    """Make a key and print it, once."""
    allowed = Allowance(options.requests_per_minute, options.tokens_per_minute, options.at_once)
    text = make_key(path, name, options.role, allowed)
    print(text)
    print(f"kept as a hash in {path}; this is the only time the key is shown", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """The command above."""
    parser = argparse.ArgumentParser(prog="python -m groundup.serve.keys", description="Make a key for the server.")
    parser.add_argument("name", help="whose key it is: office, website")
    add_arguments(parser)
    parser.add_argument("--key-file", type=Path, help=f"default ~/{DEFAULT_FILE}")
    options = parser.parse_args(arguments)
    try:
        make_and_tell(options.key_file or default_file(), options.name, options)
    except GroundupError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
