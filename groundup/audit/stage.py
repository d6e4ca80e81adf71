"""Stage 7: look at model and data, write findings, decide the gate.

    run(options, inputs, output, context) -> counts

inputs: `model` (a model folder); `collect`, `clean`, `tokenizer`, `evaluate` where there are any. output:

    findings.json   every finding with interval, n, protocol, evidence, limit
    gate.json       open or closed, which limits broke, what was waived and why

An audit never fails a run: a closed gate stops the release.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groundup.audit.base import Check, Finding, Look, audits, unmeasured, write_findings
from groundup.audit.gate import Gate, apply_limits, decide, write_gate
from groundup.audit.options import BENCHMARKS, FINDINGS, AuditOptions
from groundup.core.errors import Interrupted
from groundup.core.stage import Context
from groundup.evaluate.base import KINDS_OF_MODEL
from groundup.evaluate.subject import Subject, load_subject

# Below this, scoring is thousands of short products, and two threads wait for each other longer than they compute:
# with 0.9 M parameters on a busy 2-core machine the checks took 51 s with two threads, 5 s with one.
ONE_THREAD_BELOW = 5_000_000


def run(options: AuditOptions, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Run the checks and decide the gate; returns counts for the manifest."""
    subject = load_subject(Path(inputs["model"]), device=context.device)
    look = Look(subject, inputs, options, context.seed)
    findings: list[Finding] = []
    with fitting_threads(subject):
        for name in options.checks:
            if context.stop():
                raise Interrupted("Stopped between two checks.", repair="Run the same command again.")
            start = time.monotonic()
            findings += check_of(name)(look) if not subject.kind else _out_of_reach(name, subject)
            context.console.note(f"audit: {name}, {time.monotonic() - start:.1f} s")
    findings = apply_limits(findings, options.limits)
    gate = decide(findings, options.limits, options.waive)
    write_findings(output / "findings.json", findings)
    write_gate(output / "gate.json", gate)
    context.console.note(table(findings, gate))
    broken = sum(finding.passed is False for finding in findings)
    return {"findings": len(findings), "broken": broken, "waived": len(gate.waived), "gate": gate.state}


def _out_of_reach(check: str, subject: Subject) -> list[Finding]:
    """Every check asks how probable a text is, which only a model that goes on a text can say."""
    why = f"This is {KINDS_OF_MODEL[subject.kind]}: it gives no text a probability, so this check cannot ask it."
    return [unmeasured(name, "of a language model", why) for name in FINDINGS[check]]


def check_of(name: str) -> Check:
    """The check of that name; its module is imported on first use."""
    if name in FINDINGS:
        room = "groundup.audit.benchmarks" if name in BENCHMARKS else "groundup.audit"
        importlib.import_module(f"{room}.{name}")
    return audits.get(name)


@contextmanager
def fitting_threads(subject: Subject) -> Iterator[None]:
    """One thread for a small model on a processor, as long as the checks run."""
    import torch

    before = torch.get_num_threads()
    model = subject.engine.model
    on_processor = next(model.parameters()).device.type == "cpu"
    if on_processor and model.num_parameters() < ONE_THREAD_BELOW:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def table(findings: Sequence[Finding], gate: Gate | None = None) -> str:
    """The findings for a terminal, and what the gate says."""
    lines = []
    for finding in findings:
        mark = {True: "within limit", False: "BROKEN", None: "no limit"}[finding.passed]
        limit = "" if finding.limit is None else f" {finding.limit:.3g}"
        lines.append(f"{finding.name:<28} {_value(finding):<26} {mark}{limit}")
        lines.append(f"    {finding.summary}")
    if gate is not None:
        lines.append(f"gate: {gate.state}" + (f" ({'; '.join(gate.reasons.values())})" if gate.reasons else ""))
        if gate.waiver:
            lines.append(f"waived: {gate.waiver}")
    return "\n".join(lines)


def _value(finding: Finding) -> str:
    if finding.value is None:
        return "not measured"
    interval = "" if finding.low is None else f" ({finding.low:.3f} to {finding.high:.3f})"
    return f"{finding.value:.3f}{interval}"
