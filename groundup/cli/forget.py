"""groundup forget RUN ID ..."""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import console_of, show

HELP = """Train a run's base model again without some documents, from the last checkpoint that had not read them.

  groundup explain demo --sources --text "what they said" --json      tells the ids of documents
  groundup forget demo DOCUMENT_ID --out runs/demo-without

Writes the tokens and the model without them, and deletion.json, the certificate. What was tuned from the old model must be
tuned again. Set pretrain.keep_checkpoints before the first training to have less to do again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run name or folder")
    parser.add_argument("documents", metavar="ID", nargs="+", help="the documents' ids")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the new tokens and model go")
    parser.add_argument("--device", default="auto")


def run(options: argparse.Namespace) -> int:
    from groundup.audit.deletion import CERTIFICATE, delete
    from groundup.core.errors import UsageError
    from groundup.core.files import read_json
    from groundup.core.stage import Context
    from groundup.pipeline import inputs_of, run_folder_of
    from groundup.stages import read_recipe, stage_named, stage_options

    folder = run_folder_of(options.run)
    if folder is None:
        raise UsageError(f"{options.run} is not a run.", repair="Name a run, or its folder.")
    if options.out.exists() and any(options.out.iterdir()):
        raise UsageError(f"{options.out} is not empty.", repair="Name a new folder.")
    recipe, stage = read_recipe(str(folder)), stage_named("pretrain")
    plan = read_json(folder / "plan.json")["stages"].get("pretrain", {})
    context = Context(seed=recipe.seed, console=console_of(options), plan=plan, device=options.device)
    found = delete(
        options.documents,
        stage_options(recipe, "pretrain"),
        inputs_of(stage, recipe, folder, ""),
        folder / stage.folder,
        options.out,
        context,
    )
    left = sum(one["found"] for one in found["documents"])
    text = (
        f"trained again from step {found['trained_again_from_step']} (first read in step {found['first_read_in_step']})\n"
        f"spans of the documents that still stand in the tokens: {left}\ncertificate: {options.out / CERTIFICATE}"
    )
    show(options, found, text)
    return 0
