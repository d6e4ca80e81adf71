"""Grading measured on SemEval-2013 Task 7 (3-way), a folder of its XML files."""

from __future__ import annotations

import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundup.apps.search.app import SAMPLES
from groundup.apps.search.reading import documents_of
from groundup.apps.tutor.exercises import Exercise, arithmetic, comprehension, vocabulary
from groundup.apps.tutor.grading import (
    FEATURES,
    LABELS,
    TunedGrader,
    features,
    fit,
    neighbour_features,
    probabilities,
)
from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random
from groundup.core.score import Score
from groundup.core.split import split_of
from groundup.metrics.intervals import bootstrap, wilson

NUM_EXERCISES = 200  # of each kind


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


def run(folder: Path, grader: TunedGrader | None = None) -> list[Score]:
    """Accuracy and macro-F1 on unseen answers and unseen questions, beside the same classifier with overlap alone.

    grader: averaged with the linear model, where there is one. The split is ours (the official test files may not be there), so
    that published figures are no direct comparison.
    """
    answers = list(read(folder))
    training = [one for one in answers if part_of(one) == "training"]
    if not training:
        raise DataError(f"{folder} holds no answers in the form of SemEval-2013 Task 7.")
    x_NF = [features(one.question, one.references, one.answer) for one in training]
    weights_FC = fit(x_NF, [one.label for one in training])
    only = np.array([float(name in ("recall", "precision", "f1", "cosine", "bias")) for name in FEATURES])
    overlap_FC = fit([row * only for row in x_NF], [one.label for one in training])
    by_question = _by_question(training)
    graded_FC = fit_with_graded(training)
    scores = []
    for corpus, part in sorted({(one.corpus, part_of(one)) for one in answers if part_of(one) != "training"}):
        test = [one for one in answers if one.corpus == corpus and part_of(one) == part]
        x_NF = [features(one.question, one.references, one.answer) for one in test]
        gold_N = np.array([LABELS.index(one.label) for one in test])
        ours_N3 = probabilities(np.stack(x_NF), weights_FC)
        if part == "unseen_answers":  # the teacher has graded other answers to these questions
            near_N3 = np.stack([neighbour_features(one.answer, by_question.get(_key(one), [])) for one in test])
            ours_N3 = probabilities(np.concatenate([np.stack(x_NF), near_N3], axis=1), graded_FC)
            if corpus == "beetle":
                scores += fairness(test, by_question, graded_FC)
        if grader is not None:
            ours_N3 = (ours_N3 + grader.chances([(one.question, one.references, one.answer) for one in test])) / 2
        ours_N = ours_N3.argmax(1)
        base_N = probabilities(np.stack([row * only for row in x_NF]), overlap_FC).argmax(1)
        for name, measure in (("accuracy", accuracy), ("macro_f1", macro_f1)):
            draws = numpy_random(1, corpus, part, name).integers(0, len(test), (1000, len(test)))
            low, high = np.quantile([measure(gold_N[draw], ours_N[draw]) for draw in draws], [0.025, 0.975])
            scores.append(
                Score(
                    f"grading_{corpus}_{part}",
                    name,
                    measure(gold_N, ours_N),
                    float(low),
                    float(high),
                    len(test),
                    baseline=measure(gold_N, base_N),
                    baseline_name="lexical overlap",
                    protocol="3-way" + (", with a tuned MiniLM" if grader is not None else ""),
                )
            )
    return scores


def _key(one: Answered) -> str:
    return f"{one.corpus} {one.question}"


