"""Method "reinforce": GRPO with verifiable rewards; all weights, or adapters (LoRA). See `reinforce`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.freezing import frozen
from groundup.finetune.options import StepOptions
from groundup.finetune.prepared import find, steps_of, tell
from groundup.finetune.reinforce import (
    GroupRelative,
    Rollouts,
    check_lengths,
    greedily,
    is_askable,
    look,
    question_from,
    solved,
)
from groundup.finetune.rewards import target_of
from groundup.metrics.intervals import wilson
from groundup.metrics.paired import paired_test
from groundup.model import bundle as bundles
from groundup.train.loop import train

DEFAULT_EPOCHS = 1.0  # taste: rewards rise within a few hundred updates or not at all
MAX_VALIDATION = 200  # questions of a look; taste


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train on rewards and leave model/; see `stage.run`. counts: the share of held-out questions solved before and
    after, with the paired test of the difference."""
    needs = "An example needs a question (messages, text, question) and what is right (target, label)."
    found = find(options, inputs, bundle, context, is_askable, what="question with an answer to check", needs=needs)
    how, limit = options.reinforce, bundle.config.context_length
    questions, num_too_long = check_lengths(
        [question_from(bundle.tokenizer, one, options.template) for one in found.train], limit, how.max_tokens
    )
    held = [question_from(bundle.tokenizer, one, options.template) for one in found.held[:MAX_VALIDATION]]
    held = [question for question in held if len(question.ids) + how.max_tokens <= limit]
    # A row of the batch is an answer; a question takes `answers` of them.
    steps, epochs = steps_of(options, context, len(questions) * how.answers, limit // 2, DEFAULT_EPOCHS)
    before_Q = greedily(bundle, held, how) if held else np.empty(0)
    counts: dict[str, Any] = {**found.counts(), "too_long": num_too_long, "epochs": epochs}
    shown = [
        {
            "task": one.example.task,
            "text": bundle.tokenizer.decode(one.ids, skip_special=False),
            "target": target_of(one.example),
        }
        for one in questions[:3]
    ]
    tell(output, {**counts, "steps": steps}, found, options, shown)

    reference = copy.deepcopy(bundle.model).eval().requires_grad_(False) if how.kl else None
    model = frozen(bundle.model, options.freeze)
    model = model if options.lora is None else lora.attach(model, options.lora, context.seed)
    summary = train(
        model,
        Rollouts(bundle, questions, options, context.seed),
        GroupRelative(how.kl, reference),
        options.settings().model_copy(update={"steps": steps}),
        folder=output,
        context=context,
        validate=(lambda module, step: look(bundle, held, how)) if held else None,
    )
    if options.lora is not None:
        lora.export(output / "adapter", bundle.model, options.lora)
        lora.merge(bundle.model)
    text = f"# A model tuned by groundup\n\nMethod: GRPO, rewards {', '.join(how.rewards)}, {steps:,} steps.\n"
    bundles.save(output / "model", bundle.model.eval(), bundle.tokenizer, card_text=text)
    counts |= {f"validation_{name}": value for name, value in summary.validation.items()}
    if held:
        counts |= _gain(before_Q, greedily(bundle, held, how), how)
    return {**counts, "steps": summary.steps, "learned_tokens": summary.tokens, **summary.parts}


def _gain(before_Q: np.ndarray, after_Q: np.ndarray, how: Any) -> dict[str, float]:
    """What the same held-out questions earned before and after; is the difference more than chance?"""
    was_Q, is_Q = solved(before_Q, how), solved(after_Q, how)
    low, high = wilson(int(is_Q.sum()), len(is_Q))
    test = paired_test(was_Q.tolist(), is_Q.tolist())
    found = {
        "reward_before": float(before_Q.mean()),
        "solved_before": float(was_Q.mean()),
        "solved_low": low,
        "solved_high": high,
        "gain": test.difference,
        "gain_low": test.low,
        "gain_high": test.high,
        "gain_p": test.p_value,
    }
    return {name: round(value, 6) for name, value in found.items()}
