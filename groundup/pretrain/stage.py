"""The front door of pretraining: tokens -> base model.

Reads the tokenizer's folder; leaves ``model/`` (a model folder), ``metrics.jsonl``, ``samples.jsonl``,
``model_plan.json`` (size and cost of what was built) and, for a causal model, ``journey.json``. Checkpoints stay hidden
in ``.checkpoints``. What is learned is the lesson of the objective (lesson.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from groundup.core.errors import RecipeError
from groundup.core.files import write_json
from groundup.core.stage import Context
from groundup.model import bundle
from groundup.model.config import ModelConfig
from groundup.model.device import choose
from groundup.model.families import build
from groundup.model.options import ModelOptions
from groundup.model.plan import count
from groundup.model.presets import resolve
from groundup.pretrain.lesson import Given, Rows, objective_of
from groundup.pretrain.options import PretrainOptions, PretrainStage, model_in
from groundup.pretrain.replay import demand_same_tokenizer
from groundup.train.loop import Summary, train

TOKENS_PER_PARAMETER = 12  # nanochat's default near its measured optimum of 10.5
TUNED_WIDTH = 128  # where the default learning rate was measured
MOST_EPOCHS = 4  # repeating data up to four times is nearly as good as new data (Muennighoff et al. 2023)


def run(options: PretrainStage, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Pretrain the [model] by the [pretrain] table on ``inputs["tokenizer"]``; continues what a killed run left.

    context.plan may fix what the tables leave open: {"steps", "batch_size", "model": {...}}. context.hooks["samples"]
    (module, step) -> [{"prompt", "text"}, ...] is asked for texts now and then.
    Raises DataError when the tokens do not fill a batch or there is nothing to validate on.
    """
    from groundup.tokenizer import Tokenizer
    from groundup.tokenizer.shards import TokenShards

    folder = inputs["tokenizer"]
    tokenizer = Tokenizer.load(folder / "tokenizer")
    shards = TokenShards.open(folder / "tokens", "train")
    looked_at = TokenShards.open(folder / "tokens", "validation")
    given_model = _start(options, tokenizer) if options.pretrain.start is not None else None
    if given_model is not None:
        config = given_model.config
    else:
        config = resolve(_planned_model(options.model, context.plan), tokenizer.vocabulary_size)
    settings = _planned_training(options.pretrain, context.plan, config, len(shards.tokens))
    objective = objective_of(settings, config)
    samples = context.hooks.get("samples")
    given = Given(
        tokenizer, shards, looked_at, config, settings, context.seed, inputs, output, samples, context.console
    )
    lesson = import_module(f"groundup.pretrain.{objective}").lesson(given)
    module = build(config, context.seed, context.device) if given_model is None else given_model
    module = module.to(choose(context.device)).train()
    cost = count(config, batch_size=settings.batch_size, optimizer=settings.optimizer)
    write_json(output / "model_plan.json", {**asdict(cost), "config": config.to_dict(), "steps": settings.steps})
    context.console.note(
        f"  {cost.parameters:,} parameters, depth {config.depth}, width {config.width}; {settings.steps:,} steps of "
        f"{settings.batch_size * settings.accumulate * config.context_length:,} tokens"
    )
    lesson.begin(module)
    summary = train(
        module,
        lesson.batches,
        lesson.objective,
        settings,
        folder=output,
        context=context,
        validate=lesson.validate,
        sample=_sampler(output / "samples.jsonl", context, lesson.sample),
    )
    module.eval()
    lesson.end(module)
    bundle.save(output / "model", module, tokenizer)
    return {
        "family": config.family,
        "objective": objective,
        "parameters": cost.parameters,
        "depth": config.depth,
        "width": config.width,
        "epochs": round(_epochs(objective, summary, settings, config, len(shards.tokens)), 3),
        **{name: value for name, value in asdict(summary).items() if name != "parts" and (value or name != "privacy")},
    }


def _start(options: PretrainStage, tokenizer: Any) -> Any:
    """The model to go on from, its context changed where the recipe says so. RecipeError where the two do not fit."""
    assert options.pretrain.start is not None
    opened = bundle.load(model_in(options.pretrain.start), "cpu")
    demand_same_tokenizer(tokenizer, opened.tokenizer, options.pretrain.start)
    module, config, asked = opened.model, opened.config, options.model
    usual = config.family in ("gpt", "custom", "speedrun") and "family" not in asked.model_fields_set
    if config.family != asked.family and not usual:
        raise RecipeError(
            f"pretrain.start is of the family '{config.family}', the recipe says '{asked.family}'.",
            repair=f'Give model.family = "{config.family}".',
        )
    if asked.context_length and asked.context_length != config.context_length:
        if config.position == "learned":
            raise RecipeError(
                f"model.context_length: the model has learned {config.context_length} places and knows no others.",
                repair="Leave context_length out.",
            )
        module.config = replace(config, context_length=asked.context_length)
    return module


def _planned_model(options: ModelOptions, plan: Mapping[str, Any]) -> ModelOptions:
    """The table wins; the plan fills what it leaves open."""
    planned = {
        name: value for name, value in dict(plan.get("model") or {}).items() if getattr(options, name, name) is None
    }
    return options.model_copy(update=planned)


def _planned_training(
    options: PretrainOptions, plan: Mapping[str, Any], config: ModelConfig, num_tokens: int
) -> PretrainOptions:
    """Options whose `steps` and `batch_size` are settled: table, else plan, else tokens for the model's size."""
    batch_size = options.batch_size
    if "batch_size" not in options.model_fields_set and plan.get("batch_size"):
        batch_size = int(plan["batch_size"])
    step_tokens = batch_size * options.accumulate * config.context_length
    if options.steps is not None:
        steps = options.steps
    elif options.tokens is not None:
        steps = max(1, round(options.tokens / step_tokens))
    elif plan.get("steps"):
        steps = int(plan["steps"])
    else:
        wanted = min(TOKENS_PER_PARAMETER * count(config).parameters, MOST_EPOCHS * num_tokens)
        steps = max(1, wanted // step_tokens)
    rate = options.learning_rate
    if "learning_rate" not in options.model_fields_set:  # wider models want smaller steps (nanochat: width^-0.5)
        rate *= (TUNED_WIDTH / config.width) ** 0.5
    return options.model_copy(update={"steps": steps, "batch_size": batch_size, "tokens": None, "learning_rate": rate})


def _epochs(objective: str, summary: Summary, settings: PretrainOptions, config: ModelConfig, num_tokens: int) -> float:
    """How often the split was read. The loss of a causal model counts every token; the others count a part of a row."""
    if objective == "causal":
        return summary.tokens / max(1, num_tokens)
    read = summary.steps * settings.batch_size * settings.accumulate * config.context_length
    return read / max(1, num_tokens)


def _sampler(path: Path, context: Context, hook: Rows | None) -> Any:
    """Ask for texts and keep them; None where there is nobody to ask."""
    if hook is None:
        return None

    def sample(module: Any, step: int) -> None:
        rows = [dict(row) for row in hook(module, step) or []]
        _drop_later(path, step)
        with open(path, "a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps({"step": step, **row}, ensure_ascii=False) + "\n")
                context.console.event("sample", step=step, **row)

    return sample


def _drop_later(path: Path, step: int) -> None:
    """A resumed run makes some samples again: lines of this step and later ones go."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] < step]
        path.write_text("".join(kept), encoding="utf-8")
