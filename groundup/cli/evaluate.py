"""groundup evaluate MODEL"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import columns, console_of, show

HELP = """Score a model: on tasks, or the perplexity and bits per byte of any text.

  groundup evaluate demo                          the tasks of its recipe, again
  groundup evaluate demo --text book.txt          bits per byte and perplexity of files
  groundup evaluate MODEL --tasks piqa,copa --data FOLDER --shots 0,1,5
  groundup evaluate MODEL --tasks arithmetic,core --data FOLDER --prompts
  groundup evaluate MODEL --tasks mine.toml       rows of your own: kind = "classify", file = "rows.jsonl"

MODEL is a run, a run folder or any Hugging Face model folder. Groups of tasks: arithmetic, word_scrambling, bigbench,
commonsense, knowledge, truthfulqa, stories."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--text", nargs="+", type=Path, metavar="FILE", help="measure these text files")
    parser.add_argument("--tasks", help="task names, separated by commas")
    parser.add_argument("--shots", type=_numbers, metavar="N,N", help="examples shown before the question: 0 or 0,1,5")
    parser.add_argument("--limit", help="items a task (default 100), or: all")
    parser.add_argument("--data", type=Path, help="folder with the tasks' rows, or with folders of them")
    parser.add_argument("--prompts", action="store_true", help="show one whole prompt of each task and its answer")
    parser.add_argument("--out", type=Path, help="write scores.json and items/ here")
    parser.add_argument("--device", default="auto")


def run(options: argparse.Namespace) -> int:
    from groundup.pipeline import find_model

    folder = find_model(options.model)
    return _text(options, folder) if options.text else _tasks(options, folder)


def _text(options: argparse.Namespace, folder: Path) -> int:
    from groundup.api import Model
    from groundup.evaluate.text import measure
    from groundup.generate.purpose import demand_writer

    demand_writer(folder, "evaluate --text")

    engine = Model(folder, None, device=options.device).engine
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
    from groundup.core.recipe import validate
    from groundup.core.score import read_scores
    from groundup.core.stage import Context
    from groundup.evaluate.options import EvaluateOptions
    from groundup.evaluate.stage import run as evaluate
    from groundup.evaluate.table import table
    from groundup.pipeline import inputs_of_model, run_folder_of
    from groundup.stages import read_recipe

    run_folder = run_folder_of(options.model) or run_folder_of(folder)
    recipe = read_recipe(str(run_folder)) if run_folder else None
    base = recipe.evaluate if recipe else EvaluateOptions()
    changes: dict[str, object] = {}
    if options.tasks:
        changes["tasks"] = [name.strip() for name in options.tasks.split(",")]
    elif not run_folder:
        raise UsageError(
            f"{options.model} is not a run, so it has no tasks of its own.", repair="Name some: --tasks piqa"
        )
    if options.shots:
        changes["shots"] = options.shots
    if options.limit:
        changes["limit"] = int(options.limit) if options.limit.isdigit() else options.limit
    if options.data:
        changes["data"] = str(options.data)
    chosen = validate(EvaluateOptions, base.model_dump(exclude_unset=True) | changes, name="groundup evaluate")
    if options.out and options.out.exists() and any(options.out.iterdir()):
        # Scores left there by another model would be taken for this one's.
        raise UsageError(f"{options.out} exists and is not empty.", repair="Choose another folder with --out.")
    inputs = inputs_of_model(folder, run_folder)
    # The recipe's seed, so that the same items are asked: `groundup compare` pairs them.
    context = Context(seed=recipe.seed if recipe else 1, console=console_of(options), device=options.device)
    with tempfile.TemporaryDirectory() as temporary:
        output = options.out or Path(temporary)
        output.mkdir(parents=True, exist_ok=True)
        evaluate(chosen, inputs, output, context)
        scores = read_scores(output / "scores.json")
        shown = _prompts(output) if options.prompts else ""
    show(options, [score.__dict__ for score in scores], shown + table(scores))
    return 0


def _prompts(folder: Path) -> str:
    """The first item of every task as the model saw it, what it answered and what is right."""
    from groundup.evaluate.stage import read_items

    parts = []
    for path in sorted((folder / "items").glob("*.jsonl.zst")):
        row = next(read_items(path))
        name = path.name.removesuffix(".jsonl.zst")
        parts.append(f"--- {name}\n{row['prompt']}\n-> {row['answer']!r}; right: {row['gold']!r}\n")
    return "\n".join([*parts, ""])


def _numbers(text: str) -> list[int]:
    """ "0,1,5" -> [0, 1, 5]."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers such as 0,1,5") from None
