"""groundup plan RECIPE"""

from __future__ import annotations

import argparse
from typing import Any

from groundup.cli.output import columns, console_of, show
from groundup.core.console import clock

HELP = """Check a recipe and say what it will take before anything starts: model size, steps, time per stage, memory, and what
its training would cost on named hardware.

With a budget in the recipe this measures the machine for a few seconds.

  groundup plan tiny --set model.preset=gpt3-175b --on h100 --devices 1024"""


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
    parser.add_argument("--on", metavar="HARDWARE", help="what the training takes there: t4, a100, h100, rtx4090 ...")
    parser.add_argument("--devices", type=int, default=1, metavar="N", help="so many of them (default 1)")
    parser.add_argument("--price", type=float, metavar="DOLLARS", help="of one device for an hour, if not the usual")


def run(options: argparse.Namespace) -> int:
    from groundup.budget import make_plan
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
        rows += _model_rows(recipe, plan, options)
    for name, stage in plan["stages"].items():
        work = f", {stage['steps']:,} steps" if "steps" in stage else ""
        work += f", {stage['tokens']:,} tokens" if "tokens" in stage else ""
        rows.append([name, f"{clock(stage['seconds'])}{work}"])
    if plan["budget_seconds"]:
        rows.append(["together", f"budget {clock(plan['budget_seconds'])}"])
    show(options, plan, columns(rows))
    return 0


def _model_rows(recipe: Any, plan: dict[str, Any], options: argparse.Namespace) -> list[list[object]]:
    """The model's size and cost; they are put into the plan too."""
    from dataclasses import asdict

    from groundup.model.config import ModelConfig
    from groundup.model.hardware import TOKENS_PER_PARAMETER, USUAL, cost
    from groundup.model.plan import count

    config = ModelConfig.from_dict(plan["model"])
    settings, batch_size = recipe.pretrain, recipe.pretrain.batch_size
    how: dict[str, Any] = {"optimizer": settings.optimizer, "recompute": settings.recompute}
    counts = count(config, batch_size=batch_size, **how)
    plan["counts"] = asdict(counts)
    layers = f"{config.depth} + {config.decoder_depth}" if config.decoder_depth else str(config.depth)
    mb = {name: getattr(counts, f"{name}_bytes") / 1e6 for name in ("training", "weight", "gradient", "optimizer")}
    rows: list[list[object]] = [
        ["model", f"{config.family}, {layers} layers x {config.width}, {counts.parameters:,} parameters"],
        ["compute", f"{counts.flops_per_token / 1e6:,.1f} MFLOP per training token"],
        ["memory", f"{mb['training']:,.0f} MB to train at batch {batch_size}"],
        [
            "",
            f"weights {mb['weight']:,.0f}, gradients {mb['gradient']:,.0f}, optimizer {mb['optimizer']:,.0f}, "
            f"activations {(counts.activation_bytes + counts.logits_bytes) / 1e6:,.0f} MB",
        ],
    ]
    if config.family not in ("bert", "encoder_decoder"):
        whole = counts.kv_cache_bytes_per_token * config.context_length
        rows.append(["cache", f"{whole / 1e6:,.1f} MB for a text of {config.context_length:,} tokens (fp32)"])
    optimal = TOKENS_PER_PARAMETER * counts.parameters
    rows.append(
        ["optimal", f"{optimal / 1e6:,.0f}M tokens would be compute-optimal ({TOKENS_PER_PARAMETER} a parameter)"]
    )
    tokens = _tokens(recipe, plan, config.context_length) or optimal
    on_gpu = count(
        config, batch_size=-(-batch_size // options.devices), keeps_scores=False, **how
    )  # rows are shared out
    plan["costs"] = []
    for number, name in enumerate([options.on] if options.on else USUAL):
        made = cost(on_gpu, tokens, name, number=options.devices, price=options.price)
        plan["costs"].append({**asdict(made), "tokens": tokens})
        much = clock(made.hours * 3600) if made.hours < 72 else f"{made.hours / 24:,.0f} days"
        room = "" if made.fits else f"; does not fit: {made.bytes_each / 1e9:,.0f} GB each"
        rows.append(
            [
                "" if number else "on",
                f"{options.devices} x {name}: {tokens / 1e6:,.1f}M tokens in {much}, {made.dollars:,.2f} dollars{room}",
            ]
        )
    return rows


def _tokens(recipe: Any, plan: dict[str, Any], context_length: int) -> int:
    """To pretrain on, where recipe or plan says so; else 0."""
    settings = recipe.pretrain
    steps = settings.steps or plan["stages"].get("pretrain", {}).get("steps", 0)
    return settings.tokens or steps * settings.batch_size * settings.accumulate * context_length
