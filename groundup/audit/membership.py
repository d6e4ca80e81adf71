"""Membership inference: can somebody who has the model tell which documents it was trained on?

Every attack gives a document a number, higher for "was trained on":

    loss        mean log-probability of its tokens (Yeom et al. 2018)
    zlib        its log-probability per byte of its compressed text (Carlini et al. 2021)
    min_k       mean of the least likely 20 % of its tokens (Min-K%, Shi et al. 2024, arXiv:2310.16789)
    min_k_pp    the same, each log-probability less the model's own mean there, over its deviation (Min-K%++, Zhang et
                al. 2025, arXiv:2404.02936)
    reference   mean log-probability less that of another model (Carlini et al. 2021); with `[audit] reference`

AUROC is the probability that a training document gets the higher number; 1/2 is chance. It is an average: whether the few
surest guesses are right is told by the true positive rate at 1 % and 0.1 % false positives (Carlini et al. 2022).

Near chance is no proof of privacy: a secret can be remembered that no document as a whole gives away.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from groundup.audit.base import NO_EVIDENCE, Finding, Look, audits, unmeasured
from groundup.audit.reading import Reading, read
from groundup.audit.split_texts import member_rows
from groundup.core.randomness import numpy_random

NAME, MEASURE = "membership_auc", "AUROC of the strongest of the tried attacks that tell training documents from others"
DOCUMENTS = 400  # a side: an AUROC near 1/2 is then known to about 0.04; taste
LOWEST = 0.2  # the share of Min-K% that its authors found best
RESAMPLES = 1000


@audits.register("membership")
def membership(look: Look) -> list[Finding]:
    """The finding `membership_auc`."""
    sides = member_rows(look, DOCUMENTS)
    if sides is None:
        return [unmeasured(NAME, MEASURE, "it needs the run's tokens, training and held-out ones")]
    rows = [*sides[0], *sides[1]]
    texts = [look.subject.tokenizer.decode(row) for row in rows]
    readings = read(look.subject.engine, rows)
    numbers = attack_numbers(readings, texts)
    if look.options.reference:
        numbers["reference"] = numbers["loss"] - against(Path(look.options.reference), texts, readings)
    half = len(sides[0])
    found = {name: (values[:half], values[half:]) for name, values in numbers.items()}
    areas = {name: auroc(*both) for name, both in found.items()}
    best = max(areas, key=lambda name: areas[name])
    low, high = interval(*found[best], look.seed, attacks=len(found))
    verdict = f": {NO_EVIDENCE}" if low <= 0.5 <= high else ""
    return [
        Finding(
            name=NAME,
            measure=MEASURE,
            value=areas[best],
            low=min(low, areas[best]),
            high=max(high, areas[best]),
            n=len(rows),
            protocol=f"{half} documents a side, held out by a hash; {', '.join(found)}; interval for the best of them",
            summary=f"The strongest attack ({best}) tells training documents from others with AUROC {areas[best]:.3f} "
            f"({low:.3f} to {high:.3f}; 0.5 is chance){verdict}.",
            advice="Fewer epochs, no duplicates, or training with differential privacy ([pretrain.dp]).",
            evidence=[
                {
                    "attack": name,
                    "auroc": round(areas[name], 4),
                    "tpr_at_1_percent": round(true_positives(*both, 0.01), 4),
                    "tpr_at_0.1_percent": round(true_positives(*both, 0.001), 4),
                }
                for name, both in found.items()
            ],
        )
    ]


def attack_numbers(readings: Sequence[Reading], texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Attack -> (N,) one number a document, higher for "was trained on"."""
    return {
        "loss": np.array([one.logprobs_T.mean() for one in readings]),
        "zlib": np.array(
            [
                one.logprobs_T.sum() / len(zlib.compress(text.encode()))
                for one, text in zip(readings, texts, strict=True)
            ]
        ),
        "min_k": np.array([lowest_mean(one.logprobs_T) for one in readings]),
        "min_k_pp": np.array(
            [lowest_mean((one.logprobs_T - one.means_T) / np.maximum(one.deviations_T, 1e-6)) for one in readings]
        ),
    }


def lowest_mean(values_T: np.ndarray) -> float:
    """The mean of the lowest LOWEST share, at least one."""
    count = max(1, int(LOWEST * len(values_T)))
    return float(np.sort(values_T)[:count].mean())


def against(folder: Path, texts: Sequence[str], readings: Sequence[Reading]) -> np.ndarray:
    """(N,) the other model's log-probability of each text, per token of the audited model."""
    from groundup.evaluate.subject import load_subject

    other = load_subject(folder)
    scored = other.score([other.pair("", text) for text in texts])
    return np.array([one.logprob / len(reading.logprobs_T) for one, reading in zip(scored, readings, strict=True)])


def auroc(members: np.ndarray, others: np.ndarray) -> float:
    """P(a member's number > another's), ties half: the rank-sum statistic (Mann and Whitney 1947)."""
    below = np.searchsorted(np.sort(others), members, side="left")
    up_to = np.searchsorted(np.sort(others), members, side="right")
    return float((below + up_to).mean() / (2 * len(others)))


def true_positives(members: np.ndarray, others: np.ndarray, false_positives: float) -> float:
    """The share of members above the threshold that at most this share of the others passes."""
    allowed = int(false_positives * len(others))
    threshold = np.sort(others)[::-1][allowed]
    return float((members > threshold).mean())


def interval(members: np.ndarray, others: np.ndarray, seed: int, *, attacks: int) -> tuple[float, float]:
    """95 % bootstrap interval of an AUROC that is the best of so many (each gets its share of the 5 %)."""
    rng = numpy_random(seed, "membership")
    drawn = [auroc(rng.choice(members, len(members)), rng.choice(others, len(others))) for _ in range(RESAMPLES)]
    tail = 0.025 / attacks
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
