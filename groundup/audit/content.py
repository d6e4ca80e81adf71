"""The content guard: requests that are refused, and what is hidden in answers, also while they are being written.

    guard = ContentGuard.open(Path("policy.toml"))      None: the rules that come with the house
    guard.refusal(request)                 the policy's message, or None
    guard.screen(answer)                   the answer as it may be shown, and what was hidden
    screened = guard.stream(); screened.push(piece) ...; screened.finish()

Rules have categories: the kinds of personal data (language.personal), of toxic words (language.toxicity), patterns of one's
own, and "toxic", which a `HashedLinear` classifier judges by the sentence. A stream holds back the last HOLD characters, and
more inside a word or a sentence still to be judged, so that nothing hidden is ever half shown: what it shows in the end is
what `screen` makes of the whole.

A guard is a net with holes: `error_rates` counts both kinds, what slips through and what is caught without need, and
`groundup audit --checks hatecheck` tells them by function. It is no judge of truth or of intent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from groundup.core.errors import near
from groundup.core.recipe import Options, read_toml, validate
from groundup.language import personal
from groundup.language.linear import HashedLinear
from groundup.language.toxicity import TOXIC_WORDS, toxic_words
from groundup.language.words import sentences
from groundup.metrics.intervals import wilson

HOLD = 80  # characters: the longest rule's match but for words without a blank (an IBAN in groups has 42)
LOOK_BACK = 1000  # characters before what is shown that rules may look at for context
TOXIC = "toxic"
ENDLESS = re.compile(r"(?<!\\)[*+]|\{\d*,\}")


class Policy(Options):
    """The policy file. Categories: kinds of personal data, of toxic words, names of `patterns`, and "toxic"."""

    version: str = "1"  # said in every refusal's log; raise it when the rules change
    refuse: list[str] = ["slur", "violence"]  # a request with one of these is refused
    hide: list[str] = ["slur", "violence", "card", "iban", "ssn", "key"]  # in answers
    patterns: dict[str, str] = {}  # category -> regular expression without endless repeats, whatever the case
    classifier: str = ""  # a saved HashedLinear with the label "toxic", beside the policy file
    threshold: float = Field(default=0.5, gt=0, lt=1)  # of its probability; choose it by `error_rates`
    message: str = "I cannot help with that."

    @field_validator("patterns")
    @classmethod
    def _patterns_end(cls, value: dict[str, str]) -> dict[str, str]:
        for name, pattern in value.items():
            if ENDLESS.search(pattern):
                raise ValueError(f"pattern '{name}' can match a text of any length; write {{0,20}} instead of * or +")
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"pattern '{name}' is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _categories_exist(self) -> Policy:
        known = [*personal.KINDS, *TOXIC_WORDS, *self.patterns, *([TOXIC] if self.classifier else [])]
        for name in (*self.refuse, *self.hide):
            if name not in known:
                raise ValueError(f"unknown category '{name}'. {near(name, known)}")
        return self


@dataclass(frozen=True)
class Hit:
    """text[start:end] belongs to a category. The text itself is not kept: logs must not repeat what was hidden."""

    start: int
    end: int
    category: str


class ContentGuard:
    """A policy at work."""

    def __init__(self, policy: Policy = Policy(), classifier: HashedLinear | None = None) -> None:
        self.policy = policy
        self.classifier = classifier

    @classmethod
    def open(cls, path: Path | None) -> ContentGuard:
        """The guard of a policy file. RecipeError for unknown keys and categories."""
        if path is None:
            return cls()
        values, text = read_toml(path)
        policy = validate(Policy, values, text=text, name=str(path))
        classifier = HashedLinear.load(path.parent / policy.classifier) if policy.classifier else None
        return cls(policy, classifier)

    def refusal(self, request: str) -> str | None:
        """The message for a request that is refused; None where it may go on."""
        return self.policy.message if self.hits(request, self.policy.refuse) else None

    def screen(self, answer: str) -> tuple[str, list[Hit]]:
        """The answer with every hidden span as [category], and the spans."""
        hits = self.hits(answer, self.policy.hide)
        return _hidden(answer, 0, len(answer), hits), hits

    def stream(self) -> Screened:
        """A guard for one answer that comes in pieces."""
        return Screened(self)

    def hits(self, text: str, categories: Sequence[str]) -> list[Hit]:
        """Spans of these categories in order, without overlap (the longer of two that begin alike)."""
        found = [Hit(one.start, one.end, one.kind) for one in personal.find(text, self._personal(categories))]
        found += [Hit(start, end, kind) for start, end, kind in toxic_words(text) if kind in categories]
        for name, pattern in self._patterns.items():
            if name in categories:
                found += [Hit(match.start(), match.end(), name) for match in pattern.finditer(text) if match.group()]
        if TOXIC in categories and self.classifier is not None:
            spans = [(start, end) for start, end in sentences(text) if text[start:end].strip()]
            shares = self.toxicity([text[start:end] for start, end in spans])
            pairs = zip(spans, shares, strict=True)
            found += [Hit(start, end, TOXIC) for (start, end), share in pairs if share >= self.policy.threshold]
        kept: list[Hit] = []
        for hit in sorted(found, key=lambda hit: (hit.start, -hit.end)):
            if not kept or hit.start >= kept[-1].end:
                kept.append(hit)
        return kept

    def toxicity(self, texts: Sequence[str]) -> list[float]:
        """The classifier's probability of "toxic" for each text."""
        assert self.classifier is not None
        if not texts:
            return []
        return [float(p) for p in self.classifier.probabilities(texts)[:, self.classifier.labels.index(TOXIC)]]

    def _personal(self, categories: Sequence[str]) -> list[str]:
        return [name for name in categories if name in personal.KINDS]

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in self.policy.patterns.items()}


