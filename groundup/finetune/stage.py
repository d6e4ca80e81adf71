"""Stage 5: one tuning step. A model folder in, a tuned model folder out.

inputs: `model` (a model folder), and what the data addresses need: `collect`, `clean`. The output holds model/,
metrics.jsonl and examples.json: what it learned from, counted, with examples as the model sees them; chat steps also
samples.jsonl, steps with LoRA adapter/. A killed step is continued from .checkpoints and ends with the same weights.

The methods: `chat_step`, `classify_step`, `qa_step`, each with `tune(bundle, options, inputs, output, context)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from groundup.core.errors import ArtifactError
from groundup.core.stage import Context
from groundup.finetune.options import StepOptions

NOT_CAUSAL = ("bert", "encoder_decoder")


def run(options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Carry out one step; returns counts for the manifest.

    context.plan: {"steps": n} or {"tokens": n} when neither steps nor epochs are given. Raises DataError when
    nothing is left to learn from, RecipeError for an unknown data address.
    """
    from groundup.model import bundle as bundles

    bundle = bundles.load(inputs["model"], device=context.device)
    if bundle.tokenizer is None:
        raise ArtifactError(f"{inputs['model']} holds no tokenizer: it cannot be tuned on text.")
    if options.method != "chat" and bundle.config.family in NOT_CAUSAL:
        raise ArtifactError(
            f"Method '{options.method}' reads a causal model; {inputs['model']} is of the family "
            f"'{bundle.config.family}'.",
            repair='Start from a model of the family "gpt".',
        )
    if options.lora is not None and bundle.config.family != "gpt":
        raise ArtifactError(
            f"LoRA knows the matrices of the family 'gpt'; {inputs['model']} is of the family '{bundle.config.family}'.",
            repair="Leave out 'lora' to tune all weights.",
        )
    step = import_module(f"groundup.finetune.{options.method}_step")
    counts: dict[str, Any] = step.tune(bundle, options, inputs, output, context)
    return counts
