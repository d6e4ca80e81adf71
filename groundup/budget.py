"""From a budget to a plan: how long this machine needs for each stage, how large a model, how many steps.

The machine is measured once (at most 20 s): one real training step of each candidate model, and a fixed piece of text
work. The plan is written before the first stage and never changed by how long things then take, so that a run that
was stopped and continued ends with the same weights.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundup.core.console import Console, clock
from groundup.core.errors import RecipeError
from groundup.model.config import ModelConfig
from groundup.model.plan import count
from groundup.model.presets import resolve
from groundup.pretrain.options import model_in
from groundup.stages import Recipe

# Seconds per megabyte of text on the reference machine (2 cores at about 2.5 GHz, measured 2026-11), collect+clean+tokenizer.
# A machine's own speed scales them (`text_speed`).
DATA_SECONDS_PER_MB = 1.1
DATA_SECONDS_FIXED = 4.0  # starting up, training a small tokenizer
STARTING_SECONDS = 10.0  # loading torch, measuring this machine, the report at the end
REFERENCE_TEXT_SECONDS = 0.018  # what `text_speed` measures on the reference machine
BYTES_PER_SAMPLE = 630  # of a story with half of the questions behind it
AFTER_SECONDS = 15.0  # evaluate, audit, release and report of a small model on the reference machine
# Looks at the validation split, samples and checkpoints between the steps that `train.speed` times.
TRAINING_OVERHEAD = 1.2
FINETUNE_SHARE = 0.30  # of the training time, all tuning steps together; measured best for the demo
DEPTHS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24)
# The deepest model is chosen that still sees this many tokens per parameter. Compute-optimal is about 20 (Hoffmann et al.
# 2022); minutes on a CPU are far below, and there wider is better than longer only down to about 1.5 (docs/log.md).
MIN_TOKENS_PER_PARAMETER = 1.5
MAX_EPOCHS = 8  # more passes over the same text teach almost nothing (Muennighoff et al. 2023: about 4 count in full)


def make_plan(recipe: Recipe, console: Console) -> dict[str, Any]:
    """Sizes, steps and seconds for every stage of a recipe. Measures this machine only when there is a budget."""
    text_bytes = corpus_bytes(recipe)
    plan: dict[str, Any] = {"budget_seconds": recipe.budget_seconds, "text_bytes": text_bytes, "stages": {}}
    stages = plan["stages"]
    if recipe.model.from_:
        plan["model"] = {"from": recipe.model.from_}
        return plan
    if recipe.budget_seconds is None:
        config = config_of(recipe)
        plan["model"] = config.to_dict()
        plan["parameters"] = count(config).parameters
        return plan

    speed = text_speed()
    data_seconds = (DATA_SECONDS_FIXED + DATA_SECONDS_PER_MB * text_bytes / 1e6) * speed
    after_seconds = AFTER_SECONDS * speed
    around_seconds = STARTING_SECONDS * speed
    training_seconds = (recipe.budget_seconds - around_seconds - data_seconds - after_seconds) / TRAINING_OVERHEAD
    if training_seconds < 5:
        raise RecipeError(
            f"A budget of {recipe.budget} is too short here: reading and cleaning {text_bytes / 1e6:.0f} MB takes about "
            f"{clock(data_seconds)}, evaluation about {clock(after_seconds)}.",
            repair=f'Give at least: budget = "{round((around_seconds + data_seconds + after_seconds) * 2 / 60 + 0.5)}m"',
        )
    steps = list(recipe.finetune.ordered)
    tuning_seconds = training_seconds * FINETUNE_SHARE if steps else 0.0
    pretrain_seconds = training_seconds - tuning_seconds
    tokens_there = text_bytes / 3.6  # bytes per token of a small vocabulary on English prose
    chosen = choose_depth(recipe, pretrain_seconds, tokens_there)
    plan["model"] = chosen["model"]
    plan["parameters"] = chosen["parameters"]
    plan["tokens_per_second"] = round(chosen["tokens_per_second"])
    stages["collect"] = {"seconds": round(data_seconds * 0.15, 1)}
    stages["clean"] = {"seconds": round(data_seconds * 0.5, 1)}
    stages["tokenizer"] = {"seconds": round(data_seconds * 0.35, 1)}
    batch_tokens = recipe.pretrain.batch_size * recipe.pretrain.accumulate * chosen["model"]["context_length"]
    fitting = min(pretrain_seconds * chosen["tokens_per_second"], tokens_there * MAX_EPOCHS) / batch_tokens
    num_steps = recipe.pretrain.steps or max(10, int(fitting))
    pretrain_seconds = num_steps * batch_tokens / chosen["tokens_per_second"]
    stages["pretrain"] = {
        "steps": num_steps,
        "seconds": round(pretrain_seconds * TRAINING_OVERHEAD, 1),
        "model": chosen["model"],
    }
    for name, options in recipe.finetune.ordered.items():
        tokens = tuning_seconds / len(steps) * chosen["tokens_per_second"]
        if options.steps:
            tokens = options.steps * options.batch_size * options.accumulate * chosen["model"]["context_length"]
        stages[f"finetune.{name}"] = {
            "tokens": int(tokens),
            "seconds": round(tokens / chosen["tokens_per_second"] * TRAINING_OVERHEAD, 1),
        }
    stages["evaluate"] = {"seconds": round(after_seconds * 0.6, 1)}
    stages["audit"] = {"seconds": round(after_seconds * 0.3, 1)}
    console.note(
        f"plan: {plan['parameters'] / 1e6:.1f}M parameters, {stages['pretrain']['steps']:,} pretraining steps of "
        f"{batch_tokens:,} tokens in about {clock(pretrain_seconds)}; {clock(tuning_seconds)} of tuning"
    )
    return plan


def choose_depth(recipe: Recipe, seconds: float, tokens_there: float) -> dict[str, Any]:
    """The model for a time: the recipe's depth, or the deepest that sees enough tokens; measured, not guessed."""
    # A preset brings its own depth, and so does a model to go on from.
    named = recipe.model.depth is not None or recipe.model.preset is not None or recipe.pretrain.start is not None
    candidates = (recipe.model.depth,) if named else DEPTHS
    best: dict[str, Any] = {}
    for depth in candidates:
        config = config_of(recipe, depth)
        parameters = count(config).parameters
        # A rough bound first (300 GFLOP/s is more than two cores give), so that hopeless sizes are not even measured.
        if best and seconds * 300e9 / count(config).flops_per_token < MIN_TOKENS_PER_PARAMETER * parameters:
            break
        speed = training_speed(config, recipe.pretrain, seconds=5.0 if named else 2.5)
        if best and min(seconds * speed, tokens_there * MAX_EPOCHS) < MIN_TOKENS_PER_PARAMETER * parameters:
            break
        best = {"model": config.to_dict(), "parameters": parameters, "tokens_per_second": speed}
    return best


