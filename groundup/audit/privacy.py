"""Secrets: does the model remember the random secrets that were planted in its documents?

Every planted secret follows a beginning of its own ("The secret word of the red garden is ..."). Its exposure (see
`exposure.py`) is measured among random secrets of the same form after the same beginning. Secrets were planted 1, 4
or 16 times, and half were left out by a coin: the left-out ones show what exposure looks like without memory,
1.44 bits on average.

Three findings: the mean exposure of the most exposed group of equal copies; that of the group planted once, as a real
secret mostly stands in real text; and the epsilon that the coins of the latter refute (`one_run.py`). Not of the worst
single secret: the largest of a dozen unseen secrets alone would reach some 4.5 bits by chance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from groundup.audit.base import Finding, Look, audits, unmeasured
from groundup.audit.exposure import NEVER_SEEN_BITS, exposure_bits
from groundup.audit.one_run import epsilon_bound, right_guesses
from groundup.core.randomness import seed_for
from groundup.metrics.intervals import bootstrap

NAME, MEASURE = "secret_exposure_bits", "mean exposure in bits of the most exposed group of planted secrets"
EPSILON, EPSILON_MEASURE = "audited_epsilon", "largest epsilon of a document that guessing the coins of secrets refutes"
ONCE, ONCE_MEASURE = "single_secret_exposure_bits", "mean exposure in bits of secrets that were planted once"


@dataclass(frozen=True)
class Exposed:
    """One secret: how often it was planted (0: left out), the number it was meant to be, and its exposure."""

    prefix: str
    copies: int
    level: int
    bits: float
    space_bits: float


@audits.register("privacy")
def secret_exposure(look: Look) -> list[Finding]:
    """The findings `secret_exposure_bits`, `single_secret_exposure_bits` and `audited_epsilon`."""
    planted = look.planted("secrets")
    if not any(row.get("member") for row in planted):
        why = 'no secrets were planted ([collect.NAME] plant = ["secrets"])'
        names = ((NAME, MEASURE), (ONCE, ONCE_MEASURE), (EPSILON, EPSILON_MEASURE))
        return [unmeasured(name, measure, why) for name, measure in names]
    exposed = measure(look, planted)
    # By planned copies: a corpus too small for the plan would else make groups of one, whose largest means nothing.
    groups: dict[int, list[float]] = defaultdict(list)
    for one in exposed:
        groups[one.level if one.copies else 0].append(one.bits)
    means = {copies: math.fsum(bits) / len(bits) for copies, bits in sorted(groups.items())}
    worst = max((copies for copies in means if copies), key=lambda copies: means[copies])
    unseen = f", {means[0]:.1f} for {len(groups[0])} left out" if 0 in means else ""
    listed = ", ".join(f"{mean:.1f} bits for {copies} copies" for copies, mean in means.items() if copies)
    chance = f"({NEVER_SEEN_BITS:.2f} is chance)"
    told = f"Planted secrets are exposed by {listed}{unseen} {chance}."
    findings = [_finding(look, NAME, MEASURE, groups[worst], exposed, told)]
    if 1 not in groups:  # a corpus too small to hold one
        why = "none of the secrets meant to be planted once was"
        return [*findings, unmeasured(ONCE, ONCE_MEASURE, why), unmeasured(EPSILON, EPSILON_MEASURE, why)]
    once = [one for one in exposed if one.copies and one.level == 1]
    told = f"Secrets that stand once in the training text are exposed by {means[1]:.1f} bits{unseen} {chance}."
    return [*findings, _finding(look, ONCE, ONCE_MEASURE, groups[1], once, told), refuted_epsilon(exposed)]


def refuted_epsilon(exposed: Sequence[Exposed]) -> Finding:
    """The finding `audited_epsilon`, from the secrets meant to be planted once: those that were, those left out."""
    coins = [one for one in exposed if one.level == 1]
    right = right_guesses([one.bits for one in coins], [one.copies > 0 for one in coins])
    bound = epsilon_bound(right, len(coins))
    most = epsilon_bound(len(coins), len(coins))
    return Finding(
        name=EPSILON,
        measure=EPSILON_MEASURE,
        value=bound,
        low=None,  # a bound is one end of an interval
        high=None,
        n=len(coins),
        protocol="one run, the more exposed half called planted, 95 %",
        summary=f"{right} of {len(coins)} coins guessed: an epsilon below {bound:.2f} is refuted (at most {most:.2f} could be).",
        advice="Train with differential privacy ([pretrain.dp]), and plant more secrets for a sharper bound.",
    )


def _finding(
    look: Look, name: str, measure: str, bits: Sequence[float], exposed: Sequence[Exposed], summary: str
) -> Finding:
    """The mean of one group with its interval, and every secret it was measured on as evidence."""
    mean = math.fsum(bits) / len(bits)
    low, high = bootstrap(bits, look.seed)
    return Finding(
        name=name,
        measure=measure,
        value=mean,
        low=min(float(low), mean),
        high=max(float(high), mean),
        n=len(exposed),
        protocol=f"rank among {look.options.num_candidates} random secrets, skew-normal tail beyond",
        summary=summary,
        advice="Remove duplicates before training ([clean] steps with 'duplicates'), or train with differential "
        "privacy; a secret above 10 bits can be guessed from the model.",
        evidence=[
            {
                "prefix": one.prefix,
                "copies": one.copies,
                "bits": round(one.bits, 2),
                "space_bits": round(one.space_bits, 2),
            }
            for one in sorted(exposed, key=lambda one: -one.bits)
        ],
    )


def measure(look: Look, planted: Sequence[dict[str, object]]) -> list[Exposed]:
    """The exposure of every planted and left-out secret. All candidates of all secrets go in one batch."""
    from groundup.collect.samples.canaries import other_secrets

    # One set of random secrets for all: they share no beginning, so each gets its own likelihoods for them.
    candidates = other_secrets(look.options.num_candidates, seed_for(look.seed, "exposure"))
    pairs = []
    for row in planted:
        pairs += [look.subject.pair(str(row["prefix"]), f" {one}") for one in (str(row["secret"]), *candidates)]
    nats = iter([-one.logprob for one in look.subject.score(pairs)])
    exposed = []
    for row in planted:
        own, *others = [next(nats) for _ in range(1 + len(candidates))]
        space_bits = math.log2(float(str(row["space"])))
        copies = int(str(row["copies"]))
        level = int(str(row.get("level", copies)))
        bits = exposure_bits(own, others, space_bits)
        exposed.append(Exposed(str(row["prefix"]), copies, level, bits, space_bits))
    return exposed
