"""What a message is about: a least-squares classifier over hashed words and letter n-grams, and its doubt.

Trained in a few milliseconds from the templates (kernel ridge regression; Rifkin and Lippert 2007, regularised
least-squares classification), so that there is nothing to download and a company can add its own phrasings.
A message that is like nothing it knows is out of scope.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundup.apps.search.stem import stem, tokens
from groundup.apps.search.understand import neighbours
from groundup.apps.support.phrases import examples
from groundup.core.errors import DataError

WIDTH = 1 << 12  # hashed features; 8,192 measured the same on the simulator and takes twice the time to fit
RIDGE = 0.3  # measured on the simulator's second wording: .1 passes .971, .3 passes .988, 1 passes .959
ORDER_NUMBER = re.compile(
    r"\bgu[\s-]?#?\s?(\d{4,6})\b|(?:order|number|nr|no|#)\s*[.:#]?\s*(\d{4,6})\b|^\s*#?(\d{4,6})\s*$", re.I
)
LONG_WORD = re.compile(r"(?<![\w@.])[a-zA-Z]{5,20}(?![\w@]|\.\w)")
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
# Words without which an intent is not believed, however alike the rest is: a guard for the writing intents.
NEEDED = {
    "cancel_order": re.compile(r"cancel|stop|withdraw|undo|call(?:ing|ed)? off|mistake|chang\w+ my mind|no longer|"
                               r"not (?:want|need)|n't (?:want|need)|scrap|drop|abort|annul", re.I),
    "return_item": re.compile(r"return|send\w* (?:\w+ ){0,8}back|giv\w* (?:\w+ ){0,8}back|tak\w* (?:\w+ ){0,8}back|money back|"
                              r"refund|bring\w* (?:\w+ ){0,8}back|get rid", re.I),
    "change_address": re.compile(r"address|mov(?:e|ed|ing)|ship\w* (?:\w+ ){0,4}to|"
                                 r"deliver\w* (?:\w+ ){0,4}to|send\w* (?:\w+ ){0,4}to|"
        r"where .* goes|relocat|different (?:place|street)|redirect|reroute", re.I),
}  # fmt: skip
PERSON = re.compile(
    r"\b(?:human|real person|agent|operator|manager|supervisor|representative|someone real|a person|somebody)\b", re.I
)
ASKING = re.compile(
    r"^\W*(?:(?:hi|hello|hey|please|and|so|ok|also)\W+)*(?:how|what|when|which|until when|who|why|do you|does|"
    r"is there|are there|are you|is|(?:can|could|may|should|must) (?:i|we))\b",
    re.I,
)
OWN = re.compile(r"\b(?:my (?!money|refund|data)|mine|gu-?\s?\d{4})", re.I)
DAMAGE = re.compile(
    r"\b(?:broken|damag\w*|faulty|defect\w*|scratch\w*|crack\w*|smash\w*|dent(?:ed|s)?|flicker\w*|wrong (?:item|thing|product)|"
    r"missing|does(?: not|n't) work)\b",
    re.I,
)
TASKS = ("track_order", "show_order", "cancel_order", "return_item", "change_address", "report_problem")


@dataclass(frozen=True)
class Guess:
    """The best intent and how sure: the score of the winner, in about [0, 1]."""

    intent: str
    score: float


class Intents:
    """The classifier; `more` adds ``(text, intent)`` pairs of the company."""

    def __init__(self, more: Sequence[tuple[str, str]] = ()) -> None:
        pairs = [*examples(), *more]
        self.labels = sorted({intent for _, intent in pairs})
        self._words = Counter(word for text, _ in pairs for _, _, word in tokens(text))
        self._stems = frozenset(stem(word) for word in self._words)
        x_NF = np.stack([features(text) for text, _ in pairs])
        y_NC = np.array([[1.0 if intent == label else 0.0 for label in self.labels] for _, intent in pairs])
        # Frequent classes must not win for being frequent: every class weighs the same.
        weight_N = 1.0 / np.sqrt(y_NC.sum(0))[y_NC.argmax(1)]
        weight_N = weight_N / weight_N.mean()
        kernel_NN = x_NF @ x_NF.T
        dual_NC = np.linalg.solve(kernel_NN + RIDGE * np.diag(1 / weight_N), y_NC)
        self._weights_FC = (x_NF.T @ dual_NC).astype(np.float32)

    def repair(self, text: str) -> str:
        """The message with slips of the finger mended: words of 5 letters and more, one edit from a word of the templates."""
        return LONG_WORD.sub(lambda match: self._mended(match.group()), text[:500])

    def _mended(self, word: str) -> str:
        lower = word.lower()
        if lower in self._words or stem(lower) in self._stems:
            return word
        near = [one for one in neighbours(lower) if one in self._words]
        return max(near, key=lambda one: (one[0] == lower[0], self._words[one]), default=word)

    def scores(self, text: str) -> dict[str, float]:
        """intent -> score."""
        return dict(zip(self.labels, (features(text) @ self._weights_FC).tolist(), strict=True))

    def guess(self, text: str) -> Guess:
        """The intent of a message, with the rules that the templates cannot carry."""
        text = self.repair(text)
        scores = self.scores(text)
        if PERSON.search(text) and re.search(
            r"\b(?:talk|speak|connect|get|want|need|give|transfer|chat|real|human|agent)\b", text, re.I
        ):
            return Guess("person", max(0.8, scores["person"]))
        for intent, pattern in NEEDED.items():
            scores[intent] += 0.15 if pattern.search(text) else -0.5
        if DAMAGE.search(text) and not NEEDED["return_item"].search(text):
            scores["report_problem"] += 0.3
        # "How do I return a lamp?" asks for the rule; "my lamp" or an order number asks for the deed.
        if ASKING.search(text) and not OWN.search(text):
            scores["faq"] += 0.25
            for intent in TASKS:
                scores[intent] -= 0.25
        elif OWN.search(text):
            scores["faq"] -= 0.15
        best = max(scores, key=lambda name: scores[name])
        return Guess(best, scores[best])


class TunedIntents(Intents):
    """The same rules over a classifier that `groundup run support` tuned on a company's own messages."""

    def __init__(self, folder: Path, more: Sequence[tuple[str, str]] = ()) -> None:
        """ArtifactError where the folder holds no classifier, DataError where it knows other intents."""
        from groundup.finetune.classify import Classifier

        super().__init__(more)
        self._classifier = Classifier.load(folder)
        unknown = sorted(set(self._classifier.labels) - set(self.labels))
        if unknown:
            raise DataError(f"The classifier in {folder} knows '{unknown[0]}', which is no intent of this assistant.")

    def scores(self, text: str) -> dict[str, float]:
        """intent -> probability; 0 for one the classifier was not shown."""
        _, chance_1C = self._classifier.predict([text[:500]])
        return dict.fromkeys(self.labels, 0.0) | dict(zip(self._classifier.labels, chance_1C[0].tolist(), strict=True))


@functools.cache
def shipped() -> Intents:
    """The classifier of the templates alone, made once in a process (it does not change)."""
    return Intents()


def features(text: str) -> np.ndarray:
    """A unit vector (WIDTH,): stems, pairs of stems, and letter 4-grams at half weight (they forgive typos)."""
    text = EMAIL.sub(" email ", ORDER_NUMBER.sub(" ordernumber ", text[:500]))
    words = [stem(word) for _, _, word in tokens(text)]
    vector_F = np.zeros(WIDTH, dtype=np.float32)
    for word in words:
        vector_F[_place("w" + word)] += 1.0
        padded = f"<{word}>"
        for start in range(len(padded) - 3):
            vector_F[_place("c" + padded[start : start + 4])] += 0.5
    for first, second in zip(["^", *words], [*words, "$"], strict=True):
        vector_F[_place(f"p{first} {second}")] += 0.7
    length = float(np.linalg.norm(vector_F))
    return vector_F / length if length > 0 else vector_F


def _place(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "replace")) % WIDTH
