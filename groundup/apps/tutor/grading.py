"""Short answers: correct, contradictory or incorrect by their likeness to reference answers, or for a teacher to say.

A linear classifier (softmax regression) over a dozen measures of overlap and negation, after the lexical baseline of
SemEval-2013 Task 7 (Dzikovska et al. 2013). The classifier knows words, not physics: its accuracy is in the docs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from groundup.apps.search.answering import NEGATIONS
from groundup.apps.search.stem import stem, stems, tokens
from groundup.core.errors import DataError

LABELS = ("correct", "contradictory", "incorrect")
FEATURES = (
    "recall", "precision", "f1", "new", "cosine", "pairs", "question", "negation", "length", "short", "longest", "bias",
)  # fmt: skip
# Fitted by `fit` on all training answers of SemEval-2013 Task 7 (8,910); rows as FEATURES, columns as LABELS.
WEIGHTS_FC = np.array([
    [-0.73, 1.51, -0.78], [0.66, -0.97, 0.31], [0.43, -0.22, -0.21], [0.96, -0.54, -0.42], [1.03, 0.25, -1.28],
    [-0.06, -0.09, 0.15],
    [0.29, -0.31, 0.01], [-0.56, 0.70, -0.14], [0.66, -0.48, -0.18], [0.08, -0.12, 0.04],
    [-0.23, -0.80, 1.03], [-1.24, 0.29, 0.95],
])  # fmt: skip


# With answers to the same question that a teacher has graded: how like the nearest of each label is (3 measures more).
# Fitted by `evaluate.fit_with_graded` on all 8,910, each against the others to its question; rows as FEATURES, LABELS.
GRADED_WEIGHTS_FC = np.array(
    [
        [-0.09, 0.69, -0.6],
        [0.04, -0.4, 0.37],
        [0.12, -0.18, 0.06],
        [0.54, -0.36, -0.18],
        [0.8, 0.03, -0.83],
        [-0.09, -0.1, 0.18],
        [-0.1, 0.03, 0.07],
        [-0.37, 0.53, -0.16],
        [0.48, -0.27, -0.21],
        [-0.12, -0.12, 0.24],
        [0.75, -0.83, 0.09],
        [-1.9, 0.62, 1.29],
        [6.28, -3.56, -2.71],
        [-2.89, 4.95, -2.05],
        [-2.29, -1.44, 3.73],
    ]
)


@dataclass(frozen=True)
class Grade:
    """label: one of LABELS, or "teacher". missing: stems' words of the nearest reference that the answer lacks."""

    label: str
    confidence: float
    missing: tuple[str, ...] = ()


def features(question: str, references: Sequence[str], answer: str) -> np.ndarray:
    """(len(FEATURES),) float64: the measures against the nearest reference, and 1."""
    asked, given = set(stems(question)), stems(answer)
    said = set(given)
    best = np.zeros(7)
    for reference in references:
        right_list = stems(reference)
        right = set(right_list)
        both = len(said & right)
        recall, precision = both / max(1, len(right)), both / max(1, len(said))
        new = right - asked  # what the question did not already say
        pairs, right_pairs = set(pairwise(given)), set(pairwise(right_list))
        values = np.array(
            [
                recall,
                precision,
                2 * recall * precision / max(1e-9, recall + precision),
                len(said & new) / max(1, len(new)),
                _cosine(answer, reference),
                len(pairs & right_pairs) / max(1, len(right_pairs)),
                float(_negative(answer) != _negative(reference)),
            ]
        )
        if values[2] + values[4] > best[2] + best[4] or not best.any():
            best = values
    recall, precision, f1, new_share, cosine, pair_share, turned = best
    longest = min(40, max((len(stems(one)) for one in references), default=1))
    more = (
        len(said & asked) / max(1, len(said)),
        turned,
        min(2.0, len(given) / max(1, longest)),
        float(len(given) < 2),
    )
    return np.array([recall, precision, f1, new_share, cosine, pair_share, *more, longest / 40, 1.0])


def neighbour_features(answer: str, graded: Sequence[tuple[str, str]]) -> np.ndarray:
    """(3,): the likeness of the nearest graded answer of each label, in the order of LABELS; 0 where there is none."""
    said = _bag(answer)
    nearest = np.zeros(len(LABELS))
    for other, label in graded:
        place = LABELS.index(label)
        nearest[place] = max(nearest[place], _likeness(said, _bag(other)))
    return nearest


@lru_cache(maxsize=50_000)
def _bag(text: str) -> tuple[frozenset[str], frozenset[str]]:
    padded = " ".join(word for _, _, word in tokens(text))
    return frozenset(stems(text)), frozenset(padded[place : place + 3] for place in range(len(padded) - 2))


def _likeness(a: tuple[frozenset[str], frozenset[str]], b: tuple[frozenset[str], frozenset[str]]) -> float:
    """The mean Dice coefficient of stems and of letter triples."""
    return sum(2 * len(x & y) / (len(x) + len(y)) if x or y else 0.0 for x, y in zip(a, b, strict=True)) / 2


