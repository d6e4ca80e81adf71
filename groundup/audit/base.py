"""The contract of an audit: a check looks at model and data and returns findings.

A finding that could not be measured has no value (None) and says why; where a limit stands on it, the gate stays
closed: what was not looked at did not pass.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from groundup.audit.options import AuditOptions
from groundup.core.errors import DataError
from groundup.core.files import read_json, write_json
from groundup.core.registry import Registry
from groundup.evaluate.subject import Subject

NO_EVIDENCE = "no evidence either way"


@dataclass(frozen=True)
class Finding:
    """One thing found. Lower is better; the limit is the highest value that may be released.

    value, low, high: the measured number and its 95 % interval; None where nothing could be measured.
    passed: None without a limit, else whether value <= limit. summary: one sentence for people.
    """

    name: str  # "pronoun_gap"
    measure: str  # what the number is, in words
    value: float | None
    low: float | None
    high: float | None
    n: int
    protocol: str
    summary: str
    advice: str = ""
    evidence: list[dict[str, Any]] = field(default_factory=list)
    limit: float | None = None
    passed: bool | None = None


@dataclass(frozen=True)
class Look:
    """What a check is given. inputs: finished folders by name; seed: for all that is drawn."""

    subject: Subject
    inputs: Mapping[str, Path]
    options: AuditOptions
    seed: int

    def planted(self, effect: str) -> list[dict[str, Any]]:
        """The rows of the planted truth for one effect; [] where nothing was planted."""
        if "collect" not in self.inputs:
            return []
        path = self.inputs["collect"] / "planted.jsonl.zst"
        return [row for row in _rows(path) if row.get("effect") == effect] if path.exists() else []


Check = Callable[[Look], list[Finding]]
audits: Registry[Check] = Registry("audit check")


def unmeasured(name: str, measure: str, why: str) -> Finding:
    """A finding without a value."""
    return Finding(name, measure, None, None, None, 0, "", why)


def write_findings(path: Path, findings: list[Finding]) -> None:
    """findings.json; a number that is none is our slip and stops here."""
    for finding in findings:
        for number in (finding.value, finding.low, finding.high):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"{finding.name}: {number} is no number to report")
    write_json(path, [asdict(finding) for finding in findings])


def read_findings(path: Path) -> list[Finding]:
    """Read what `write_findings` wrote."""
    return [Finding(**row) for row in read_json(path)]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    import io

    import zstandard

    with open(path, "rb") as file:
        stream: Any = zstandard.ZstdDecompressor().stream_reader(file)
        try:
            for line in io.TextIOWrapper(stream, encoding="utf-8"):
                if line.strip():
                    yield json.loads(line)
        except (zstandard.ZstdError, ValueError) as error:
            raise DataError(f"{path} is damaged: {error}.", repair="Make it again with: --again collect") from None
