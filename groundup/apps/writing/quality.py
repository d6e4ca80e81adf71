"""How well a draft does what was asked: length, points covered, tone by our classifier, repetition. One row each.

The tone classifier is a hashed linear model (language.linear) over the examples of `phrases`, made in a moment; its
accuracy on sentences it never saw is measured by `evaluate`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from groundup.apps.search.stem import STOP_WORDS, stems
from groundup.apps.writing.phrases import TONES, tone_examples
from groundup.language.linear import HashedLinear
from groundup.language.words import sentences, words

LENGTH_TOLERANCE = 0.10  # the bar of the project: within ten percent of the length asked for
COVERED = 0.6  # share of a point's telling words that must stand in the draft; taste


@cache
def tone_classifier() -> HashedLinear:
    """The classifier, fitted once in a process (about 0.1 s)."""
    examples = tone_examples()
    model = HashedLinear(TONES, bits=14, epochs=30)
    return model.fit([text for text, _ in examples], [tone for _, tone in examples])


def tone_of(text: str) -> dict[str, float]:
    """tone -> probability: the mean over the sentences."""
    spans = sentences(text) or [(0, len(text))]
    chances_NC = tone_classifier().probabilities([text[start:end] for start, end in spans])
    return dict(zip(TONES, np.asarray(chances_NC).mean(0).tolist(), strict=True))


def covered(point: str, text: str) -> float:
    """The share of a point's telling stems that stand in the text; 1 for a point without any."""
    wanted = set(stems(point)) or {word.lower() for word in words(point)} - STOP_WORDS
    return len(wanted & set(stems(text))) / len(wanted) if wanted else 1.0


def repetition(text: str) -> float:
    """The share of four-word runs that stood in the text before; 0 in a text that repeats nothing."""
    said = [word.lower() for word in words(text)]
    runs = Counter(tuple(said[place : place + 4]) for place in range(len(said) - 3))
    total = sum(runs.values())
    return sum(count - 1 for count in runs.values()) / total if total else 0.0


def judged(text: str, *, length: int, points: Sequence[str], tone: str) -> list[dict[str, Any]]:
    """The rows ``{"what", "value", "wanted", "ok"}``; a length of 0 and an empty tone are not asked for."""
    rows: list[dict[str, Any]] = []
    number = len(words(text))
    if length:
        ok = abs(number - length) <= LENGTH_TOLERANCE * length
        rows.append({"what": "length in words", "value": number, "wanted": f"{length} within 10 %", "ok": ok})
    if points:
        missed = [point for point in points if covered(point, text) < COVERED]
        value = f"{len(points) - len(missed)} of {len(points)}"
        rows.append({"what": "points covered", "value": value, "wanted": "all", "ok": not missed})
    if tone:
        chances = tone_of(text)
        best = max(chances, key=lambda one: chances[one])
        rows.append({"what": "tone", "value": f"{best} ({chances[best]:.2f})", "wanted": tone, "ok": best == tone})
    share = repetition(text)
    rows.append({"what": "repetition", "value": f"{share:.0%}", "wanted": "under 5 %", "ok": share < 0.05})
    return rows


def score(rows: Sequence[dict[str, Any]]) -> float:
    """The share of what was asked that holds."""
    return sum(bool(row["ok"]) for row in rows) / len(rows) if rows else 1.0