def _by_question(answers: list[Answered]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for one in answers:
        found.setdefault(_key(one), []).append((one.answer, one.label))
    return found


def fit_with_graded(training: list[Answered]) -> np.ndarray:
    """`grading.GRADED_WEIGHTS_FC`: every answer against the other graded answers to its question."""
    by_question = _by_question(training)
    rows = []
    for one in training:
        others = [pair for pair in by_question[_key(one)] if pair[0] != one.answer]
        rows.append(
            np.concatenate([features(one.question, one.references, one.answer), neighbour_features(one.answer, others)])
        )
    return fit(rows, [one.label for one in training])


def fairness(
    test: list[Answered], by_question: dict[str, list[tuple[str, str]]], weights_FC: np.ndarray
) -> list[Score]:
    """The same answers as other writers write them: with slips of spelling, and without articles. How far grades fall."""

    def right(change: Callable[[str], str]) -> list[bool]:
        rows = []
        for one in test:
            answer = change(one.answer)
            near = neighbour_features(answer, by_question.get(_key(one), []))
            rows.append(np.concatenate([features(one.question, one.references, answer), near]))
        guess_N = probabilities(np.stack(rows), weights_FC).argmax(1)
        return [LABELS[int(place)] == one.label for place, one in zip(guess_N, test, strict=True)]

    base = right(lambda answer: answer)
    groups = {
        "spelling slips": lambda answer: " ".join(w[:-2] + w[-1] + w[-2] if len(w) > 5 else w for w in answer.split()),
        "no articles": lambda answer: " ".join(w for w in answer.split() if w.lower() not in ("a", "an", "the")),
    }
    scores = []
    for name, change in groups.items():
        gaps = [float(a) - float(b) for a, b in zip(base, right(change), strict=True)]
        low, high = bootstrap(gaps, 1)
        scores.append(
            Score(
                "grading_fairness",
                f"accuracy lost with {name}",
                float(np.mean(gaps)),
                low,
                high,
                len(gaps),
                protocol="Beetle, unseen answers",
                higher_is_better=False,
            )
        )
    return scores


def exercises() -> Score:
    """Keys reckoned a second way: arithmetic by reading the question anew, the others by their own rule."""
    text = "\n\n".join(one.text for one in documents_of(SAMPLES, [], "texts"))
    flat = " ".join(text.split())
    good = 0
    for seed in range(NUM_EXERCISES):
        level = 1 + seed % 3
        good += _reckoned(arithmetic(seed, level))
        made = comprehension(text, seed)
        stands = [choice in flat for choice in made.choices]
        good += stands.count(True) == 1 and stands["abcd".index(made.key)]
        word = vocabulary(seed, level)
        good += word.choices.count(word.key) == 1 and len(set(word.choices)) == 4
    total = 3 * NUM_EXERCISES
    return Score(
        "tutor_exercises",
        "keys right",
        good / total,
        *wilson(good, total),
        total,
        protocol="each key reckoned a second way",
    )


def _reckoned(exercise: Exercise) -> bool:
    """The key by a small reader of its own: multiplication and division first, brackets before all."""
    text = (
        exercise.question.removeprefix("What is ").rstrip("?").replace(":", "/").replace("(", " ( ").replace(")", " ) ")
    )
    return abs(_value(text.split()) - float(exercise.key)) < 1e-9


def _value(parts: list[str]) -> float:
    if "(" in parts:
        start, end = parts.index("("), parts.index(")")
        return _value([*parts[:start], str(_value(parts[start + 1 : end])), *parts[end + 1 :]])
    for signs in ("+-", "*/"):
        for place in range(len(parts) - 2, 0, -2):
            if parts[place] in signs:
                a, b = _value(parts[:place]), _value(parts[place + 1 :])
                return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0.0}[parts[place]]
    return float(parts[0])


def run_all(data: Path | None, grader: TunedGrader | None = None) -> list[Score]:
    """`groundup app tutor --evaluate`; a data folder's answer_grading/ adds grading."""
    scores = [exercises()]
    if data is None:
        return scores
    with unpacked(data) as folder:
        return scores + run(folder, grader)


@contextmanager
def unpacked(data: Path) -> Iterator[Path]:
    """The graded answers of a data folder, as a folder of XML files."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(data / "answer_grading" / "semeval2013_task7_3way.tar.gz") as archive:
                archive.extractall(folder, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"The graded answers in {data} cannot be read: {error}.") from None
        yield Path(folder)


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
