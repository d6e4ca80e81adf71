"""F1 over the fields of extracted records: what share of the (field, value) pairs did a record get right?

A field counts when its value is right after normalisation (case, punctuation, articles and blanks aside, as SQuAD; numbers
by their value). Missing and empty fields (None, "", []) claim nothing. A field with a list counts value by value, in any
order. A nested record counts its fields by their paths, `seller.name`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from groundup.metrics.answers import normalize_answer
from groundup.metrics.classification import F1, from_counts, same_length

Record = Mapping[str, Any]
MAX_DEPTH = 8  # taste: deeper nesting in an answer is babble, and claims nothing


def field_f1(gold: Sequence[Record], predicted: Sequence[Record | None]) -> F1:
    """Micro F1 over the fields of all records. A prediction that is None (no record could be read) claims nothing."""
    return from_counts(*field_counts(gold, predicted))


def field_counts(gold: Sequence[Record], predicted: Sequence[Record | None]) -> tuple[int, int, int]:
    """Fields that are right, claimed, and there, over all records."""
    same_length(gold, predicted)
    right = claims = truths = 0
    for g, p in zip(gold, predicted, strict=True):
        truth, claim = Counter(_pairs(g)), Counter(_pairs(p or {}))
        right += (truth & claim).total()
        claims += claim.total()
        truths += truth.total()
    return right, claims, truths


def f1_by_field(gold: Sequence[Record], predicted: Sequence[Record | None]) -> dict[str, F1]:
    """The same for every field that occurs, by its path."""
    same_length(gold, predicted)
    counts: dict[str, list[int]] = {}
    for g, p in zip(gold, predicted, strict=True):
        truth, claim = Counter(_pairs(g)), Counter(_pairs(p or {}))
        for place, part in enumerate((truth & claim, claim, truth)):
            for (path, _), number in part.items():
                counts.setdefault(path, [0, 0, 0])[place] += number
    return {path: from_counts(*numbers) for path, numbers in sorted(counts.items())}


def record_match(gold: Record, predicted: Record | None) -> float:
    """1.0 when every field is right and none is made up, else 0.0."""
    return float(predicted is not None and Counter(_pairs(gold)) == Counter(_pairs(predicted)))


def _pairs(record: Record, path: str = "", depth: int = 1) -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        place = f"{path}.{name}" if path else str(name)
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, Mapping):
                yield from _pairs(one, place, depth + 1) if depth < MAX_DEPTH else ()
            elif one is not None and one != "":
                yield place, _normal(one)


def _normal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        return normalize_answer(str(value)) or str(value).strip()
