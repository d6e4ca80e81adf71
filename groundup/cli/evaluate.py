"""groundup evaluate MODEL"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import columns, console_of, show

HELP = """Score a model: on tasks, or the perplexity and bits per byte of any text.

  groundup evaluate demo                          the tasks of its recipe, again
  groundup evaluate demo --text book.txt          bits per byte and perplexity of files
  groundup evaluate MODEL --tasks piqa,copa --data FOLDER --shots 0,1"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--text", nargs="+", type=Path, metavar="FILE", help="measure these text files")
    parser.add_argument("--tasks", help="task names, separated by commas")
    parser.add_argument("--shots", default="", help="examples shown before the question: 0 or 0,1,5")
    parser.add_argument("--limit", type=int, help="items a task")
    parser.add_argument("--data", type=Path, help="folder with the tasks' data")
    parser.add_argument("--out", type=Path, help="write scores.json and items/ here")
    parser.add_argument("--device", default="auto")


def run(options: argparse.Namespace) -> int:
    from groundup.pipeline import find_model

    folder = find_model(options.model)
    return _text(options, folder) if options.text else _tasks(options, folder)


def _text(options: argparse.Namespace, folder: Path) -> int:
    from groundup.evaluate.text import measure
    from groundup.generate.engine import Engine
    from groundup.model.bundle import load

    engine = Engine(load(folder, device=options.device))
    results = [measure(engine, path) for path in options.text]
    rows = [
        [item.name, f"{item.num_bytes:,}", f"{item.bits_per_byte:.4f}", f"{item.perplexity:.2f}"] for item in results
    ]
    show(
        options,
        [item.__dict__ for item in results],
        columns(rows, head=["file", "bytes", "bits per byte", "perplexity (token)"]),
    )
    return 0


def _tasks(options: argparse.Namespace, folder: Path) -> int:
    import tempfile

    from groundup.core.errors import UsageError
    from groundup.core.score import read_scores
    from groundup.core.stage import Context
    from groundup.evaluate.options import EvaluateOptions
    from groundup.evaluate.stage import run as evaluate
    from groundup.evaluate.table import table
    from groundup.pipeline import run_folder_of
    from groundup.stages import read_recipe

    run_folder = run_folder_of(options.model) or run_folder_of(folder)
    base = read_recipe(str(run_folder)).evaluate if run_folder else EvaluateOptions()
    changes: dict[str, object] = {}
    if options.tasks:
        changes["tasks"] = [name.strip() for name in options.tasks.split(",")]
    elif not run_folder:
        raise UsageError(
            f"{options.model} is not a run, so it has no tasks of its own.", repair="Name some: --tasks piqa"
        )
    if options.shots:
        changes["shots"] = [int(part) for part in options.shots.split(",")]
    if options.limit:
        changes["limit"] = options.limit
    if options.data:
        changes["data"] = str(options.data)
    chosen = EvaluateOptions.model_validate(base.model_dump() | changes)
    inputs = {"model": folder}
    if run_folder:
        for name in ("1_collect", "2_clean", "3_tokenizer"):
            if (run_folder / name).exists():
                inputs[name.partition("_")[2]] = run_folder / name
    with tempfile.TemporaryDirectory() as temporary:
        output = options.out or Path(temporary)
        output.mkdir(parents=True, exist_ok=True)
        evaluate(chosen, inputs, output, Context(console=console_of(options), device=options.device))
        scores = read_scores(output / "scores.json")
    show(options, [score.__dict__ for score in scores], table(scores))
    return 0
