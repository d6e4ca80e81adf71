"""Intents of any company, learned from examples, and the doubt that says: this is none of them.

Least squares on one side against all others (Rifkin and Lippert 2007) over hashed words and letter pieces, and over
MiniLM's vectors where that encoder is installed. What is out of scope is told by the best score and its lead over the
second; the threshold is set on examples that say so (Larson et al. 2019, CLINC150).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.apps.search.dense import Encoder
from groundup.apps.search.stem import stem, tokens
from groundup.core.errors import DataError

OUTSIDE = "oos"  # CLINC150's name for a message that is no intent
WIDTH = 1 << 12
RIDGE = 1.0  # on unit vectors; on CLINC150's development part .3 to 3 differ by less than .005
DENSE_SHARE = 0.7  # of the squared length of the joined vector, where there is an encoder; taste: meaning over wording


@dataclass(frozen=True)
class Scoped:
    """The best intent, its doubt-free score, and whether it is taken for one at all."""

    intent: str
    score: float
    inside: bool


class ScopedIntents:
    """A classifier over the intents of the examples it was fitted on."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        self.encoder = encoder
        self.labels: list[str] = []
        self.threshold = -np.inf
        self._weights_FC = np.zeros((0, 0), dtype=np.float32)

    def fit(self, texts: Sequence[str], intents: Sequence[str]) -> ScopedIntents:
        """Learn; examples named OUTSIDE are held apart, for `tune`."""
        inside = [(text, intent) for text, intent in zip(texts, intents, strict=True) if intent != OUTSIDE]
        self.labels = sorted({intent for _, intent in inside})
        if len(self.labels) < 2:
            raise DataError("Intents need examples of two at least.")
        places = {label: place for place, label in enumerate(self.labels)}
        x_NF = self._features([text for text, _ in inside])
        y_NC = np.zeros((len(inside), len(self.labels)), dtype=np.float32)
        y_NC[np.arange(len(inside)), [places[intent] for _, intent in inside]] = 1.0
        # The smaller of the two systems: as many unknowns as examples, or as features.
        if len(inside) < x_NF.shape[1]:
            kernel_NN = x_NF @ x_NF.T
            kernel_NN[np.diag_indices_from(kernel_NN)] += RIDGE
            self._weights_FC = x_NF.T @ np.linalg.solve(kernel_NN, y_NC)
        else:
            gram_FF = x_NF.T @ x_NF
            gram_FF[np.diag_indices_from(gram_FF)] += RIDGE
            self._weights_FC = np.linalg.solve(gram_FF, x_NF.T @ y_NC)
        return self

    def tune(self, texts: Sequence[str], intents: Sequence[str]) -> float:
        """Set the threshold where the mean of in-scope accuracy and out-of-scope recall is best; returns it."""
        scores_NC = self.scores(texts)
        sure_N, best_N = self._sure(scores_NC), scores_NC.argmax(1)
        outside_N = np.array([intent == OUTSIDE for intent in intents])
        right_N = np.array([self.labels[place] == intent for place, intent in zip(best_N, intents, strict=True)])
        if not outside_N.any() or outside_N.all():
            raise DataError("Setting the threshold needs messages inside and outside the intents.")

        def value(bar: float) -> float:
            return float((right_N & (sure_N >= bar))[~outside_N].mean() + (sure_N < bar)[outside_N].mean())

        self.threshold = max(np.quantile(sure_N, np.linspace(0, 0.6, 121)), key=value)
        return float(self.threshold)

    def guess(self, texts: Sequence[str]) -> list[Scoped]:
        """The intent of each message."""
        scores_NC = self.scores(texts)
        sure_N = self._sure(scores_NC)
        return [
            Scoped(self.labels[int(row.argmax())], float(sure), bool(sure >= self.threshold))
            for row, sure in zip(scores_NC, sure_N, strict=True)
        ]

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """(N, C): the score of every intent."""
        return np.asarray(self._features(texts) @ self._weights_FC)

    @staticmethod
    def _sure(scores_NC: np.ndarray) -> np.ndarray:
        two_N2 = np.sort(scores_NC, axis=1)[:, -2:]
        return np.asarray(two_N2[:, 1] + 0.5 * (two_N2[:, 1] - two_N2[:, 0]))

    def _features(self, texts: Sequence[str]) -> np.ndarray:
        x_NF = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for place, text in enumerate(texts):
            for name, weight in _pieces(text[:500]):
                x_NF[place, zlib.crc32(name.encode("utf-8", "replace")) % WIDTH] += weight
        x_NF /= np.linalg.norm(x_NF, axis=1, keepdims=True).clip(1e-6)
        if self.encoder is None:
            return x_NF
        dense_ND = self.encoder.encode(list(texts))
        joined = (x_NF * np.float32(np.sqrt(1 - DENSE_SHARE)), dense_ND * np.float32(np.sqrt(DENSE_SHARE)))
        return np.concatenate(joined, axis=1)


def _pieces(text: str) -> list[tuple[str, float]]:
    """Stems, pairs of words and letter pieces, with their weights."""
    words = [word for _, _, word in tokens(text)]
    stems = [stem(word) for word in words]
    found = [(f"w{one}", 1.0) for one in stems]
    found += [(f"p{a} {b}", 0.7) for a, b in zip(["^", *stems], [*stems, "$"], strict=True)]
    for word in words:
        padded = f"<{word}>"
        found += [(f"c{padded[place : place + 4]}", 0.35) for place in range(max(1, len(padded) - 3))]
    return found