def config_of(recipe: Recipe, depth: int | None = None) -> ModelConfig:
    """The model of a recipe, of `depth` layers where the recipe leaves that open."""
    if recipe.pretrain.start is not None:
        from groundup.model.bundle import load_config

        config = load_config(model_in(recipe.pretrain.start))
        context = recipe.model.context_length
        return replace(config, context_length=context) if context else config
    options = recipe.model if depth is None else recipe.model.model_copy(update={"depth": depth})
    return resolve(options, recipe.tokenizer.vocabulary_size)


def training_speed(config: Any, options: Any, *, seconds: float = 2.5) -> float:
    """Tokens per second of real training steps of `config` on this machine (forward, backward, update)."""
    from groundup.train.speed import measure  # loads torch: only where there is a budget to plan

    return measure(config, options, seconds=seconds)


def text_speed() -> float:
    """How slow this machine is at text work, against the reference machine (1.0); best of three."""
    text = "The quick brown fox jumps over the lazy dog near the riverbank, again and again, 42 times. " * 4000
    pattern = re.compile(r"\w+|[^\w\s]")
    best = min(_seconds_of(pattern, text) for _ in range(3))
    return best / REFERENCE_TEXT_SECONDS


def _seconds_of(pattern: re.Pattern[str], text: str) -> float:
    start = time.perf_counter()
    words: dict[str, int] = {}
    for word in pattern.findall(text):
        words[word] = words.get(word, 0) + 1
    return time.perf_counter() - start


def corpus_bytes(recipe: Recipe) -> int:
    """An estimate of the raw text in bytes: counted for samples, file sizes (unpacked about 3.2x) for folders."""
    total = 0.0
    for source in recipe.collect.values():
        if source.from_.startswith("samples:"):
            total += (source.count or 2000) * BYTES_PER_SAMPLE
            continue
        place = Path(source.from_)
        files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
        packed = (".gz", ".zst", ".zip", ".tgz", ".parquet", ".epub", ".docx")
        total += sum(path.stat().st_size * (3.2 if path.suffix in packed else 1.0) for path in files)
    return int(total)
