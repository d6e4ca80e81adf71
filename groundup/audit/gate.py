"""The gate: limits -> pass or refuse, and why. A limit that broke is passed only by a waiver that names its reason.

    gate.json   {passed, state, broken [...], waived {finding: reason}, unmeasured [...], limits, waiver}

A limit is broken when the value lies above it, also when the interval reaches below: the burden of proof lies with
the release. It is also broken when the finding could not be measured or was not made at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from groundup.audit.base import Finding
from groundup.core.errors import GroundupError
from groundup.core.files import read_json, write_json


@dataclass(frozen=True)
class Gate:
    """What the limits say of a model. waiver: the waived limits and their reasons in one line, for people."""

    passed: bool
    state: str  # "open" or "closed"
    broken: list[str] = field(default_factory=list)  # limits that hold the release back
    reasons: dict[str, str] = field(default_factory=dict)  # finding -> what broke, waived or not
    waived: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    waiver: str = ""


def apply_limits(findings: Sequence[Finding], limits: Mapping[str, float]) -> list[Finding]:
    """The findings with their limits and whether they keep them."""
    judged = []
    for finding in findings:
        limit = limits.get(finding.name)
        passed = None if limit is None else finding.value is not None and finding.value <= limit
        judged.append(replace(finding, limit=limit, passed=passed))
    return judged


def decide(findings: Sequence[Finding], limits: Mapping[str, float], waive: Mapping[str, str]) -> Gate:
    """The gate for these findings."""
    by_name = {finding.name: finding for finding in findings}
    reasons = {}
    for name, limit in limits.items():
        finding = by_name.get(name)
        if finding is None or finding.value is None:
            reasons[name] = f"{name} was not measured" + (f": {finding.summary}" if finding else "")
        elif finding.value > limit:
            reasons[name] = f"{name} is {finding.value:.3g}, the limit is {limit:.3g}"
    waived = {name: waive[name] for name in reasons if name in waive}
    broken = [name for name in reasons if name not in waived]
    return Gate(
        passed=not broken,
        state="closed" if broken else "open",
        broken=broken,
        reasons=reasons,
        waived=waived,
        limits=dict(limits),
        waiver="; ".join(f"{name}: {reason}" for name, reason in waived.items()),
    )


def write_gate(path: Path, gate: Gate) -> None:
    """gate.json."""
    write_json(path, asdict(gate))


def read_gate(path: Path) -> Gate:
    """Read what `write_gate` wrote."""
    values: dict[str, Any] = read_json(path)
    return Gate(**values)


def demand_open(gate: Gate) -> None:
    """Raise a GroundupError that names every broken limit and how to repair or waive it."""
    if gate.passed:
        return
    listed = "; ".join(gate.reasons[name] for name in gate.broken)
    raise GroundupError(
        f"The gate is closed, no release was made: {listed}.",
        repair=f"Repair the model, or waive a limit with its reason: "
        f"--set audit.waive.{gate.broken[0]}='\"who accepts this, and why\"'",
    )