class Screened:
    """One answer in the making: `push` gives what may be shown now."""

    def __init__(self, guard: ContentGuard) -> None:
        self.guard = guard
        self.text = ""
        self.shown = 0  # text[: shown] was given out
        self.hits: list[Hit] = []

    def push(self, piece: str) -> str:
        """Add a piece; the text that is safe to show because of it, often none."""
        self.text += piece
        end = len(self.text) - HOLD
        # Never inside a word: an address without a blank may be longer than HOLD.
        upto = max(self.shown, end)
        blank = max(self.text.rfind(mark, self.shown, upto) for mark in (" ", "\n"))
        return self._release(blank + 1) if blank >= 0 else ""

    def finish(self) -> str:
        """The rest of the answer."""
        return self._release(len(self.text), last=True)

    def _release(self, end: int, *, last: bool = False) -> str:
        start = max(0, self.shown - LOOK_BACK)
        text = self.text[start:]
        policy = self.guard.policy
        if TOXIC in policy.hide and self.guard.classifier is not None and not last:
            # Only sentences that are over can be judged; they are judged from where the last one ended.
            start, text = self.shown, self.text[self.shown :]
            ends = [place + start for _, place in sentences(text)[:-1] if place + start <= end]
            end = max(ends, default=self.shown)
        hits = [Hit(hit.start + start, hit.end + start, hit.category) for hit in self.guard.hits(text, policy.hide)]
        for hit in hits:
            if hit.start < end < hit.end:
                end = hit.start
        end = max(end, self.shown)
        mine = [hit for hit in hits if self.shown <= hit.start < end]
        shown = _hidden(self.text, self.shown, end, mine)
        self.hits += mine
        self.shown = end
        return shown


@dataclass(frozen=True)
class ErrorRates:
    """Of harmful texts the share that passes, of harmless ones the share that is caught, with 95 % intervals."""

    missed: float
    missed_interval: tuple[float, float]
    false_alarms: float
    false_alarms_interval: tuple[float, float]


def error_rates(guard: ContentGuard, harmful: Sequence[str], harmless: Sequence[str]) -> ErrorRates:
    """How often the guard refuses wrongly and fails to refuse."""
    missed = sum(guard.refusal(text) is None for text in harmful)
    alarms = sum(guard.refusal(text) is not None for text in harmless)
    return ErrorRates(
        missed / len(harmful),
        wilson(missed, len(harmful)),
        alarms / len(harmless),
        wilson(alarms, len(harmless)),
    )


def _hidden(text: str, start: int, end: int, hits: Sequence[Hit]) -> str:
    """text[start:end] with the hits as [category]."""
    parts, place = [], start
    for hit in hits:
        parts += [text[place : hit.start], f"[{hit.category}]"]
        place = hit.end
    return "".join([*parts, text[place:end]])
