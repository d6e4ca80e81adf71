"""Method "chat": supervised conversations, loss on the assistant's words only; all weights, or adapters (LoRA)."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError, UsageError
from groundup.core.example import Example
from groundup.core.files import write_bytes, write_json
from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.chat import ChatBatches, answer_loss, mixture, pack_examples, shown
from groundup.finetune.conversations import Packed
from groundup.finetune.data import Origin, available
from groundup.finetune.distill import Distilled, answered_by, open_teacher
from groundup.finetune.fields import read_object
from groundup.finetune.freezing import frozen
from groundup.finetune.options import REPLAY, StepOptions
from groundup.finetune.prompts import messages_of
from groundup.finetune.reading import facts, planned_steps, read_all, why_empty
from groundup.finetune.replay import has_text, with_replay
from groundup.finetune.rewards import target_of
from groundup.finetune.written import marks
from groundup.model import bundle as bundles
from groundup.train.loop import train
from groundup.train.objectives import Objective, causal

DEFAULT_EPOCHS = 2.0  # MiniMind; a third time through small data begins to be learned by heart
MAX_VALIDATION_ROWS = 64  # taste: a look costs no more than a few steps
NUM_SAMPLES = 3  # questions asked at every look, the same ones each time; taste
SAMPLE_TOKENS = 48
SCORED_TOKENS = 128  # of an answer that is marked; taste: a record of some fields
DEFAULT_SCORED = {"chat": 0, "extract": 32}


@dataclass(frozen=True)
class _Data:
    """All that the step reads, ready."""

    train: Packed
    validation: Packed
    questions: list[Example]
    scored: list[Example]  # held-out examples answered in full at every look
    counts: dict[str, Any]
    steps: int


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train on the step's conversations and leave model/; see `stage.run`."""
    teacher = None if options.distill is None else open_teacher(options.distill, bundle, context.device)
    data = _prepare(options, inputs, bundle, output, context, teacher)
    optimizer = options.settings().model_copy(update={"steps": data.steps})
    batches = ChatBatches(data.train, options.batch_size, context.seed)
    model = frozen(bundle.model, options.freeze)
    model = model if options.lora is None else lora.attach(model, options.lora, context.seed)

    def validate(module: Any, step: int) -> dict[str, float]:
        loss = answer_loss(module, data.validation, options.batch_size)
        seen = {} if math.isnan(loss) else {"answer_loss": loss}
        return {**seen, **(marks(data.scored, write(bundle, data.scored, options)) if data.scored else {})}

    def sample(module: Any, step: int) -> None:
        _show_samples(bundle, data.questions, options, step, output, context)

    summary = train(
        model,
        batches,
        _objective(options, teacher),
        optimizer,
        folder=output,
        context=context,
        validate=validate if data.validation.num_learned else None,
        sample=sample if data.questions else None,
    )
    if options.lora is not None:
        lora.export(output / "adapter", bundle.model, options.lora)
        lora.merge(bundle.model)
    bundles.save(output / "model", bundle.model.eval(), bundle.tokenizer, card_text=_card(options, data))
    return {
        **data.counts,
        "steps": summary.steps,
        "learned_tokens": summary.tokens,
        "loss": summary.loss,
        "tokens_per_second": summary.tokens_per_second,
        **summary.validation,
    }


def _objective(options: StepOptions, teacher: bundles.Bundle | None) -> Objective:
    if options.distill is None or teacher is None or options.distill.how == "generated":
        return causal
    return Distilled(teacher.model, options.distill.share, options.distill.temperature)


def write(bundle: bundles.Bundle, examples: Sequence[Example], options: StepOptions) -> list[str]:
    """The model's own answers to the examples' last questions; "" where a question does not fit the context."""
    from groundup.generate import Engine, Sampling

    engine, sampling = Engine(bundle), Sampling(max_tokens=SCORED_TOKENS)
    prompts: dict[int, list[int]] = {}
    for number, example in enumerate(examples):
        messages = messages_of(example, options.template)
        last = max(place for place, turn in enumerate(messages) if turn["role"] == "assistant")
        with contextlib.suppress(UsageError):
            prompts[number] = engine.chat_prompt(messages[:last], sampling)[0]
    made = dict(zip(prompts, engine.generate(list(prompts.values()), sampling), strict=True))
    return [made[number].text.strip() if number in made else "" for number in range(len(examples))]


