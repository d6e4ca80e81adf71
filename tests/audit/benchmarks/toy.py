"""A model whose opinion of any text is a Python function, and a look at a folder of rows through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from groundup.audit.base import Finding, Look
from groundup.audit.options import AuditOptions
from groundup.audit.stage import check_of
from groundup.evaluate.subject import Subject
from tests.evaluate.bigram_engine import CharacterTokenizer, Scored


class OpinionEngine:
    """The log-probability of a text after a context is what `opinion(context, text)` says, spread over its characters."""

    def __init__(self, opinion: Callable[[str, str], float]) -> None:
        self.tokenizer, self.context_length, self.opinion = CharacterTokenizer(), 4000, opinion

    def score(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[Scored]:
        found = []
        for context, ending in pairs:
            before, text = self.tokenizer.decode(context), self.tokenizer.decode(ending)
            value = self.opinion(before, text)
            found.append(Scored(value, len(ending), len(text.encode()), False, [value / len(ending)] * len(ending)))
        return found


def uniform(context: str, text: str) -> float:
    """Every character is as likely as any other."""
    return -3.0 * len(text)


def look(folder: Path, opinion: Callable[[str, str], float] = uniform) -> Look:
    engine = OpinionEngine(opinion)
    subject = Subject(engine, engine.tokenizer, engine.context_length)
    return Look(subject, {}, AuditOptions(data=str(folder)), 1)


def run(name: str, folder: Path, opinion: Callable[[str, str], float] = uniform) -> dict[str, Finding]:
    return {found.name: found for found in check_of(name)(look(folder, opinion))}
