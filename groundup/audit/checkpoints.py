"""Secrets on every kept checkpoint: when in training did the model begin to remember?

The check `privacy` asks the finished model; this one asks the base model's checkpoints that training left beside it
(`[pretrain] keep_checkpoints`, two unless a recipe says otherwise), for the price of scoring. What training showed a model
early it may have covered up at the end: a checkpoint that was handed out leaks all the same.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundup.audit.base import Finding, Look, audits, unmeasured
from groundup.audit.options import FINDINGS
from groundup.audit.privacy import measure, refuted_epsilon
from groundup.evaluate.subject import load_subject
from groundup.metrics.intervals import bootstrap
from groundup.train.checkpoint import load
from groundup.train.saving import CHECKPOINTS

BITS, EPSILON = FINDINGS["checkpoints"]
MEASURES = {
    BITS: "mean exposure in bits of the most exposed group of planted secrets, in the checkpoint where it is highest",
    EPSILON: "largest epsilon that guessing the coins of secrets refutes in any checkpoint",
}
ADVICE = "Stop earlier, remove duplicates, or train with differential privacy; hand out no checkpoint above the limit."


@audits.register("checkpoints")
def checkpoint_exposure(look: Look) -> list[Finding]:
    """The findings `checkpoint_exposure_bits` and `checkpoint_epsilon`: one row of evidence a checkpoint."""
    planted = look.planted("secrets")
    trained = _trained(look)
    folders = sorted((trained / CHECKPOINTS).glob("step-*")) if trained is not None else []
    why = ""
    if not any(row.get("member") for row in planted):
        why = 'no secrets were planted ([collect.NAME] plant = ["secrets"])'
    elif trained is None or not folders:
        why = "the run's pretraining left no checkpoints"
    if why or trained is None:
        return [unmeasured(name, what, why) for name, what in MEASURES.items()]
    subject = load_subject(trained / "model", device=str(next(look.subject.engine.model.parameters()).device))
    rows: list[dict[str, Any]] = []
    for folder in folders:
        checkpoint = load(folder)
        subject.engine.model.load_state_dict(checkpoint.tensors["weights"])
        rows.append({"step": checkpoint.step, **_row(replace(look, subject=subject), planted)})
    worst = max(rows, key=lambda row: float(row["bits"]))
    told = ", ".join(f"step {row['step']}: {row['bits']:.1f}" for row in rows)
    low, high = bootstrap(worst.pop("values"), look.seed)
    for row in rows:
        row.pop("values", None)
    protocol = f"{len(rows)} checkpoints, each as the check 'privacy' measures the model"
    bits = Finding(
        name=BITS,
        measure=MEASURES[BITS],
        value=worst["bits"],
        low=min(float(low), worst["bits"]),
        high=max(float(high), worst["bits"]),
        n=len(planted),
        protocol=protocol,
        summary=f"Bits of exposure by checkpoint: {told}.",
        advice=ADVICE,
        evidence=rows,
    )
    bounds = [row["epsilon"] for row in rows if row["epsilon"] is not None]
    if not bounds:
        return [bits, unmeasured(EPSILON, MEASURES[EPSILON], "none of the secrets meant to be planted once was")]
    summary = f"No checkpoint refutes more than an epsilon of {max(bounds):.2f}."
    epsilon = replace(bits, name=EPSILON, measure=MEASURES[EPSILON], value=max(bounds), low=None, high=None,
                      summary=summary)  # fmt: skip
    return [bits, epsilon]


def _trained(look: Look) -> Path | None:
    """The pretraining folder of the run that the inputs are of."""
    place = look.inputs["collect"].parent / "4_pretrain" if "collect" in look.inputs else None
    return place if place is not None and (place / "model").is_dir() else None


def _row(look: Look, planted: list[dict[str, Any]]) -> dict[str, Any]:
    """One checkpoint: mean bits of the most exposed group (with its values), of those left out, and the refuted epsilon."""
    exposed = measure(look, planted)
    groups: dict[int, list[float]] = defaultdict(list)
    for one in exposed:
        groups[one.level if one.copies else 0].append(one.bits)
    means = {copies: sum(bits) / len(bits) for copies, bits in groups.items()}
    worst = max((copies for copies in means if copies), key=lambda copies: means[copies])
    coins = any(one.level == 1 and one.copies for one in exposed)
    return {
        "bits": round(means[worst], 3),
        "copies": worst,
        "left_out_bits": round(means[0], 3) if 0 in means else None,
        "epsilon": refuted_epsilon(exposed).value if coins else None,
        "values": groups[worst],
    }
