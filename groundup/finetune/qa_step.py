"""Method "qa": a head learns to mark the answer in the text; SQuAD 1 and 2, long texts by windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.core.files import write_json
from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.batches import Shuffled
from groundup.finetune.chat import mixture
from groundup.finetune.data import Origin, available
from groundup.finetune.freezing import frozen
from groundup.finetune.gold import is_marked
from groundup.finetune.heads import save_head
from groundup.finetune.options import StepOptions
from groundup.finetune.reading import facts, planned_steps, read_all, why_empty
from groundup.finetune.spans import Window, batch_of, new_head, read_answer, span_loss, windows
from groundup.metrics.answers import exact_match, token_f1
from groundup.model import bundle as bundles
from groundup.tokenizer.special import PAD
from groundup.train.loop import train

DEFAULT_EPOCHS = 2.0  # Devlin et al. 2019 on SQuAD
MAX_VALIDATION = 64  # questions of a look; taste: each needs all windows of its text


@dataclass(frozen=True)
class _Data:
    """All that the step reads, ready."""

    rows: list[Window]
    held: list[Example]
    no_answer: bool
    counts: dict[str, Any]
    steps: int


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train a span reader and leave it in model/; see `stage.run`."""
    data = _prepare(options, inputs, bundle, output, context)
    pad_id = bundle.tokenizer.special.get(PAD, 0)
    headed = new_head(frozen(bundle.model, options.freeze), context.seed)
    trained: Any = headed if options.lora is None else lora.attach(headed, options.lora, context.seed)

    def validate(module: Any, step: int) -> dict[str, float]:
        return _look(headed, bundle, data.held, pad_id, data.no_answer)

    summary = train(
        trained,
        Shuffled(
            len(data.rows),
            options.batch_size,
            context.seed,
            lambda places: batch_of(data.rows, places, pad_id),
            [len(row.ids) for row in data.rows],
        ),
        span_loss,
        options.settings().model_copy(update={"steps": data.steps}),
        folder=output,
        context=context,
        validate=validate if data.held else None,
    )
    if options.lora is not None:
        lora.export(output / "adapter", headed, options.lora)
        lora.merge(headed)
    text = (
        f"# A reader tuned by groundup\n\nMarks answers in texts. Learned from {data.counts['examples']:,} questions in "
        f"{data.steps:,} steps.\n"
    )
    told = {"no_answer": data.no_answer}
    save_head(output / "model", headed.eval(), bundle.tokenizer, "qa", told, card_text=text)
    return {
        **data.counts,
        "steps": summary.steps,
        "loss": summary.loss,
        "learned_tokens": summary.tokens,
        **summary.validation,
    }


def _look(
    module: Any, bundle: bundles.Bundle, examples: Sequence[Example], pad_id: int, may_refuse: bool
) -> dict[str, float]:
    """Exact match and F1 of held-out questions."""
    exact = overlap = 0.0
    for example in examples:
        config = bundle.config
        rows = windows(bundle.tokenizer, example.question, example.text, config.context_length, family=config.family)
        given = read_answer(module, rows, example.text, pad_id, may_refuse=may_refuse).text
        gold = [str(span["text"]) for span in example.spans] or [""]
        exact, overlap = exact + exact_match(gold, given), overlap + token_f1(gold, given)
    return {"exact_match": exact / len(examples), "token_f1": overlap / len(examples)}


def _prepare(
    options: StepOptions, inputs: Mapping[str, Path], bundle: bundles.Bundle, output: Path, context: Context
) -> _Data:
    """Read, cut into windows and count; writes examples.json."""
    context_length = bundle.config.context_length
    origin = Origin(inputs, bundle.tokenizer, context_length, context.seed)
    addresses = options.data if options.data is not None else available(inputs)
    readings = read_all(addresses, origin, options, "train", context)
    mixed = mixture(readings, options.weights, context.seed)
    usable = [example for example in mixed if is_marked(example)]
    if not usable:
        raise DataError(
            f"No question with a marked answer in: {', '.join(addresses)}.",
            repair=why_empty(readings) if not mixed else "Answers need their place in the text (SQuAD's answer_start).",
        )
    rows: list[Window] = []
    for example in usable:
        span = example.spans[0] if example.spans else None
        marked = None if span is None else (int(span["start"]), int(span["end"]))
        rows += windows(bundle.tokenizer, example.question, example.text, context_length, marked, bundle.config.family)
    held = [one for reading in read_all(addresses, origin, options, "validation", context) for one in reading.examples]
    held = [example for example in held if is_marked(example)][:MAX_VALIDATION]
    no_answer = any(example.meta.get("no_answer") for example in usable)
    batch = options.batch_size * options.accumulate
    fixed = options.steps or (
        None if options.epochs is not None else planned_steps(context.plan, batch * context_length)
    )
    steps = fixed or max(1, math.ceil(len(rows) * (options.epochs or DEFAULT_EPOCHS) / batch))
    counts: dict[str, Any] = {
        "examples": len(usable),
        "windows": len(rows),
        "without_answer": sum(bool(example.meta.get("no_answer")) for example in usable),
        "examples_read": len(mixed),
        "unusable": len(mixed) - len(usable),
        "broken": sum(reading.num_broken for reading in readings),
        "validation_examples": len(held),
        "epochs": round(steps * batch / len(rows), 2),
    }
    write_json(
        output / "examples.json",
        {
            **counts,
            "steps": steps,
            "by_address": {reading.address: facts(reading, options) for reading in readings},
            "shown": [
                {
                    "task": "qa",
                    "text": bundle.tokenizer.decode(row.ids, skip_special=False),
                    "answer": bundle.tokenizer.decode(row.ids[row.start : row.end + 1]),
                }
                for row in rows[:3]
            ],
        },
    )
    return _Data(rows, held, no_answer, counts, steps)
