"""The front door of pretraining: tokens -> base model.

Reads the tokenizer's folder; leaves ``model/`` (a model folder), ``metrics.jsonl``, ``samples.jsonl``, ``journey.json``
and ``model_plan.json`` (size and cost of what was built). Checkpoints stay hidden in ``.checkpoints``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from groundup.core.errors import DataError
from groundup.core.files import read_json, write_json
from groundup.core.stage import Context
from groundup.model import bundle
from groundup.model.config import ModelConfig
from groundup.model.families import build
from groundup.model.options import ModelOptions
from groundup.model.plan import count
from groundup.model.presets import resolve
from groundup.pretrain.batches import PackedBatches
from groundup.pretrain.options import PretrainOptions, PretrainStage
from groundup.pretrain.validate import bits_per_byte, choose_documents, document_losses, journey_document, rows_of
from groundup.train.loop import train
from groundup.train.objectives import causal

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
    config = resolve(_planned_model(options.model, context.plan), tokenizer.vocabulary_size)
    settings = _planned_training(options.pretrain, context.plan, config, len(shards.tokens))
    module = build(config, context.seed, context.device)
    batches = PackedBatches(
        shards,
        batch_size=settings.batch_size,
        context_length=config.context_length,
        seed=context.seed,
        document_mask=settings.document_mask,
    )
    cost = count(config, batch_size=settings.batch_size, optimizer=settings.optimizer)
    write_json(output / "model_plan.json", {**asdict(cost), "config": config.to_dict(), "steps": settings.steps})
    context.console.note(
        f"  {cost.parameters:,} parameters, depth {config.depth}, width {config.width}; {settings.steps:,} steps of "
        f"{settings.batch_size * settings.accumulate * config.context_length:,} tokens"
    )
    documents = choose_documents(looked_at, num_tokens=settings.validation_tokens, seed=context.seed)
    if not documents:
        raise DataError("The validation split holds no document.", repair="Collect more documents.")
    followed = journey_document(looked_at, documents, context_length=config.context_length)
    _begin_journey(output / "journey.json", module, looked_at, followed)
    summary = train(
        module,
        batches,
        causal,
        settings,
        folder=output,
        context=context,
        validate=lambda module, step: bits_per_byte(module, looked_at, documents),
        sample=_sampler(output / "samples.jsonl", context),
    )
    module.eval()
    _end_journey(output / "journey.json", module, looked_at, followed)
    bundle.save(output / "model", module, tokenizer)
    return {
        "parameters": cost.parameters,
        "depth": config.depth,
        "width": config.width,
        "epochs": round(summary.tokens / max(1, len(shards.tokens)), 3),
        **{name: value for name, value in asdict(summary).items() if name != "parts"},
    }


def _planned_model(options: ModelOptions, plan: Mapping[str, Any]) -> ModelOptions:
    """The table wins; the plan fills what it leaves open."""
    planned = {name: value for name, value in dict(plan.get("model") or {}).items() if getattr(options, name) is None}
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


def _sampler(path: Path, context: Context) -> Any:
    """Ask the hook for texts and keep them; None without a hook."""
    hook = context.hooks.get("samples")
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


@torch.no_grad()
def _begin_journey(path: Path, module: Any, shards: Any, document: int) -> None:
    """Losses of the untrained model, written once: a resumed run keeps those of its first start."""
    if path.exists():
        return
    ids = shards[document]
    losses = document_losses(module.eval(), [ids])[0]
    write_json(
        path,
        {
            "document_id": shards.document_ids[document],
            "source": shards.sources[document],
            "tokens": [int(token) for token in ids],
            "losses_first": list(rows_of(losses)),
        },
    )


@torch.no_grad()
def _end_journey(path: Path, module: Any, shards: Any, document: int) -> None:
    """Add the losses of the trained model. losses[i] belongs to tokens[i + 1]: the first token is given."""
    losses = document_losses(module, [shards[document]])[0]
    write_json(path, {**read_json(path), "losses_last": list(rows_of(losses))})
