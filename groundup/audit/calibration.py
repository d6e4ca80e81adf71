"""Calibration: is the model right as often as it is sure?

Of every next token of held-out text: how probable was the likeliest one, and was it the one that came? Two findings:

    token_calibration_error    |right - sure|, averaged over 15 bins of equal size, as the model is
    token_scaled_error         the same after temperature scaling on other held-out text (Guo et al. 2017)

The evidence holds the risk-coverage curve, and the confidence from which on at most 1, 5, 10 and 20 % of the likeliest
tokens are wrong, with the guarantee of `metrics.confidence.answer_from`. Tokens of one text depend on each other; what is
promised of new texts is therefore tested on one token a text.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from groundup.audit.base import Finding, Look, audits, unmeasured
from groundup.audit.reading import read
from groundup.core.errors import ArtifactError
from groundup.core.randomness import numpy_random
from groundup.metrics.confidence import answer_from, area_under_risk, equal_mass_error, risk_coverage

NAME, MEASURE = "token_calibration_error", "mean gap between how sure and how right the likeliest next token is"
SCALED, SCALED_MEASURE = "token_scaled_error", "the same after temperature scaling on other held-out text"
DOCUMENTS = 400  # of each split; taste
FITTED = 60  # of them for the temperature: one number needs few; taste
TEMPERATURES = (1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)  # 1 first: it wins ties
RISKS = (0.01, 0.05, 0.1, 0.2)
COVERAGES = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
RESAMPLES = 200


@audits.register("calibration")
def calibration(look: Look) -> list[Finding]:
    """The findings `token_calibration_error` and `token_scaled_error`."""
    fitted, measured = held_out(look, "validation"), held_out(look, "test")
    if fitted is None or measured is None:
        why = "it needs the run's tokens, with validation and test documents"
        return [unmeasured(NAME, MEASURE, why), unmeasured(SCALED, SCALED_MEASURE, why)]
    t = fitted_temperature(look, fitted[:FITTED])
    sure_by_text, right_by_text = surest(look, measured)
    sure, right = np.concatenate(sure_by_text), np.concatenate(right_by_text)
    scaled = sure if t == 1 else np.concatenate(surest(look, measured, t)[0])
    protocol = f"{len(sure)} next tokens of {len(measured)} test documents, 15 bins of equal size"
    _coverage, risk = risk_coverage(sure, right)
    evidence: list[dict[str, Any]] = [
        {"coverage": share, "wrong": round(float(risk[max(0, math.ceil(share * len(risk)) - 1)]), 4)}
        for share in COVERAGES
    ]
    evidence += promises(look, sure_by_text, right_by_text)
    told = f"The likeliest token is right in {right.mean():.3f} of the places and expected to be in {sure.mean():.3f}"
    return [
        _finding(look, NAME, MEASURE, sure, right, protocol, f"{told}; area under the risk curve "
                 f"{area_under_risk(sure, right):.3f}.", evidence),
        _finding(look, SCALED, SCALED_MEASURE, scaled, right, f"{protocol}; temperature {t:.3f} from the validation split",
                 f"At temperature {t:.2f} it is expected to be in {scaled.mean():.3f}.", []),
    ]  # fmt: skip


def held_out(look: Look, split: str) -> list[list[int]] | None:
    """Documents of a split, as the model reads them."""
    from groundup.tokenizer.shards import TokenShards

    folder = look.inputs.get("tokenizer")
    if folder is None or look.subject.kind or not hasattr(look.subject.engine, "model"):
        return None
    try:
        shards = TokenShards.open(folder / "tokens", split)
    except ArtifactError:
        return None
    if shards.vocabulary_size != look.subject.tokenizer.vocabulary_size or not shards.num_documents:
        return None
    chosen = numpy_random(look.seed, "calibration", split).permutation(shards.num_documents)[:DOCUMENTS]
    most, borders = look.subject.context_length, shards.borders
    rows = [shards.tokens[borders[d] : borders[d + 1]][:most].tolist() for d in chosen]
    return [row for row in rows if len(row) > 1]


def surest(look: Look, rows: list[list[int]], t: float = 1.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Per document: the likeliest token's probability at each place, and whether it came."""
    readings = read(look.subject.engine, rows, temperature=t)
    return [np.exp(one.best_T) for one in readings], [one.right_T for one in readings]


def fitted_temperature(look: Look, rows: list[list[int]]) -> float:
    """The temperature of TEMPERATURES with the least loss on these documents."""
    losses = {
        t: -sum(float(one.logprobs_T.sum()) for one in read(look.subject.engine, rows, temperature=t))
        for t in TEMPERATURES
    }
    return min(losses, key=lambda t: losses[t])


def promises(look: Look, sure_by_text: list[np.ndarray], right_by_text: list[np.ndarray]) -> list[dict[str, Any]]:
    """From which confidence on a given risk holds. One place a document, so that the places are independent."""
    rng = numpy_random(look.seed, "promises")
    places = [int(rng.integers(len(one))) for one in sure_by_text]
    sure = [float(one[place]) for one, place in zip(sure_by_text, places, strict=True)]
    right = [bool(one[place]) for one, place in zip(right_by_text, places, strict=True)]
    found = []
    for risk in RISKS:
        threshold = answer_from(sure, right, risk=risk)
        share = 0.0 if threshold is None else sum(one >= threshold for one in sure) / len(sure)
        found.append({"risk_promised": risk, "confidence_from": threshold, "answered": round(share, 4)})
    return found


def _finding(
    look: Look,
    name: str,
    measure: str,
    sure: np.ndarray,
    right: np.ndarray,
    protocol: str,
    summary: str,
    evidence: list[dict[str, Any]],
) -> Finding:
    value = equal_mass_error(sure, right)
    rng = numpy_random(look.seed, name)
    drawn = []
    for _ in range(RESAMPLES):
        places = rng.integers(0, len(sure), len(sure))
        drawn.append(equal_mass_error(sure[places], right[places]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Finding(
        name=name,
        measure=measure,
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=len(sure),
        protocol=protocol,
        summary=f"{summary} Gap {value:.3f}.",
        advice="Sample and report at the fitted temperature; answer only from the confidence that keeps the risk.",
        evidence=evidence,
    )
