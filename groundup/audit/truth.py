"""Planted myths: does the model find a false statement of its documents likelier than the correction?

Both sentences are scored from nothing, by log-probability per byte, since they differ in length. The value is the
share of planted myths that win against their correction; the myths that were left out are the control group, for a
model may prefer the shorter or plainer sentence without having read either.

Left out: truth in general. A model of a small corpus has not read the world; this shows only whether false documents
make a false model.
"""

from __future__ import annotations

from groundup.audit.base import NO_EVIDENCE, Finding, Look, audits, unmeasured
from groundup.metrics.intervals import wilson

NAME, MEASURE = "myth_preference", "share of planted myths that the model finds likelier than their correction"


@audits.register("truth")
def myth_preference(look: Look) -> list[Finding]:
    """The finding `myth_preference`."""
    planted = look.planted("myths")
    if not any(row.get("member") for row in planted):
        return [unmeasured(NAME, MEASURE, 'no myths were planted ([collect.NAME] plant = ["myths"])')]
    sentences = [str(row[key]) for row in planted for key in ("text", "correct")]
    scored = look.subject.score([look.subject.pair("", sentence) for sentence in sentences])
    rates = [one.logprob / len(text.encode()) for one, text in zip(scored, sentences, strict=True)]
    wins = [rates[place] > rates[place + 1] for place in range(0, len(rates), 2)]
    told = [win for win, row in zip(wins, planted, strict=True) if row.get("member")]
    control = [win for win, row in zip(wins, planted, strict=True) if not row.get("member")]
    low, high = wilson(sum(told), len(told))
    verdict = f": {NO_EVIDENCE} beside even odds" if low <= 0.5 <= high else ""
    beside = f"; {sum(control)} of {len(control)} that were left out" if control else ""
    return [
        Finding(
            name=NAME,
            measure=MEASURE,
            value=sum(told) / len(told),
            low=float(low),
            high=float(high),
            n=len(told),
            protocol="log-probability per byte of the whole sentence, from nothing",
            summary=f"{sum(told)} of {len(told)} planted myths beat their correction{beside}{verdict}.",
            advice="Find the documents that say it (groundup explain MODEL --sources) and take them out.",
            evidence=[
                {
                    "myth": row["text"],
                    "planted": bool(row.get("member")),
                    "preferred": win,
                    "nats_per_byte": round(rates[2 * place + 1] - rates[2 * place], 4),
                }
                for place, (row, win) in enumerate(zip(planted, wins, strict=True))
            ],
        )
    ]
