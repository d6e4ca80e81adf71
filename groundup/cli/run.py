"""groundup run RECIPE [STAGE ...]"""

from __future__ import annotations

import argparse
import functools
import os
import shlex
from pathlib import Path

from groundup.cli.output import columns, console_of, show
from groundup.core.console import clock

HELP = """Carry out a recipe: documents in, a model you can talk to out.

RECIPE is a shipped name (demo, stories, library), a .toml file, or a run folder to continue. With STAGE names, only these
and what they still lack are run. A stage whose inputs and options have not changed is kept. Ctrl-C saves and stops; the
same command continues."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument("stages", metavar="STAGE", nargs="*")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="assignments",
        help="change one value: --set pretrain.steps=100 (repeat for more)",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="the run folder (default runs/NAME)")
    parser.add_argument("--again", action="append", default=[], metavar="STAGE", help="make this stage anew")
    parser.add_argument("--device", default="auto", help="cpu, cuda or mps (default: the best there is)")


def run(options: argparse.Namespace) -> int:
    from groundup import pipeline
    from groundup.stages import find_recipe, read_recipe

    recipe = read_recipe(options.recipe, options.assignments)
    out = options.out
    if out is None and find_recipe(options.recipe).parent.joinpath("plan.json").exists():
        out = find_recipe(options.recipe).parent  # continuing a run folder
    call = functools.partial(
        pipeline.run, recipe, stages=options.stages, out=out, again=options.again, console=console_of(options)
    )
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # torchrun started several of us
        from groundup.train.team import joined

        with joined(options.device) as team:
            done = call(team=team)
        if not team.leads:
            return 0
    else:
        done = call(device=options.device)
    value = {
        "folder": str(done.folder),
        "made": done.made,
        "seconds": round(done.seconds, 1),
        "stages": {name: {"seconds": item.seconds, "counts": item.counts} for name, item in done.manifests.items()},
    }
    show(options, value, closing(done, pipeline.shown(done.folder)))
    return 0


def closing(done: object, where: Path) -> str:
    """What was made, how good it is, and what to do next."""
    from groundup.core.score import read_scores
    from groundup.pipeline import Done

    assert isinstance(done, Done)
    lines = ["", f"made {where} in {clock(done.seconds)}" if done.made else f"{where}: everything was already made", ""]
    rows = []
    for name, manifest in done.manifests.items():
        size = sum(output["bytes"] for output in manifest.outputs.values())
        rows.append([name, clock(manifest.seconds), f"{size / 1e6:.1f} MB", "made" if name in done.made else "kept"])
    lines += [columns(rows, head=["stage", "time", "size", ""]), ""]
    scores = done.folder / "6_evaluate" / "scores.json"
    if scores.is_file():
        from groundup.evaluate.table import table

        lines += [table(read_scores(scores)), ""]
    call = shlex.quote(where.name if Path("runs") / where.name == where else str(where))
    lines += ["next:"]
    if (done.folder / "5_finetune").is_dir():
        lines += [_use(done.folder, call)]
    lines += [f"  groundup studio {call}      everything in the browser", f"report: {where / 'report.html'}"]
    return "\n".join(lines)


def _use(folder: Path, call: str) -> str:
    """What a tuned model is for, as a command."""
    from groundup.generate.purpose import kind_of
    from groundup.model.bundle import load_config
    from groundup.pipeline import find_model

    model = find_model(folder)
    if kind_of(model) or load_config(model).family in ("bert", "encoder_decoder"):
        return f'  groundup generate {call} --text "..."    let it read'
    return f"  groundup chat {call}        talk to it"
