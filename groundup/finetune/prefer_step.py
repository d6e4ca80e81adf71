"""Method "prefer": DPO on pairs of answers; all weights, or adapters (LoRA). See `prefer`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError
from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.batches import Shuffled
from groundup.finetune.freezing import frozen
from groundup.finetune.options import StepOptions
from groundup.finetune.prefer import (
    DirectPreference,
    Pair,
    batch_of,
    is_pair,
    look,
    pair_of,
    reference_logprobs,
    with_thumbs,
)
from groundup.finetune.prepared import find, steps_of, tell
from groundup.model import bundle as bundles
from groundup.tokenizer.special import PAD
from groundup.train.loop import train

DEFAULT_EPOCHS = 1.0  # Rafailov et al. 2023; a second time through begins to be learned by heart
MAX_VALIDATION = 128  # pairs of a look; taste
NEEDS = 'A pair is a row with "prompt", "chosen" and "rejected"; or thumbs up and down for one question.'


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train on the step's pairs and leave model/; see `stage.run`."""
    what = "pair of a better and a worse answer"
    found = find(options, inputs, bundle, context, is_pair, what=what, needs=NEEDS, gather=with_thumbs)
    limit = bundle.config.context_length + 1
    pad_id = bundle.tokenizer.special.get(PAD, 0)
    pairs, num_too_long = fitting([pair_of(bundle.tokenizer, one) for one in found.train], limit)
    held, _ = fitting([pair_of(bundle.tokenizer, one) for one in found.held[:MAX_VALIDATION]], limit)
    if not pairs:
        raise DataError(
            f"All {num_too_long:,} pairs are longer than the {limit - 1:,} tokens the model reads.",
            repair="Give the model a longer context_length, or shorter pairs.",
        )
    mean_length = sum(len(pair.chosen.ids) + len(pair.rejected.ids) for pair in pairs) // len(pairs)
    steps, epochs = steps_of(options, context, len(pairs), mean_length, DEFAULT_EPOCHS)
    # The model as it came is the reference: its numbers first, before anything can move (a continued step opens the
    # same folder, so they come out the same).
    reference_P2 = reference_logprobs(bundle.model, pairs, pad_id)
    held_P2 = reference_logprobs(bundle.model, held, pad_id)
    sure_before = float((reference_P2[:, 0] > reference_P2[:, 1]).float().mean())
    counts: dict[str, Any] = {**found.counts(), "too_long": num_too_long, "epochs": epochs}
    counts |= {"likelier_before": round(sure_before, 4)}
    shown = [{"task": "prefer", "messages": one.messages, "choices": one.choices} for one in found.train[:3]]
    tell(output, {**counts, "steps": steps}, found, options, shown)

    model = frozen(bundle.model, options.freeze)
    model = model if options.lora is None else lora.attach(model, options.lora, context.seed)
    summary = train(
        model,
        Shuffled(
            len(pairs), options.batch_size, context.seed, lambda rows: batch_of(pairs, reference_P2, rows, pad_id)
        ),
        DirectPreference(options.prefer.beta, options.prefer.smoothing, options.prefer.chosen_weight),
        options.settings().model_copy(update={"steps": steps}),
        folder=output,
        context=context,
        validate=(lambda module, step: look(module, held, held_P2, options.prefer.beta, pad_id)) if held else None,
    )
    if options.lora is not None:
        lora.export(output / "adapter", bundle.model, options.lora)
        lora.merge(bundle.model)
    text = f"# A model tuned by groundup\n\nMethod: DPO on {len(pairs):,} pairs in {steps:,} steps.\n"
    bundles.save(output / "model", bundle.model.eval(), bundle.tokenizer, card_text=text)
    return {**counts, "steps": summary.steps, "loss": summary.loss, **summary.parts, **_named(summary.validation)}


def fitting(pairs: list[Pair], limit: int) -> tuple[list[Pair], int]:
    """Pairs of which both rows fit, and how many do not."""
    kept = [pair for pair in pairs if max(len(pair.chosen.ids), len(pair.rejected.ids)) <= limit]
    return kept, len(pairs) - len(kept)


def _named(validation: Mapping[str, Any]) -> dict[str, Any]:
    return {f"validation_{name}": value for name, value in validation.items()}
