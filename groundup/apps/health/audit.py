"""Who did what and when, without what was said: one line a call, chained by hashes so that a changed line shows."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from groundup.core.errors import ArtifactError

FIRST = "0" * 64


class Log:
    """An append-only log; `path` None keeps it in memory. A line holds lengths and counts, never text of a note."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = []
        if path is not None and path.is_file():
            try:
                self.lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            except (OSError, ValueError) as error:
                raise ArtifactError(f"{path} cannot be read as an audit log: {error}.") from None
            self.check()

    def add(self, action: str, **counts: int) -> None:
        """Write one line before its result leaves."""
        before = self.lines[-1]["hash"] if self.lines else FIRST
        row: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "action": action,
            **counts,
            "before": before,
        }
        row["hash"] = _hash(row)
        self.lines.append(row)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    def check(self) -> None:
        """ArtifactError where a line was changed or taken out."""
        before = FIRST
        for number, row in enumerate(self.lines, start=1):
            body = {key: value for key, value in row.items() if key != "hash"}
            if row.get("before") != before or row.get("hash") != _hash(body):
                raise ArtifactError(
                    f"Line {number} of the audit log was changed.", repair="Keep the file as evidence; start a new one."
                )
            before = row["hash"]


def _hash(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
