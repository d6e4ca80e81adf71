"""Method "reward": a head learns which of two answers is better. See `reward`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError
from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.batches import Shuffled
from groundup.finetune.freezing import frozen
from groundup.finetune.heads import Headed, save_head
from groundup.finetune.options import StepOptions
from groundup.finetune.prefer import is_pair, pair_of, with_thumbs
from groundup.finetune.prefer_step import NEEDS, fitting
from groundup.finetune.prepared import find, steps_of, tell
from groundup.finetune.reward import batch_of, bradley_terry, look
from groundup.model import bundle as bundles
from groundup.train.loop import train

DEFAULT_EPOCHS = 1.0  # Ouyang et al. 2022: more overfits
MAX_VALIDATION = 256  # pairs of a look; taste


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train a reward model and leave it in model/; see `stage.run`."""
    what = "pair of a better and a worse answer"
    found = find(options, inputs, bundle, context, is_pair, what=what, needs=NEEDS, gather=with_thumbs)
    tokenizer, config = bundle.tokenizer, bundle.config
    pairs, num_too_long = fitting([pair_of(tokenizer, one) for one in found.train], config.context_length)
    held, _ = fitting([pair_of(tokenizer, one) for one in found.held[:MAX_VALIDATION]], config.context_length)
    if not pairs:
        raise DataError(
            f"All {num_too_long:,} pairs are longer than the {config.context_length:,} tokens the model reads.",
            repair="Give the model a longer context_length, or shorter pairs.",
        )
    mean_length = sum(len(pair.chosen.ids) + len(pair.rejected.ids) for pair in pairs) // len(pairs)
    steps, epochs = steps_of(options, context, len(pairs), mean_length, DEFAULT_EPOCHS)
    counts: dict[str, Any] = {**found.counts(), "too_long": num_too_long, "epochs": epochs}
    shown = [{"task": "prefer", "messages": one.messages, "choices": one.choices} for one in found.train[:3]]
    tell(output, {**counts, "steps": steps}, found, options, shown)

    headed = Headed(frozen(bundle.model, options.freeze), 1, context.seed)
    trained: Any = headed if options.lora is None else lora.attach(headed, options.lora, context.seed)
    summary = train(
        trained,
        Shuffled(len(pairs), options.batch_size, context.seed, lambda rows: batch_of(pairs, rows, tokenizer, config)),
        bradley_terry,
        options.settings().model_copy(update={"steps": steps}),
        folder=output,
        context=context,
        validate=(lambda module, step: look(module, held, tokenizer, config)) if held else None,
    )
    if options.lora is not None:
        lora.export(output / "adapter", headed, options.lora, task="SEQ_CLS")
        lora.merge(headed)
    text = f"# A reward model tuned by groundup\n\nLearned from {len(pairs):,} pairs in {steps:,} steps.\n"
    save_head(output / "model", headed.eval(), tokenizer, "reward", {"labels": ["reward"]}, card_text=text)
    return {**counts, "steps": summary.steps, "loss": summary.loss, **summary.parts, **_named(summary.validation)}


def _named(validation: Mapping[str, Any]) -> dict[str, Any]:
    return {f"validation_{name}": value for name, value in validation.items()}
