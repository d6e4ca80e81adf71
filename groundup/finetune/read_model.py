"""Open a tuned folder as what it is: a model with a head reads a text and gives labels, spans or a number, not prose.

    reader = open_reader(folder)      None: the folder holds a language model; let it write
    reader.read("A lovely film.")     {"label": "good", "probabilities": {...}}

For the command (`groundup generate FOLDER --text TEXT`), the server and Python; evaluation has its own tasks for the
same heads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.core.errors import UsageError
from groundup.generate.purpose import HEADS, kind_of
from groundup.model import bundle as bundles

WRITER = "write"  # an encoder-decoder: it reads the text and writes another
SHOWN_LABELS = 5  # of many; taste


@dataclass(frozen=True)
class Reader:
    """A model that reads. kind: a key of `generate.purpose.HEADS`, or "write"."""

    kind: str
    _read: Callable[[str, str], dict[str, Any]]

    def read(self, text: str, *, question: str = "") -> dict[str, Any]:
        """What the model makes of a text, as plain values. question: a span reader's, or what a reward model's text
        answers; UsageError when it is missing there."""
        if self.kind in ("qa", "reward") and not question.strip():
            raise UsageError(
                f"A {HEADS[self.kind]} needs a question beside the text.",
                repair="From the command: --question TEXT; from Python: reader.read(text, question=...)",
            )
        return self._read(text, question)


def open_reader(folder: Path | str, device: str = "auto") -> Reader | None:
    """The reader in a model folder; None when it holds a language model alone."""
    folder = Path(folder)
    kind = kind_of(folder)
    config = bundles.load_config(folder)
    if not kind and config.family == "encoder_decoder":
        kind = WRITER
    if kind not in _OPENERS:
        return None
    return Reader(kind, _OPENERS[kind](bundles.load(folder, device=device)))


def in_words(found: dict[str, Any]) -> str:
    """What `Reader.read` gave, in a line or some, for people."""
    if "probabilities" in found:
        shares = sorted(found["probabilities"].items(), key=lambda pair: -pair[1])
        rest = [f"{label} {share:.0%}" for label, share in shares[1:SHOWN_LABELS]]
        return f"{found['label']} {shares[0][1]:.0%}" + (f"   ({', '.join(rest)})" if rest else "")
    if "answer" in found:
        place = f"characters {found['start']} to {found['end']}"
        return f"{found['answer']}   ({place})" if found["answer"] else "no answer in the text"
    if "spans" in found:
        spans = [f"{one['label']}: {one['text']}   ({one['start']} to {one['end']})" for one in found["spans"]]
        return "\n".join(spans) or "no spans"
    return f"reward {found['reward']:.4f}" if "reward" in found else found["text"] or "(an empty text)"


def _classifier(bundle: bundles.Bundle) -> Callable[[str, str], dict[str, Any]]:
    from groundup.core.example import Example
    from groundup.finetune.classify import Classifier
    from groundup.finetune.selecting import LABELS, select

    classifier = Classifier(bundle)
    if tuple(classifier.labels) == LABELS:
        return lambda text, question: {"text": select(text, lambda rows: classifier.predict(rows)[1])}

    def read(text: str, question: str) -> dict[str, Any]:
        labels, probabilities_NC = classifier.predict(
            [classifier.text_of(Example("read", text=text, question=question))]
        )
        shares = dict(zip(classifier.labels, probabilities_NC[0].tolist(), strict=True))
        return {"label": labels[0], "probabilities": shares}

    return read


def _span_reader(bundle: bundles.Bundle) -> Callable[[str, str], dict[str, Any]]:
    from groundup.finetune.spans import SpanReader

    reader = SpanReader(bundle)

    def read(text: str, question: str) -> dict[str, Any]:
        found = reader.answer(question, text)
        return {"answer": found.text, "start": found.start, "end": found.end, "margin": found.margin}

    return read


def _tagger(bundle: bundles.Bundle) -> Callable[[str, str], dict[str, Any]]:
    from groundup.finetune.tag import Tagger

    tagger = Tagger(bundle)
    return lambda text, question: {"spans": [vars(span) for span in tagger.tag(text)]}


def _reward(bundle: bundles.Bundle) -> Callable[[str, str], dict[str, Any]]:
    from groundup.finetune.reward import RewardModel

    judge = RewardModel(bundle)
    return lambda text, question: {"reward": float(judge.reward([{"role": "user", "content": question}], [text])[0])}


def _writer(bundle: bundles.Bundle) -> Callable[[str, str], dict[str, Any]]:
    from groundup.finetune.text_step import Writer

    writer = Writer(bundle)
    return lambda text, question: {"text": writer.write([f"{text}\n\n{question}".strip()])[0]}


_OPENERS: dict[str, Callable[[bundles.Bundle], Callable[[str, str], dict[str, Any]]]] = {
    "classify": _classifier,
    "qa": _span_reader,
    "tag": _tagger,
    "reward": _reward,
    WRITER: _writer,
}
