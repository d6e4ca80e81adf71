"""Tasks of classification: which label does a text have?

A classifier (finetune, method = "classify") answers with its probabilities. A language model is asked by likelihood:
the label that is the likeliest continuation, its share among all labels being the confidence.
Rivals: the most frequent training label, and logistic regression on hashed n-grams of the same training texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, Task, mean_of
from groundup.evaluate.baselines import FEWEST_TO_LEARN
from groundup.evaluate.subject import Subject
from groundup.evaluate.whole_set import CALIBRATION, MACRO_F1

MOST_LABEL_TOKENS = 24  # of a label that an encoder-decoder writes; taste


@dataclass(frozen=True)
class LabelTask:
    """Name the label. Items carry the labels as choices, and the example they were made from in meta."""

    name: str
    read: Callable[[Data, str], list[Item]]
    kind: Kind = "choice"
    metrics: tuple[Metric, ...] = (mean_of("accuracy"), MACRO_F1, CALIBRATION)
    answered_by: tuple[str, ...] = ("", "classify", "encoder_decoder")

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """Both learn from the training items."""
        return (Baseline("bag of words", bag_of_words), Baseline("majority", majority))

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """Right or wrong, for an answer given as text; such an answer is given without a doubt."""
        return {"accuracy": float(answer == item.gold), "confidence": 1.0}

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Ask the classifier, or the language model by likelihood."""
        if subject.head == "classify":
            return _classified(subject, items)
        if subject.kind == "encoder_decoder":  # it writes the label
            written = subject.write(items, (), MOST_LABEL_TOKENS)
            return [
                Outcome(item, prompt, answer, self.mark(item, answer))
                for item, (prompt, answer) in zip(items, written, strict=True)
            ]
        return _likeliest(subject, items, shots)

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        if subject.head == "classify":
            return "classifier's head, 0-shot"
        if subject.kind == "encoder_decoder":
            return "the label written from the text, greedy, 0-shot"
        shown = "chat template" if subject.chat else "plain text"
        return f"likelihood of each label, {shown}, {shots}-shot"


def _classified(subject: Subject, items: Sequence[Item]) -> list[Outcome]:
    """DataError for a gold label that the classifier was not taught: its score would be a lie."""
    from groundup.finetune.classify import Classifier, unknown_label

    classifier = Classifier(subject.bundle)
    for item in items:
        if item.gold not in classifier.labels:
            raise unknown_label(item.gold, classifier.labels)
    texts = [classifier.text_of(item.meta["example"]) if classifier.template else item.text for item in items]
    given, probabilities_NC = classifier.predict(texts)
    return [
        Outcome(item, text, label, {"accuracy": float(label == item.gold), "confidence": min(1.0, float(row.max()))})
        for item, text, label, row in zip(items, texts, given, probabilities_NC, strict=True)
    ]


def _likeliest(subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
    pairs: list[tuple[list[int], list[int]]] = []
    prompts = []
    for item in items:
        prompt, ids = subject.prompt(item, shots)
        prompts.append(prompt)
        for label in item.choices:
            pairs.append((ids, subject.tokenizer.encode(label)) if subject.chat else subject.pair(prompt, f" {label}"))
    scored = iter(subject.score(pairs))
    outcomes = []
    for item, prompt in zip(items, prompts, strict=True):
        sums_C = np.array([next(scored).logprob for _ in item.choices])
        shares_C = np.exp(sums_C - sums_C.max())
        best = int(shares_C.argmax())
        sure = min(1.0, float(shares_C[best] / shares_C.sum()))
        right = float(item.choices[best] == item.gold)
        outcomes.append(Outcome(item, prompt, item.choices[best], {"accuracy": right, "confidence": sure}))
    return outcomes


def majority(task: Task, train: Sequence[Item], asked: Sequence[Outcome]) -> list[Outcome] | None:
    """The most frequent training label, as sure as it is frequent."""
    if len(train) < FEWEST_TO_LEARN:
        return None
    counts = Counter(item.gold for item in train)
    label = min(counts, key=lambda one: (-counts[one], one))
    share = counts[label] / len(train)
    return [_given(outcome.item, label, share) for outcome in asked]


def bag_of_words(task: Task, train: Sequence[Item], asked: Sequence[Outcome]) -> list[Outcome] | None:
    """Logistic regression over hashed n-grams, with its own probabilities."""
    from groundup.language.linear import HashedLinear

    labels = sorted({item.gold for item in train})
    if len(train) < FEWEST_TO_LEARN or len(labels) < 2:
        return None
    model = HashedLinear(labels).fit([item.text for item in train], [item.gold for item in train])
    found_NC = model.probabilities([outcome.item.text for outcome in asked])
    return [
        _given(outcome.item, labels[int(row.argmax())], min(1.0, float(row.max())))
        for outcome, row in zip(asked, found_NC, strict=True)
    ]


def _given(item: Item, label: str, sure: float) -> Outcome:
    return Outcome(item, "", label, {"accuracy": float(label == item.gold), "confidence": sure})
