"""Method "tag": a head learns to mark and name spans. See `tag`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.batches import Shuffled
from groundup.finetune.freezing import frozen
from groundup.finetune.gold import is_tagged
from groundup.finetune.heads import Headed, save_head
from groundup.finetune.options import StepOptions
from groundup.finetune.prepared import find, steps_of, tell
from groundup.finetune.tag import Window, batch_of, keys_of, names_of, read_spans, token_loss, windows
from groundup.metrics.spans import span_f1
from groundup.model import bundle as bundles
from groundup.tokenizer.special import PAD
from groundup.train.loop import train

DEFAULT_EPOCHS = 3.0  # Devlin et al. 2019: 2 to 4
MAX_VALIDATION = 256  # texts of a look; taste
NEEDS = 'A row needs "tokens" and "tags", or "text" and "entities" [{start, end, label}].'


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train a tagger and leave it in model/; see `stage.run`."""
    found = find(options, inputs, bundle, context, is_tagged, what="text with named spans", needs=NEEDS)
    names = names_of([*found.train, *found.held])
    if len(names) < 2:
        raise DataError(f"None of {len(found.train):,} texts has a named span: there is nothing to find.", repair=NEEDS)
    tokenizer, config = bundle.tokenizer, bundle.config
    pad_id = tokenizer.special.get(PAD, 0)
    rows: list[Window] = []
    for one in found.train:
        rows += windows(tokenizer, config, one.text, spans=one.spans, names=names)[0]
    held = found.held[:MAX_VALIDATION]
    mean_length = sum(len(row.ids) for row in rows) // len(rows)
    steps, epochs = steps_of(options, context, len(rows), mean_length, DEFAULT_EPOCHS)
    by_kind = Counter(str(span["label"]) for one in found.train for span in one.spans)
    counts: dict[str, Any] = {**found.counts(), "kinds": len(by_kind), "windows": len(rows), "epochs": epochs}
    shown = [{"task": "tag", "text": one.text, "spans": one.spans} for one in found.train[:3]]
    tell(output, {**counts, "steps": steps, "by_kind": dict(by_kind.most_common())}, found, options, shown)

    headed = Headed(frozen(bundle.model, options.freeze), len(names), context.seed)
    trained: Any = headed if options.lora is None else lora.attach(headed, options.lora, context.seed)
    summary = train(
        trained,
        Shuffled(len(rows), options.batch_size, context.seed, lambda places: batch_of(rows, places, pad_id)),
        token_loss,
        options.settings().model_copy(update={"steps": steps}),
        folder=output,
        context=context,
        validate=(lambda module, step: look(headed, tokenizer, held, names)) if held else None,
    )
    if options.lora is not None:
        lora.export(output / "adapter", headed, options.lora, task="TOKEN_CLS")
        lora.merge(headed)
    text = f"# A tagger tuned by groundup\n\nFinds {', '.join(sorted(by_kind))}. Learned from {len(found.train):,} texts.\n"
    save_head(output / "model", headed.eval(), tokenizer, "tag", {"labels": names}, card_text=text)
    return {**counts, "steps": summary.steps, "loss": summary.loss, **summary.validation}


def look(headed: Headed, tokenizer: Any, examples: Sequence[Example], names: Sequence[str]) -> dict[str, float]:
    """Precision, recall and F1 of whole spans, label included, over held-out texts."""
    given = [keys_of(read_spans(headed, tokenizer, one.text, names)) for one in examples]
    scores = span_f1([keys_of(one.spans) for one in examples], given)
    return {"span_f1": scores.f1, "span_precision": scores.precision, "span_recall": scores.recall}
