"""Who may ask: keys with a role, kept as hashes in one file, compared in constant time.

    python -m groundup.serve.keys office              a new key that may do everything; printed once, never stored
    python -m groundup.serve.keys website --role chat     one that may only chat, for a page others can read

A key is 256 random bits, so one SHA-256 of it is as safe to store as a slow hash would be: there is nothing to guess.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import os
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from groundup.core.errors import ArtifactError, GroundupError, UsageError
from groundup.core.files import read_json, write_json

Role = Literal["all", "chat"]
ROLES: tuple[Role, ...] = ("all", "chat")
DEFAULT_FILE = Path(".config") / "groundup" / "keys.json"  # below the user's home
PREFIX = "gu-"  # so that a leaked key is recognised by scanners and people


@dataclass(frozen=True)
class Key:
    """One key as it is stored. sha256: of the key's text, in hexadecimal."""

    name: str
    role: Role
    sha256: str


class Keys:
    """The keys of a file. Asking costs the same whether a key is known or not."""

    def __init__(self, keys: list[Key]) -> None:
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def role_of(self, text: str) -> Role | None:
        """The role of a key, or None for an unknown one. Every stored hash is compared, in constant time each."""
        given = _hash(text)
        role: Role | None = None
        for key in self.keys:
            if hmac.compare_digest(given, key.sha256):
                role = key.role
        return role


def default_file() -> Path:
    """Where keys are kept when no file is named."""
    return Path.home() / DEFAULT_FILE


def read_keys(path: Path) -> Keys:
    """The keys of a file; none when there is no file. ArtifactError for a damaged one."""
    if not path.is_file():
        return Keys([])
    try:
        rows = read_json(path)["keys"]
        keys = [Key(str(row["name"]), row["role"], str(row["sha256"])) for row in rows]
    except (KeyError, TypeError):
        raise ArtifactError(f"{path} is not a file of keys.", repair="Move it away and make new keys.") from None
    if any(key.role not in ROLES or len(key.sha256) != 64 for key in keys):
        raise ArtifactError(f"{path} names an unknown role or holds no hash.")
    return Keys(keys)


def make_key(path: Path, name: str, role: Role = "all") -> str:
    """Add a key to a file (readable by its owner only) and return its text, which is stored nowhere.

    UsageError for a name that is taken.
    """
    keys = read_keys(path).keys
    if any(key.name == name for key in keys):
        raise UsageError(f"There is a key '{name}' already.", repair="Choose another name.")
    text = PREFIX + secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    rows = [asdict(key) for key in [*keys, Key(name, role, _hash(text))]]
    write_json(path, {"format": 1, "keys": rows})
    os.chmod(path, 0o600)
    return text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """The command above."""
    parser = argparse.ArgumentParser(prog="python -m groundup.serve.keys", description="Make a key for the server.")
    parser.add_argument("name", help="whose key it is: office, website")
    parser.add_argument("--role", choices=ROLES, default="all", help="chat: may only list models and chat")
    parser.add_argument("--key-file", type=Path, help=f"default ~/{DEFAULT_FILE}")
    options = parser.parse_args(arguments)
    path = options.key_file or default_file()
    try:
        text = make_key(path, options.name, options.role)
    except GroundupError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(text)
    print(f"kept as a hash in {path}; this is the only time the key is shown", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