def fit(rows: Sequence[np.ndarray], labels: Sequence[str], *, steps: int = 2000, rate: float = 1.0) -> np.ndarray:
    """Softmax regression by gradient descent: weights (len(FEATURES), 3). Classes weigh the same, for macro-F1."""
    x_NF, y_N = np.stack(rows), np.array([LABELS.index(label) for label in labels])
    wanted_NC = np.eye(3)[y_N]
    weight_N = 1 / np.sqrt(wanted_NC.sum(0).clip(1))[y_N]  # square root: between accuracy and macro-F1
    weight_N /= weight_N.sum()
    weights_FC = np.zeros((x_NF.shape[1], 3))
    for _ in range(steps):
        error_NC = (probabilities(x_NF, weights_FC) - wanted_NC) * weight_N[:, None]
        weights_FC -= rate * (x_NF.T @ error_NC + 1e-4 * weights_FC)
    return weights_FC


def probabilities(x_NF: np.ndarray, weights_FC: np.ndarray) -> np.ndarray:
    """(N, 3) in the order of LABELS."""
    scores_NC = x_NF @ weights_FC
    powers_NC = np.exp(scores_NC - scores_NC.max(1, keepdims=True))
    return np.asarray(powers_NC / powers_NC.sum(1, keepdims=True))


class TunedGrader:
    """A classifier that `groundup run tutor` tuned on graded answers; it reads question, right answer and answer."""

    def __init__(self, folder: Path) -> None:
        """ArtifactError where the folder holds no classifier, DataError where it gives other grades."""
        from groundup.finetune.classify import Classifier

        self._classifier = Classifier.load(folder)
        if sorted(self._classifier.labels) != sorted(LABELS):
            raise DataError(f"The classifier in {folder} does not give the grades {', '.join(LABELS)}.")
        self._order = [self._classifier.labels.index(label) for label in LABELS]

    def chances(self, rows: Sequence[tuple[str, Sequence[str], str]]) -> np.ndarray:
        """(N, 3) in the order of LABELS, for ``(question, references, answer)``."""
        _, chance_NC = self._classifier.predict([row_text(*row) for row in rows])
        return np.asarray(chance_NC[:, self._order], dtype=np.float64)


def row_text(question: str, references: Sequence[str], answer: str) -> str:
    """What a tuned grader reads: the answer, the right answer most like it, the question (cut first, it matters least)."""
    said = set(stems(answer))
    nearest = max(references, key=lambda one: len(said & set(stems(one))) / (1 + len(set(stems(one)) | said)))
    return f"{answer[:400]} | {nearest[:400]} | {question[:400]}"


def grade(
    question: str,
    references: Sequence[str],
    answer: str,
    *,
    sure: float = 0.5,
    graded: Sequence[tuple[str, str]] = (),
    grader: TunedGrader | None = None,
) -> Grade:
    """Grade one answer; `graded`: ``(answer, label)`` to this question by a teacher, which make it much surer.
    An empty one is incorrect; unsure cases are for the teacher. grader: its probabilities are averaged with the linear
    model's.

    So is an answer that looks correct but negates what the reference affirms (or the reverse): the weights of a
    linear model cannot settle it, and a wrong "correct" teaches the error.
    """
    if not references:
        raise DataError("Grading needs at least one reference answer.")
    if not tokens(answer):
        return Grade("incorrect", 1.0)
    values_F = features(question, references, answer)
    if graded:
        both_F = np.concatenate([values_F, neighbour_features(answer, graded)])
        chance_C = probabilities(both_F[None], GRADED_WEIGHTS_FC)[0]
    else:
        chance_C = probabilities(values_F[None], WEIGHTS_FC)[0]
    if grader is not None:
        chance_C = (chance_C + grader.chances([(question, references, answer)])[0]) / 2
    place = int(chance_C.argmax())
    said = {stem(word) for _, _, word in tokens(answer)}
    nearest = max(references, key=lambda one: len(said & set(stems(one))))
    lacking = [word for _, _, word in tokens(nearest) if stem(word) in set(stems(nearest)) and stem(word) not in said]
    turned = LABELS[place] == "correct" and values_F[FEATURES.index("negation")] > 0
    label = LABELS[place] if chance_C[place] >= sure and not turned else "teacher"
    return Grade(label, float(chance_C[place]), tuple(dict.fromkeys(lacking)) if label != "correct" else ())


def _cosine(first: str, second: str) -> float:
    """Likeness by letter triples, which forgives misspelling."""
    counts: list[dict[str, int]] = []
    for text in (first, second):
        one: dict[str, int] = {}
        padded = " ".join(word for _, _, word in tokens(text))
        for place in range(len(padded) - 2):
            one[padded[place : place + 3]] = one.get(padded[place : place + 3], 0) + 1
        counts.append(one)
    a, b = counts
    product = sum(value * b.get(name, 0) for name, value in a.items())
    size = float(np.sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values())))
    return product / size if size else 0.0


def _negative(text: str) -> bool:
    return any(word in NEGATIONS or word.endswith("n't") for word in text.lower().split())
