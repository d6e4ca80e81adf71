"""groundup audit MODEL"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from groundup.cli.output import console_of, show

HELP = """Look at a model for bias, remembered secrets, personal data and planted myths, and hold it against limits.

  groundup audit demo                                  the checks and limits of its recipe, again
  groundup audit MODEL --checks bias --limit pronoun_gap=0.1
  groundup audit FOLDER --checks all --data benchmarks         any Hugging Face model folder, all there is

Exit code 1 when a limit is broken. A check that needs the run behind the model says "not measured" without one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument(
        "--checks", help="check names, separated by commas, or 'all' (default: the recipe's, else the quick ones)"
    )
    parser.add_argument(
        "--data", metavar="FOLDER", help="published rows of the benchmarks (see docs/stages/7_audit.md)"
    )
    parser.add_argument(
        "--limit", action="append", default=[], metavar="FINDING=VALUE", help="the highest value allowed (repeat)"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write findings.json and gate.json here")
    parser.add_argument("--device", default="auto")


def run(options: argparse.Namespace) -> int:
    import tempfile

    from groundup.audit.base import read_findings
    from groundup.audit.gate import read_gate
    from groundup.audit.options import AuditOptions
    from groundup.audit.stage import run as audit
    from groundup.audit.stage import table
    from groundup.core.console import Console
    from groundup.core.recipe import validate
    from groundup.core.stage import Context
    from groundup.pipeline import find_model, inputs_of_model, run_folder_of
    from groundup.stages import read_recipe

    folder = find_model(options.model)
    run_folder = run_folder_of(options.model) or run_folder_of(folder)
    recipe = read_recipe(str(run_folder)) if run_folder else None
    values = recipe.audit.model_dump() if recipe else {}
    chosen = validate(AuditOptions, _changed(values, options), name="groundup audit")
    console_of(options).note(f"auditing {folder}: {', '.join(chosen.checks)}")
    context = Context(seed=recipe.seed if recipe else 1, console=Console(quiet=True), device=options.device)
    with tempfile.TemporaryDirectory() as temporary:
        output = options.out or Path(temporary)
        output.mkdir(parents=True, exist_ok=True)
        audit(chosen, inputs_of_model(folder, run_folder), output, context)
        findings, gate = read_findings(output / "findings.json"), read_gate(output / "gate.json")
    show(
        options,
        {"findings": [vars(finding) for finding in findings], "gate": vars(gate)},
        table(findings, gate),
    )
    return 0 if gate.passed else 1


def _changed(values: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """The recipe's table with what the command line says."""
    from groundup.audit.options import BENCHMARKS, FINDINGS
    from groundup.core.errors import UsageError

    if options.data:
        values["data"] = options.data
    if options.checks:
        names = [name.strip() for name in options.checks.split(",")]
        if names == ["all"]:  # published benchmarks where their rows are
            names = [name for name in FINDINGS if values.get("data") or name not in BENCHMARKS]
        made = {finding for name in names for finding in FINDINGS.get(name, ())}
        for table in ("limits", "waive"):  # the recipe's limits on what is not looked at now do not apply
            values[table] = {name: value for name, value in values.get(table, {}).items() if name in made}
        values["checks"] = names
    for text in options.limit:
        name, _, number = text.partition("=")
        try:
            values["limits"] = {**values.get("limits", {}), name.strip(): float(number)}
        except ValueError:
            raise UsageError(f"--limit {text} is not FINDING=NUMBER.", repair="Write: pronoun_gap=0.1") from None
    return values
