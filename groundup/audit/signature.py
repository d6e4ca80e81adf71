"""A seal over a model folder or a text: nobody without the key can change one byte and keep it valid.

    signature.json (beside FILE: FILE.signature.json)   {format, method, key, made, about, files, signature}

`files` holds the SHA-256 and size of every file; `about` what was said when it was sealed (the model that wrote a text,
its folder's hash, the settings); `signature` is an HMAC-SHA256 (RFC 2104) over all of it. The key is a file of random
bytes. It is shared: whoever can check a seal can make one. To show the world who made a model, publish its folder's hash
where only you can write.

Text has no place for a seal of its own: it is detached, and lost when the text is copied. A watermark
(generate.watermark) survives the copy and not the rewriting; the two complete each other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from groundup.core.errors import ArtifactError, UsageError
from groundup.core.files import read_json, sha256_of, write_json
from groundup.core.manifest import FILE_NAME, hash_outputs

FORMAT = 1
METHOD = "hmac-sha256"
SEAL = "signature.json"
KEY_BYTES = 32  # as long as the hash: longer adds nothing (RFC 2104, section 3)


def open_key(path: Path, *, make: bool = False) -> bytes:
    """The key in a file (hexadecimal text); with `make`, a new one where there is none, readable by its owner only.

    UsageError when the file is missing or holds no key.
    """
    if make and not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        raise UsageError(f"{path} holds no key.", repair="Make one with: groundup sign THING --key FILE") from None
    if len(key) < KEY_BYTES:
        raise UsageError(f"The key in {path} has {len(key)} bytes; it needs {KEY_BYTES}.")
    return key


def name_of(key: bytes) -> str:
    """A short name of a key that gives nothing of it away."""
    return hashlib.sha256(b"groundup key name" + key).hexdigest()[:16]


def seal_of(path: Path) -> Path:
    """Where the seal of a folder or file stands."""
    return path / SEAL if path.is_dir() else path.with_name(f"{path.name}.{SEAL}")


def sign(path: Path, key: bytes, about: Mapping[str, Any] | None = None) -> Path:
    """Seal a folder (all files but hidden ones) or a file; returns the seal's path. about: JSON values, kept as said."""
    if not path.exists():
        raise UsageError(f"There is no {path} to sign.")
    seal: dict[str, Any] = {
        "format": FORMAT,
        "method": METHOD,
        "key": name_of(key),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "about": dict(about or {}),
        "files": hashes_of(path),
    }
    write_json(seal_of(path), {**seal, "signature": _mac(seal, key)})
    return seal_of(path)


def check(path: Path, key: bytes | None = None) -> list[str]:
    """What is wrong with a sealed folder or file, in words; empty when nothing is.

    Without a key only the files are compared with the seal: that shows damage, not forgery.
    ArtifactError when there is no seal, or none that can be read.
    """
    seal = read_json(seal_of(path))
    if not isinstance(seal, dict) or seal.get("format") != FORMAT or seal.get("method") != METHOD:
        raise ArtifactError(f"{seal_of(path)} is no seal of format {FORMAT} ({METHOD}).")
    problems = []
    if key is not None:
        if seal.get("key") != name_of(key):
            problems.append(f"sealed with another key ({seal.get('key')}, yours is {name_of(key)})")
        elif not hmac.compare_digest(str(seal.get("signature")), _mac(seal, key)):
            problems.append("the seal itself was changed: its signature does not fit")
    sealed, found = seal.get("files"), hashes_of(path)
    if not isinstance(sealed, dict):
        return [*problems, "the seal names no files"]
    problems += [f"{name} is missing" for name in sealed if name not in found]
    problems += [f"{name} was added after it was sealed" for name in found if name not in sealed]
    problems += [
        f"{name} was changed after it was sealed" for name in found if sealed.get(name, found[name]) != found[name]
    ]
    return problems


def hashes_of(path: Path) -> dict[str, dict[str, Any]]:
    """File -> {"sha256", "bytes"} of a folder (its manifest included, the seal not) or of one file."""
    if path.is_file():
        return {path.name: {"sha256": sha256_of(path), "bytes": path.stat().st_size}}
    files = hash_outputs(path)
    if (path / FILE_NAME).is_file():
        files[FILE_NAME] = {"sha256": sha256_of(path / FILE_NAME), "bytes": (path / FILE_NAME).stat().st_size}
    files.pop(SEAL, None)
    return files


def _mac(seal: Mapping[str, Any], key: bytes) -> str:
    """The HMAC over everything but the signature, in one spelling of JSON."""
    said = {name: value for name, value in seal.items() if name != "signature"}
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
