"""A quality score learned from the user's own examples of good and bad text.

The way of GPT-3 (Brown et al. 2020, appendix A) and DCLM (Li et al. 2024): a linear classifier on hashed n-grams. It is
trained when the stage starts and handed to all workers; the score, a probability, is written to `meta.quality_score`,
where "duplicates" also uses it to choose the best copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.options import CleanOptions
from groundup.clean.outside import texts_of
from groundup.core.document import Document, Dropped
from groundup.core.errors import DataError
from groundup.language.linear import HashedLinear

if TYPE_CHECKING:
    from groundup.clean.base import Arrays

MAX_EXAMPLES = 20_000  # of each label: learned in minutes, and a linear model of this size has seen enough. Taste
JUDGED = 5000  # characters: a page shows its quality early, and books must not cost minutes. Taste
MIN_EXAMPLES = 5


@STEPS.register("score")
class Score(Step):
    """Drops documents below `min_score` as "low_score"; code is not judged."""

    name = "score"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.score
        self.model: HashedLinear | None = None

    def settle(self) -> Arrays:
        if not self.options.good:
            return {}  # only outside a recipe, which must name examples (`options`)
        return trained(self.options.good, self.options.bad, "clean.score")

    def adopt(self, decision: Arrays) -> None:
        self.model = opened(decision)

    def apply(self, document: Document) -> Document | Dropped:
        if kind_of(document) == "code" or self.model is None:
            return document
        score = round(probability(self.model, document.text), 4)
        if score < self.options.min_score:
            return self.drop(document, "low_score", f"{score:.2f}")
        return document.with_text(document.text, meta={**document.meta, "quality_score": score})


def trained(wanted: Sequence[str], others: Sequence[str], option: str) -> Arrays:
    """Weights of a classifier that tells the texts of `wanted` from those of `others`; DataError for too few."""
    sides: dict[str, list[str]] = {}
    for label, places in (("yes", wanted), ("no", others)):
        found = [text[:JUDGED] for text, _ in zip(texts_of(places, option), range(MAX_EXAMPLES), strict=False)]
        if len(found) < MIN_EXAMPLES:
            raise DataError(
                f"{option}: {', '.join(places)} hold {len(found)} examples, at least {MIN_EXAMPLES} are needed.",
                repair="Add more files, or a table with one example a row.",
            )
        sides[label] = found
    # Who saw one side nine times as often calls everything that; so the rarer side comes as often as the other
    longest = max(map(len, sides.values()))
    examples = [(text, label) for label, found in sides.items() for text in found * (longest // len(found))]
    model = HashedLinear(("yes", "no")).fit([text for text, _ in examples], [label for _, label in examples])
    return {"weights": model.weights_HC, "bias": model.bias_C}


def opened(decision: Arrays) -> HashedLinear | None:
    """The classifier of `trained` again."""
    if not decision:
        return None
    model = HashedLinear(("yes", "no"))
    model.weights_HC, model.bias_C = decision["weights"], decision["bias"]
    return model


def probability(model: HashedLinear, text: str) -> float:
    """How likely a text is one of the wanted ones."""
    return float(model.probabilities([text[:JUDGED]])[0, 0])
