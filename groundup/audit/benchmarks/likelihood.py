"""Log-probabilities of whole sentences and of candidates after a context, in one batch each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groundup.evaluate.subject import Subject


def score_sentences(subject: Subject, sentences: Sequence[str]) -> list[Any]:
    """`Scored` of each sentence from nothing: every token is judged after <|endoftext|> and the words before it."""
    return subject.score([subject.pair("", sentence) for sentence in sentences])


def score_candidates(subject: Subject, questions: Sequence[tuple[str, Sequence[str]]]) -> list[list[Any]]:
    """`Scored` of each candidate after its context; a candidate is written with a space before it."""
    pairs = [subject.pair(context, f" {one}") for context, candidates in questions for one in candidates]
    scored = iter(subject.score(pairs))
    return [[next(scored) for _ in candidates] for _, candidates in questions]
