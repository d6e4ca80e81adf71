"""What every tuning method shares: reading the step's data addresses, and saying what was there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.core.stage import Context
from groundup.finetune.data import Origin, Reading, read
from groundup.finetune.options import StepOptions


def read_all(addresses: list[str], origin: Origin, options: StepOptions, split: str, context: Context) -> list[Reading]:
    """One `Reading` per address; broken rows are told once, for the train split."""
    readings = []
    for address in addresses:
        reading = read(
            address, origin, split=split, columns=options.columns, stop_at_broken=options.on_broken == "stop"
        )
        if reading.num_broken and split == "train":
            first = reading.problems[0]
            context.console.note(f"  {address}: {reading.num_broken:,} broken rows skipped; the first: {first}")
        readings.append(reading)
    return readings


def planned_steps(plan: Mapping[str, Any], tokens_per_step: int) -> int | None:
    """Steps the plan gives this step; None when it says nothing."""
    if plan.get("steps"):
        return int(plan["steps"])
    return max(1, int(plan["tokens"]) // tokens_per_step) if plan.get("tokens") else None


def facts(reading: Reading, options: StepOptions) -> dict[str, Any]:
    """What examples.json tells of one address."""
    derived: dict[str, int] = {}
    for example in reading.examples:
        if how := example.meta.get("derived"):
            derived[how] = derived.get(how, 0) + 1
    return {
        "examples": len(reading.examples),
        "weight": options.weights.get(reading.address, 1.0),
        "held_out": reading.num_held_out,
        "broken": reading.num_broken,
        "problems": reading.problems,
        **({"derived": derived} if derived else {}),
    }


def why_empty(readings: list[Reading]) -> str:
    """The likely reason why nothing is left to learn from."""
    broken = sum(reading.num_broken for reading in readings)
    if broken:
        first = next(reading.problems[0] for reading in readings if reading.problems)
        return f"{broken:,} rows are broken; the first: {first}"
    if any(reading.num_held_out for reading in readings):
        return "All there are belong to the held-out splits; more examples are needed."
    return "The documents hold no headings or questions; name examples in data."