def _prepare(
    options: StepOptions,
    inputs: Mapping[str, Path],
    bundle: Any,
    output: Path,
    context: Context,
    teacher: bundles.Bundle | None,
) -> _Data:
    """Read, mix, pack and count; writes examples.json."""
    context_length = bundle.config.context_length
    origin = Origin(inputs, bundle.tokenizer, context_length, context.seed)
    addresses = options.data if options.data is not None else available(inputs)
    readings = read_all(addresses, origin, options, "train", context)
    mixed = mixture(readings, options.weights, context.seed)
    if not mixed:
        raise DataError(f"No example to learn from in: {', '.join(addresses)}.", repair=why_empty(readings))

    if options.method == "extract":
        mixed = _with_objects(mixed, addresses)
    if teacher is not None and options.distill is not None and options.distill.how == "generated":
        usable = [example for example in mixed if _is_usable(example, options.template)]
        mixed = answered_by(teacher, usable, options.template)
    size = context_length + 1
    batch = options.batch_size * options.accumulate
    fixed = options.steps or (
        None if options.epochs is not None else planned_steps(context.plan, batch * context_length)
    )
    replay = _replay(options, inputs)
    packed, num_unusable = pack_examples(
        mixed,
        bundle.tokenizer,
        size,
        template=options.template,
        max_rows=None if fixed is None else math.ceil(fixed * batch * (1 - replay)),
        apart=options.dp is not None,
    )
    if packed.num_rows == 0 or packed.num_learned == 0:
        raise DataError(
            f"None of {len(mixed):,} examples can be learned from: {packed.num_too_long:,} are longer than the "
            f"{context_length:,} tokens the model reads, {num_unusable:,} have no question or no answer.",
            repair="Give the model a longer context_length, or shorter examples.",
        )
    if packed.num_too_long:
        share = packed.num_too_long / (packed.num_too_long + packed.num_conversations)
        context.console.note(f"  {packed.num_too_long:,} conversations ({share:.0%}) exceed the context: left out")
    learned, filled, num_rows = packed.num_learned, packed.filled, packed.num_rows
    if replay:
        packed = with_replay(packed, inputs["tokenizer"], replay, context.seed)
    steps = fixed or max(1, math.ceil(packed.num_rows * (options.epochs or DEFAULT_EPOCHS) / batch))

    held = read_all(addresses, origin, options, "validation", context)
    examples = [example for reading in held for example in reading.examples]
    validation, _ = pack_examples(
        mixture(held, {}, context.seed),
        bundle.tokenizer,
        size,
        template=options.template,
        max_rows=MAX_VALIDATION_ROWS,
    )
    counts: dict[str, Any] = {
        "examples": packed.num_conversations,
        "examples_read": len(mixed),
        "too_long": packed.num_too_long,
        "unusable": num_unusable,
        "broken": sum(reading.num_broken for reading in readings),
        "rows": packed.num_rows,
        "replay_rows": packed.num_rows - num_rows,
        "filled": round(filled, 4),
        "learned_tokens_per_epoch": learned,
        "validation_examples": validation.num_conversations,
        "epochs": round(steps * batch / packed.num_rows, 2),
    }
    usable = [example for example in mixed if _is_usable(example, options.template)]
    write_json(
        output / "examples.json",
        {
            **counts,
            "steps": steps,
            "by_address": {reading.address: facts(reading, options) for reading in readings},
            "shown": [shown(example, bundle.tokenizer, options.template) for example in usable[:3]],
        },
    )
    num_scored = options.answers_scored if options.answers_scored is not None else DEFAULT_SCORED[options.method]
    scored = [example for example in examples if _is_usable(example, options.template)][:num_scored]
    return _Data(packed, validation, _questions(examples, options.template), scored, counts, steps)


def _with_objects(examples: list[Example], addresses: Sequence[str]) -> list[Example]:
    """The examples whose answer is a JSON object, which is what "extract" teaches."""
    kept = [example for example in examples if read_object(target_of(example)) is not None]
    if not kept:
        raise DataError(
            f"No text with its fields in: {', '.join(addresses)}.",
            repair='A row needs "text" and "fields" {name: value}, or a target that is a JSON object.',
        )
    return kept


def _replay(options: StepOptions, inputs: Mapping[str, Path]) -> float:
    """The share of replayed rows in effect."""
    if has_text(inputs.get("tokenizer")):
        return REPLAY if options.replay is None else options.replay
    if options.replay:
        raise UsageError(
            "'replay' shows the pretraining text again, but this run has none: it starts from a given model.",
            repair="Leave 'replay' out.",
        )
    return 0.0


def _questions(examples: list[Example], template: str | None) -> list[Example]:
    """Examples to show samples of, from different sources as far as there are any."""
    by_kind: dict[tuple[str, str], Example] = {}
    for example in examples:
        if _is_usable(example, template):
            by_kind.setdefault((example.source, example.task), example)
    return list(by_kind.values())[:NUM_SAMPLES]


def _show_samples(
    bundle: bundles.Bundle, questions: list[Example], options: StepOptions, step: int, output: Path, context: Context
) -> None:
    """Let the model answer a few questions of the validation split; one line each in samples.jsonl."""
    from groundup.generate import Engine, Sampling

    engine = Engine(bundle)
    path = output / "samples.jsonl"
    # What a killed run wrote at this step or later is written again: keep only what came before.
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [row for row in map(_row, before) if row and row["step"] < step]
    for example in questions:
        messages = messages_of(example, options.template)
        first = next(place for place, turn in enumerate(messages) if turn["role"] == "assistant")
        try:
            text = engine.chat(messages[:first], Sampling(max_tokens=SAMPLE_TOKENS)).text
        except UsageError:  # a question too long for the context: nothing to show
            continue
        row = {"step": step, "prompt": messages[first - 1]["content"] if first else "", "text": text}
        context.console.event("sample", **row)
        rows.append({**row, "wanted": messages[first]["content"]})
    write_bytes(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "replace"))


def _row(line: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(line))
    except ValueError:  # cut off by a kill
        return None


def _is_usable(example: Example, template: str | None) -> bool:
    try:
        return any(turn["role"] == "assistant" for turn in messages_of(example, template))
    except DataError:
        return False


def _card(options: StepOptions, data: _Data) -> str:
    """A few words until the release writes the whole card."""
    addresses = ", ".join(options.data) if options.data is not None else "all examples of the run"
    return (
        f"# A model tuned by groundup\n\nMethod: {options.method}. Learned from {data.counts['examples']:,} "
        f"conversations ({addresses}) in {data.steps:,} steps.\n"
    )
