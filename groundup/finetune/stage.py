"""Stage 5: one tuning step. A model folder in, a tuned model folder out.

inputs: `model` (a model folder), and what the data addresses need: `collect`, `clean`. The output holds model/,
metrics.jsonl and examples.json: what it learned from, counted, with examples as the model sees them; chat steps also
samples.jsonl, steps with LoRA adapter/. A killed step is continued from .checkpoints and ends with the same weights.

The methods: one `NAME_step` each, with `tune(bundle, options, inputs, output, context)`; `text_step` writes with an
encoder-decoder what `chat_step` writes with a model that goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from groundup.core.errors import ArtifactError
from groundup.core.files import read_json
from groundup.core.stage import Context
from groundup.finetune.options import StepOptions

# Method -> the families it can tune. Methods that write want a model that goes on a text, or an encoder-decoder.
GOES_ON = ("gpt", "custom", "speedrun")
READS = ("gpt", "custom", "speedrun", "bert", "encoder_decoder")
FAMILIES = {
    **dict.fromkeys(("chat", "extract"), (*GOES_ON, "encoder_decoder")),
    **dict.fromkeys(("classify", "qa", "tag", "embed"), READS),
    "reward": (*GOES_ON, "bert"),
    **dict.fromkeys(("prefer", "reinforce"), GOES_ON),
}


def run(options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Carry out one step; returns counts for the manifest.

    context.plan: {"steps": n} or {"tokens": n} when neither steps nor epochs are given. Raises DataError when
    nothing is left to learn from, RecipeError for an unknown data address.
    """
    from groundup.model import bundle as bundles

    bundle = bundles.load(inputs["model"], device=context.device)
    if bundle.tokenizer is None:
        raise ArtifactError(f"{inputs['model']} holds no tokenizer: it cannot be tuned on text.")
    family = bundle.config.family
    if family not in FAMILIES[options.method]:
        fitting = [method for method, families in FAMILIES.items() if family in families]
        raise ArtifactError(
            f"Method '{options.method}' does not fit {inputs['model']}, a model of the family '{family}'.",
            repair=f"This family can: {', '.join(fitting)}. Method '{options.method}' wants the family "
            f"{' or '.join(FAMILIES[options.method])}.",
        )
    if options.lora is not None and family != "gpt":
        raise ArtifactError(
            f"LoRA knows the matrices of the family 'gpt'; {inputs['model']} is of the family '{family}'.",
            repair="Leave out 'lora' to tune all weights.",
        )
    name = {"extract": "chat"}.get(options.method, options.method)
    if name == "chat" and family == "encoder_decoder":
        name = "text"
    step = import_module(f"groundup.finetune.{name}_step")
    counts: dict[str, Any] = step.tune(bundle, options, inputs, output, context)
    privacy = output / "privacy.json"  # the training left it, where dp was asked for
    return {**counts, "privacy": read_json(privacy)} if privacy.exists() else counts
