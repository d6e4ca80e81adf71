"""What a step learns from, found and counted: the part that all methods prepare alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.core.files import write_json
from groundup.core.stage import Context
from groundup.finetune.chat import mixture
from groundup.finetune.data import Origin, Reading, available
from groundup.finetune.options import StepOptions
from groundup.finetune.reading import facts, planned_steps, read_all, why_empty
from groundup.model.bundle import Bundle


@dataclass(frozen=True)
class Found:
    """Usable examples of the train and validation splits, and where they came from."""

    train: list[Example]
    held: list[Example]
    readings: list[Reading]
    num_read: int

    def counts(self) -> dict[str, Any]:
        """What every manifest tells."""
        return {
            "examples": len(self.train),
            "examples_read": self.num_read,
            "unusable": self.num_read - len(self.train),
            "broken": sum(reading.num_broken for reading in self.readings),
            "validation_examples": len(self.held),
        }


def find(
    options: StepOptions,
    inputs: Mapping[str, Path],
    bundle: Bundle,
    context: Context,
    usable: Callable[[Example], bool],
    *,
    what: str,
    needs: str,
    gather: Callable[[Sequence[Example]], list[Example]] = list,
) -> Found:
    """The step's examples. gather: makes examples of several, before the unusable ones are left out.

    DataError when none is usable: `what` none of them is, and what it `needs`.
    """
    origin = Origin(inputs, bundle.tokenizer, bundle.config.context_length, context.seed)
    addresses = options.data if options.data is not None else available(inputs)
    readings = read_all(addresses, origin, options, "train", context)
    mixed = gather(mixture(readings, options.weights, context.seed))
    train = [example for example in mixed if usable(example)]
    if not train:
        repair = why_empty(readings) if not mixed else needs
        raise DataError(f"No {what} in: {', '.join(addresses)}.", repair=repair)
    held = [one for reading in read_all(addresses, origin, options, "validation", context) for one in reading.examples]
    return Found(train, [example for example in gather(held) if usable(example)], readings, len(mixed))


def steps_of(
    options: StepOptions, context: Context, num_rows: int, tokens_per_row: int, default_epochs: float
) -> tuple[int, float]:
    """Steps of the optimizer, and how many times they go through the rows: recipe, then plan, then the default."""
    batch = options.batch_size * options.accumulate
    planned = None if options.epochs is not None else planned_steps(context.plan, batch * max(1, tokens_per_row))
    steps = options.steps or planned or max(1, math.ceil(num_rows * (options.epochs or default_epochs) / batch))
    return steps, round(steps * batch / max(1, num_rows), 2)


def tell(
    output: Path, counts: Mapping[str, Any], found: Found, options: StepOptions, shown: Sequence[Mapping[str, Any]]
) -> None:
    """Write examples.json: the counts, each address, and a few examples as the model sees them."""
    by_address = {reading.address: facts(reading, options) for reading in found.readings}
    write_json(output / "examples.json", {**counts, "by_address": by_address, "shown": list(shown)})
