"""Method "embed": pairs of texts that belong together teach a model vectors. See `embed`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.batches import Shuffled
from groundup.finetune.embed import batch_of, contrastive, look, trio_of
from groundup.finetune.freezing import frozen
from groundup.finetune.gold import has_partner
from groundup.finetune.options import StepOptions
from groundup.finetune.prepared import find, steps_of, tell
from groundup.model import bundle as bundles
from groundup.tokenizer.special import PAD
from groundup.train.loop import train

DEFAULT_EPOCHS = 2.0  # taste; SimCSE takes 3 over small data, 1 over large
MAX_VALIDATION = 256  # pairs of a look, each searched among all; taste
NEEDS = 'A pair is a row with "anchor" and "positive" (and "negative"), or any question with its answer.'


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train on the step's pairs and leave model/; see `stage.run`."""
    what = "pair of texts that belong together"
    found = find(options, inputs, bundle, context, has_partner, what=what, needs=NEEDS)
    pad_id = bundle.tokenizer.special.get(PAD, 0)
    trios = [trio_of(bundle.tokenizer, bundle.config, one) for one in found.train]
    held = [trio_of(bundle.tokenizer, bundle.config, one) for one in found.held[:MAX_VALIDATION]]
    mean_length = sum(len(one.anchor) + len(one.positive) + len(one.negative) for one in trios) // len(trios)
    steps, epochs = steps_of(options, context, len(trios), mean_length, DEFAULT_EPOCHS)
    counts: dict[str, Any] = {**found.counts(), "epochs": epochs}
    if len(held) > 1:
        counts |= {f"{name}_before": round(value, 4) for name, value in look(bundle.model, held, pad_id).items()}
    shown = [{"task": one.task, "text": one.text or one.question, "target": one.target} for one in found.train[:3]]
    tell(output, {**counts, "steps": steps}, found, options, shown)

    model = frozen(bundle.model, options.freeze)
    model = model if options.lora is None else lora.attach(model, options.lora, context.seed)
    summary = train(
        model,
        Shuffled(len(trios), options.batch_size, context.seed, lambda rows: batch_of(trios, rows, pad_id)),
        contrastive,
        options.settings().model_copy(update={"steps": steps}),
        folder=output,
        context=context,
        validate=(lambda module, step: look(_inner(module), held, pad_id)) if len(held) > 1 else None,
    )
    if options.lora is not None:
        lora.export(output / "adapter", bundle.model, options.lora, task="FEATURE_EXTRACTION")
        lora.merge(bundle.model)
    text = f"# Sentence vectors tuned by groundup\n\nLearned from {len(trios):,} pairs in {steps:,} steps.\n"
    bundles.save(output / "model", bundle.model.eval(), bundle.tokenizer, card_text=text)
    return {**counts, "steps": summary.steps, "loss": summary.loss, **summary.parts, **summary.validation}


def _inner(module: Any) -> Any:
    """The model under its adapters."""
    return module.inner if isinstance(module, lora.Adapted) else module
