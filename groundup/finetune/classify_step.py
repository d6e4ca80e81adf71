"""Method "classify": a linear head (and the model under it, or adapters) learns the labels of the data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.core.files import write_json
from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.batches import Shuffled
from groundup.finetune.chat import mixture
from groundup.finetune.classify import (
    Labelled,
    batch_of,
    cross_entropy,
    imbalance,
    labelled,
    logits_of,
)
from groundup.finetune.data import Origin, available
from groundup.finetune.freezing import frozen
from groundup.finetune.gold import label_of, labels_of
from groundup.finetune.heads import Headed, save_head
from groundup.finetune.options import StepOptions
from groundup.finetune.prompts import question_of
from groundup.finetune.reading import facts, planned_steps, read_all, why_empty
from groundup.finetune.selecting import as_rows
from groundup.metrics.classification import precision_recall_f1
from groundup.model import bundle as bundles
from groundup.tokenizer.special import PAD
from groundup.train.loop import train

DEFAULT_EPOCHS = 3.0  # Devlin et al. 2019: 2 to 4
MAX_VALIDATION = 512  # examples of a look; taste


@dataclass(frozen=True)
class _Data:
    """All that the step reads, ready."""

    train: Labelled
    validation: Labelled
    labels: list[str]
    counts: dict[str, Any]
    steps: int


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train a classifier and leave it in model/; see `stage.run`."""
    data = _prepare(options, inputs, bundle, output, context)
    pad_id = bundle.tokenizer.special.get(PAD, 0)
    headed = Headed(
        frozen(bundle.model, options.freeze), len(data.labels), context.seed, mean=options.pooling == "mean"
    )
    trained: Any = headed if options.lora is None else lora.attach(headed, options.lora, context.seed)

    def validate(module: Any, step: int) -> dict[str, float]:
        return _look(module, data.validation, pad_id)

    summary = train(
        trained,
        Shuffled(
            len(data.train.ids),
            options.batch_size,
            context.seed,
            lambda places: batch_of(data.train, places, pad_id),
            [len(row) for row in data.train.ids],
        ),
        cross_entropy,
        options.settings().model_copy(update={"steps": data.steps}),
        folder=output,
        context=context,
        validate=validate if data.validation.ids else None,
    )
    if options.lora is not None:
        lora.export(output / "adapter", headed, options.lora, task="SEQ_CLS")
        lora.merge(headed)
    text = (
        f"# A classifier tuned by groundup\n\nLabels: {', '.join(data.labels)}. Learned from "
        f"{data.counts['examples']:,} examples in {data.steps:,} steps.\n"
    )
    told = {"labels": data.labels, "template": options.template}
    save_head(output / "model", headed.eval(), bundle.tokenizer, "classify", told, card_text=text)
    return {
        **data.counts,
        "steps": summary.steps,
        "loss": summary.loss,
        "learned_tokens": summary.tokens,
        **summary.validation,
    }


def _look(module: Any, rows: Labelled, pad_id: int) -> dict[str, float]:
    """Loss, accuracy and macro F1 of held-out examples."""
    logits_NC = logits_of(module, rows, pad_id)
    gold_N = torch.tensor(rows.gold)
    given = logits_NC.argmax(1).tolist()
    return {
        "label_loss": float(F.cross_entropy(logits_NC, gold_N)),
        "accuracy": sum(one == other for one, other in zip(rows.gold, given, strict=True)) / len(given),
        "macro_f1": precision_recall_f1(rows.gold, given).f1,
    }


def _prepare(
    options: StepOptions, inputs: Mapping[str, Path], bundle: bundles.Bundle, output: Path, context: Context
) -> _Data:
    """Read, find the labels, encode and count; writes examples.json."""
    context_length = bundle.config.context_length
    origin = Origin(inputs, bundle.tokenizer, context_length, context.seed)
    addresses = options.data if options.data is not None else available(inputs)
    readings = read_all(addresses, origin, options, "train", context)
    mixed = mixture(readings, options.weights, context.seed)
    usable = _usable(as_rows(mixed), options.template)
    if not usable:
        raise DataError(f"No example with a text and a label in: {', '.join(addresses)}.", repair=why_empty(readings))
    others = read_all(addresses, origin, options, "validation", context)
    held = _usable(as_rows([one for reading in others for one in reading.examples]), options.template)
    labels = labels_of([*usable, *held])
    if len(labels) < 2:
        raise DataError(
            f"All {len(usable):,} examples have the label '{labels[0]}': there is nothing to tell apart.",
            repair="Two labels or more are needed; is `columns` right?",
        )
    how = (labels, bundle.tokenizer, context_length, options.template, bundle.config.family)
    rows, validation = labelled(usable, *how), labelled(held[:MAX_VALIDATION], *how)
    ratio, warning = imbalance(rows.gold, labels)
    if warning:
        context.console.note(f"  {warning}")
    if rows.num_cut:
        context.console.note(f"  {rows.num_cut:,} texts are longer than the {context_length:,} tokens the model reads")
    batch = options.batch_size * options.accumulate
    mean_length = max(1, sum(map(len, rows.ids)) // len(rows.ids))
    fixed = options.steps or (None if options.epochs is not None else planned_steps(context.plan, batch * mean_length))
    steps = fixed or max(1, math.ceil(len(rows.ids) * (options.epochs or DEFAULT_EPOCHS) / batch))
    by_label = Counter(labels[place] for place in rows.gold)
    counts: dict[str, Any] = {
        "examples": len(rows.ids),
        "labels": len(labels),
        "examples_read": len(mixed),
        "unusable": len(mixed) - len(usable),
        "broken": sum(reading.num_broken for reading in readings),
        "cut": rows.num_cut,
        "imbalance": round(ratio, 2),
        "validation_examples": len(validation.ids),
        "epochs": round(steps * batch / len(rows.ids), 2),
    }
    write_json(
        output / "examples.json",
        {
            **counts,
            "steps": steps,
            "by_label": {label: by_label[label] for label in labels},
            "warnings": [warning] if warning else [],
            "by_address": {reading.address: facts(reading, options) for reading in readings},
            "shown": [
                {
                    "task": one.task,
                    "source": one.source,
                    "text": question_of(one, options.template),
                    "label": label_of(one),
                }
                for one in usable[:3]
            ],
        },
    )
    return _Data(rows, validation, labels, counts, steps)


def _usable(examples: Sequence[Example], template: str | None) -> list[Example]:
    return [one for one in examples if label_of(one) and question_of(one, template)]
