"""Methods "chat" and "extract" for an encoder-decoder: one text is read, another is written (Raffel et al. 2020).

The source is what the user says (a question by its template; of a conversation all turns up to the last answer), the
target the answer: labels and JSON too are written as text. A target starts with <|pad|> and ends with <|end|>, as in
pretraining. Sources longer than the context keep their beginning, pairs with longer targets are left out.

Legend: B rows, S source time, T target time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from groundup.core.errors import ArtifactError, DataError
from groundup.core.example import Example
from groundup.core.stage import Context
from groundup.finetune.batches import Shuffled
from groundup.finetune.framing import edges, filled, needed, padded
from groundup.finetune.freezing import frozen
from groundup.finetune.options import StepOptions
from groundup.finetune.prepared import find, steps_of, tell
from groundup.finetune.prompts import messages_of
from groundup.finetune.written import marks
from groundup.model import bundle as bundles
from groundup.model.beam import beam_search, greedy
from groundup.tokenizer.special import END, PAD
from groundup.train.loop import train
from groundup.train.objectives import IGNORE, Targets

DEFAULT_EPOCHS = 3.0  # taste, as for classifiers
MAX_VALIDATION = 256  # pairs of a look; taste
LOOK_ROWS = 16  # pairs at once in a look; taste
NEEDS = "An example needs a question or text, and a target, a label or an answer."
Pair = tuple[list[int], list[int]]  # source ids, framed; target ids without start and end


def tune(
    bundle: bundles.Bundle, options: StepOptions, inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Train on the step's pairs and leave model/; see `stage.run`."""
    if options.distill is not None:
        raise ArtifactError("Distillation is for models that go on a text; this one is an encoder-decoder.")

    def usable(example: Example) -> bool:
        try:
            source_and_target(example, options.template)
        except DataError:
            return False
        return True

    found = find(options, inputs, bundle, context, usable, what="pair of a text and its answer", needs=NEEDS)
    pairs, num_too_long = _pairs(bundle, found.train, options.template)
    held_pairs, _ = _pairs(bundle, found.held[:MAX_VALIDATION], options.template)
    if not pairs:
        raise DataError(f"All {num_too_long:,} targets are longer than the model writes.", repair="Shorten them.")
    mean_length = sum(len(source) + len(target) for source, target in pairs) // len(pairs)
    steps, epochs = steps_of(options, context, len(pairs), mean_length, DEFAULT_EPOCHS)
    counts: dict[str, Any] = {**found.counts(), "too_long": num_too_long, "epochs": epochs}
    shown = [
        dict(zip(("text", "target"), source_and_target(one, options.template), strict=True)) for one in found.train[:3]
    ]
    tell(output, {**counts, "steps": steps}, found, options, shown)
    num_scored = options.answers_scored if options.answers_scored is not None else 32
    scored = found.held[:num_scored]

    def validate(module: Any, step: int) -> dict[str, float]:
        seen = {"target_loss": _target_loss(module, held_pairs, bundle.tokenizer)} if held_pairs else {}
        return {**seen, **(marks(scored, write(bundle, scored, options.template)) if scored else {})}

    summary = train(
        frozen(bundle.model, options.freeze),
        Shuffled(len(pairs), options.batch_size, context.seed, lambda rows: batch_of(pairs, rows, bundle.tokenizer)),
        Targets(),
        options.settings().model_copy(update={"steps": steps}),
        folder=output,
        context=context,
        validate=validate if found.held else None,
    )
    text = f"# A model tuned by groundup\n\nReads a text, writes its answer. {len(pairs):,} pairs, {steps:,} steps.\n"
    bundles.save(output / "model", bundle.model.eval(), bundle.tokenizer, card_text=text)
    return {**counts, "steps": summary.steps, "loss": summary.loss, **summary.validation}


def source_and_target(example: Example, template: str | None) -> tuple[str, str]:
    """What is read and what is written. DataError for an example without one of them."""
    messages = messages_of(example, template)
    answered = [place for place, turn in enumerate(messages) if turn["role"] == "assistant" and turn["content"].strip()]
    if not answered or not any(turn["content"].strip() for turn in messages[: answered[-1]]):
        raise DataError(f"The example {example.id} holds no question, or no answer.")
    return "\n".join(turn["content"] for turn in messages[: answered[-1]]), messages[answered[-1]]["content"]


