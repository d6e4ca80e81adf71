"""Grading measured on SemEval-2013 Task 7 (3-way), a folder of its XML files."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundup.apps.tutor.grading import FEATURES, LABELS, features, fit, probabilities
from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random
from groundup.core.score import Score
from groundup.core.split import split_of


@dataclass(frozen=True)
class Answered:
    """One student answer. corpus: the folder it stands in, "beetle" or "sciEntsBank"."""

    question: str
    references: tuple[str, ...]
    answer: str
    label: str
    corpus: str


def read(folder: Path) -> Iterator[Answered]:
    """Every answer under a folder; DataError for a file that is not of this form."""
    for path in sorted(folder.rglob("*.xml")):
        try:
            root = ElementTree.parse(path).getroot()
            question = root.findtext("questionText") or ""
            references = tuple(one.text or "" for one in root.iter("referenceAnswer"))
            for one in root.iter("studentAnswer"):
                yield Answered(question, references, one.text or "", one.attrib["accuracy"], path.parent.name)
        except (ElementTree.ParseError, KeyError, OSError) as error:
            raise DataError(f"{path} is not a file of SemEval-2013 Task 7: {error}.") from None


def part_of(one: Answered) -> str:
    """training, unseen_questions (a quarter of the questions, whole) or unseen_answers (a fifth of the rest), by hash."""
    if split_of(one.question, validation=0, test=0.25) == "test":
        return "unseen_questions"
    held_out = split_of(f"{one.question}\n{one.answer}", validation=0, test=0.2) == "test"
    return "unseen_answers" if held_out else "training"


def run(folder: Path) -> list[Score]:
    """Accuracy and macro-F1 on unseen answers and unseen questions, beside the same classifier with overlap alone.

    The split is ours (the official test files may not be there), so that published figures are no direct comparison.
    """
    answers = list(read(folder))
    training = [one for one in answers if part_of(one) == "training"]
    if not training:
        raise DataError(f"{folder} holds no answers in the form of SemEval-2013 Task 7.")
    x_NF = [features(one.question, one.references, one.answer) for one in training]
    weights_FC = fit(x_NF, [one.label for one in training])
    only = np.array([float(name in ("recall", "precision", "f1", "cosine", "bias")) for name in FEATURES])
    overlap_FC = fit([row * only for row in x_NF], [one.label for one in training])
    scores = []
    for corpus, part in sorted({(one.corpus, part_of(one)) for one in answers if part_of(one) != "training"}):
        test = [one for one in answers if one.corpus == corpus and part_of(one) == part]
        x_NF = [features(one.question, one.references, one.answer) for one in test]
        gold_N = np.array([LABELS.index(one.label) for one in test])
        ours_N = probabilities(np.stack(x_NF), weights_FC).argmax(1)
        base_N = probabilities(np.stack([row * only for row in x_NF]), overlap_FC).argmax(1)
        for name, measure in (("accuracy", accuracy), ("macro_f1", macro_f1)):
            draws = numpy_random(1, corpus, part, name).integers(0, len(test), (1000, len(test)))
            low, high = np.quantile([measure(gold_N[draw], ours_N[draw]) for draw in draws], [0.025, 0.975])
            scores.append(
                Score(f"grading_{corpus}_{part}", name, measure(gold_N, ours_N), float(low), float(high), len(test),
                      baseline=measure(gold_N, base_N), baseline_name="lexical overlap", protocol="3-way")
            )  # fmt: skip
    return scores


def accuracy(gold_N: np.ndarray, guess_N: np.ndarray) -> float:
    """The share of equal labels."""
    return float((gold_N == guess_N).mean())


def macro_f1(gold_N: np.ndarray, guess_N: np.ndarray) -> float:
    """The mean of the F1 of the three labels."""
    values = []
    for label in range(len(LABELS)):
        both = float(((gold_N == label) & (guess_N == label)).sum())
        total = float((gold_N == label).sum() + (guess_N == label).sum())
        values.append(2 * both / total if total else 0.0)
    return float(np.mean(values))
