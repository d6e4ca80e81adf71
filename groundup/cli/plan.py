"""groundup plan RECIPE"""

from __future__ import annotations

import argparse

from groundup.cli.output import columns, console_of, show
from groundup.core.console import clock

HELP = """Check a recipe and say what it will take before anything starts: model size, steps, time per stage, memory.

With a budget in the recipe this measures the machine for a few seconds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="assignments",
        help="change one value: --set model.depth=6",
    )


def run(options: argparse.Namespace) -> int:
    from groundup.budget import make_plan
    from groundup.model.config import ModelConfig
    from groundup.model.plan import count
    from groundup.pipeline import check
    from groundup.stages import read_recipe

    recipe = read_recipe(options.recipe, options.assignments)
    check(recipe)
    plan = make_plan(recipe, console_of(options))
    rows: list[list[object]] = [["recipe", recipe.name], ["sources", ", ".join(recipe.collect)]]
    rows.append(["text", f"about {plan['text_bytes'] / 1e6:.1f} MB"])
    if "from" in plan["model"]:
        rows.append(["model", f"starts from {plan['model']['from']}"])
    else:
        counts = count(
            ModelConfig.from_dict(plan["model"]),
            batch_size=recipe.pretrain.batch_size,
            optimizer=recipe.pretrain.optimizer,
        )
        config = plan["model"]
        rows += [
            [
                "model",
                f"{config['family']}, {config['depth']} layers x {config['width']}, {counts.parameters:,} parameters",
            ],
            ["compute", f"{counts.flops_per_token / 1e6:,.1f} MFLOP per training token"],
            [
                "memory",
                f"{counts.training_bytes / 1e6:,.0f} MB to train at batch {recipe.pretrain.batch_size}",
            ],
            ["optimal", f"{20 * counts.parameters / 1e6:,.0f}M tokens would be compute-optimal (20 a parameter)"],
        ]
    for name, stage in plan["stages"].items():
        work = f", {stage['steps']:,} steps" if "steps" in stage else ""
        work += f", {stage['tokens']:,} tokens" if "tokens" in stage else ""
        rows.append([name, f"{clock(stage['seconds'])}{work}"])
    if plan["budget_seconds"]:
        rows.append(["together", f"budget {clock(plan['budget_seconds'])}"])
    show(options, plan, columns(rows))
    return 0