def source_row(bundle: bundles.Bundle, text: str) -> list[int]:
    """A source as the encoder reads it: its beginning, and the end token."""
    _, tail = edges(bundle.tokenizer, bundle.config.family)
    return [*bundle.tokenizer.encode(text)[: bundle.config.context_length - len(tail)], *tail]


def _pairs(bundle: bundles.Bundle, examples: Sequence[Example], template: str | None) -> tuple[list[Pair], int]:
    texts = [source_and_target(example, template) for example in examples]
    pairs = [(source_row(bundle, source), bundle.tokenizer.encode(target)) for source, target in texts]
    kept = [pair for pair in pairs if len(pair[1]) < bundle.config.context_length]
    return kept, len(pairs) - len(kept)


def batch_of(pairs: Sequence[Pair], places: Sequence[int], tokenizer: Any) -> dict[str, Tensor]:
    """source_BS, source_real_BS, ids_BT (start token first), targets_BT."""
    pad_id, end = needed(tokenizer, PAD), needed(tokenizer, END)
    some = [pairs[place] for place in places]
    source_BS, source_real_BS = filled([source for source, _ in some], pad_id)
    return {
        "source_BS": source_BS,
        "source_real_BS": source_real_BS,
        "ids_BT": padded([[pad_id, *target] for _, target in some], pad_id),
        "targets_BT": padded([[*target, end] for _, target in some], IGNORE),
    }


@torch.no_grad()
def _target_loss(module: Any, pairs: Sequence[Pair], tokenizer: Any) -> float:
    """Nats a target token, end included."""
    device = next(module.parameters()).device
    total, count = 0.0, 0
    for start in range(0, len(pairs), LOOK_ROWS):
        places = range(start, min(start + LOOK_ROWS, len(pairs)))
        loss = Targets()(module, {name: one.to(device) for name, one in batch_of(pairs, places, tokenizer).items()})
        total, count = total + float(loss.loss), count + loss.count
    return total / max(1, count)


def write(bundle: bundles.Bundle, examples: Sequence[Example], template: str | None) -> list[str]:
    """What the model writes, greedily, for each example's source."""
    return Writer(bundle).write([source_and_target(example, template)[0] for example in examples])


class Writer:
    """An encoder-decoder, ready to use: `Writer.load(folder).write(texts)`."""

    def __init__(self, bundle: bundles.Bundle) -> None:
        if bundle.config.family != "encoder_decoder" or bundle.tokenizer is None:
            raise ArtifactError(f"{bundle.folder} holds no encoder-decoder with its tokenizer.")
        self._bundle = bundle

    @classmethod
    def load(cls, folder: Path | str, device: str = "auto") -> Writer:
        """Open an encoder-decoder's model folder."""
        return cls(bundles.load(Path(folder), device=device))

    @torch.no_grad()
    def write(self, texts: Sequence[str], *, max_tokens: int = 64, beams: int = 1) -> list[str]:
        """One text for each. beams: 1 is greedy, 4 the original Transformer's beam search."""
        bundle, tokenizer = self._bundle, self._bundle.tokenizer
        device = next(bundle.model.parameters()).device
        pad_id, end = needed(tokenizer, PAD), needed(tokenizer, END)
        limit = min(max_tokens, bundle.config.context_length - 1)
        rows = [source_row(bundle, text) for text in texts]
        found: list[str] = []
        for start in range(0, len(rows), LOOK_ROWS):
            some = rows[start : start + LOOK_ROWS]
            ends = {"start_id": pad_id, "end_id": end, "limit": limit}
            if beams > 1:
                sources = [torch.tensor(row, device=device) for row in some]
                each = [beam_search(bundle.model, source_S, beams=beams, **ends)[0] for source_S in sources]
            else:
                source_BS, real_BS = (one.to(device) for one in filled(some, pad_id))
                each = greedy(bundle.model, source_BS, source_real_BS=real_BS, **ends)
            found += [tokenizer.decode(one.ids).strip() for one in each]
        return found
