"""Named hardware, and what a training takes there: hours, money, and whether it fits.

Peaks are dense bf16 (fp16 on a T4) FLOP/s of the makers' data sheets. A training reaches SHARE of them: the mean of two published
runs (docs/scale.md). Prices are of one device for an hour at common clouds in 2026, to be replaced by your own (--price).
"""

from __future__ import annotations

from dataclasses import dataclass

from groundup.core.errors import UsageError, near
from groundup.model.plan import Counts

SHARE = 0.40  # of the peak: Llama 3.1 8B on 8 H100 0.35 (torchtitan), MPT-7B on 128 H100 0.457 (llm-foundry)
TOKENS_PER_PARAMETER = 20  # compute-optimal (Hoffmann et al. 2022)


@dataclass(frozen=True)
class Device:
    """flops: a second, dense. memory: bytes. price: US dollars an hour (taste; they change by the month)."""

    flops: float
    memory: float
    price: float


DEVICES = {
    "t4": Device(65e12, 16e9, 0.4),
    "rtx3090": Device(71e12, 24e9, 0.3),
    "a10g": Device(70e12, 24e9, 1.0),
    "l4": Device(121e12, 24e9, 0.8),
    "rtx4090": Device(165e12, 24e9, 0.5),
    "l40s": Device(362e12, 48e9, 1.2),
    "a100": Device(312e12, 80e9, 1.8),
    "h100": Device(989e12, 80e9, 3.0),
    "h200": Device(989e12, 141e9, 3.8),
    "b200": Device(2250e12, 180e9, 5.5),
}
USUAL = ("rtx4090", "a100", "h100")  # shown where nothing is asked for


@dataclass(frozen=True)
class Cost:
    """One training on `number` devices of a kind. bytes_each: of memory, parameters and optimizer shared out (FSDP)."""

    device: str
    number: int
    hours: float
    dollars: float
    bytes_each: float
    fits: bool


def cost(counts: Counts, tokens: float, device: str, *, number: int = 1, price: float | None = None) -> Cost:
    """What `tokens` take. counts: of fp32 weights computed in bf16, the batch that one device holds. UsageError for a
    device we do not know."""
    if device not in DEVICES:
        raise UsageError(f"No numbers for the hardware '{device}'.", repair=near(device, DEVICES))
    kind = DEVICES[device]
    hours = counts.flops_per_token * tokens / (kind.flops * SHARE * number) / 3600
    states = counts.weight_bytes + counts.gradient_bytes + counts.optimizer_bytes
    each = states / number + counts.activation_bytes / 2 + counts.logits_bytes  # what is kept is kept in bf16
    dollars = hours * number * (kind.price if price is None else price)
    return Cost(device, number, hours, dollars, each, each <= kind.memory)
