"""Tasks of reading: which words of the text answer the question, or does it say nothing? (SQuAD 1 and 2)

A span reader (finetune, method = "qa") marks them; a language model writes them. Exact match and token F1 as SQuAD
counts them, against the best of several right answers; no answer is the empty text.
Rivals: a sliding window (Richardson et al. 2013) and never answering.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, mean_of
from groundup.evaluate.baselines import answering
from groundup.evaluate.subject import Subject
from groundup.finetune.prompts import NO_ANSWER
from groundup.metrics.answers import exact_match, normalize_answer, token_f1

MOST_WORDS = 5  # of a candidate answer; three quarters of SQuAD's are no longer (taste)
# Words that neither begin an answer nor belong to one; English, the most frequent ones.
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for from had has have he her his in is it its not of on or she so than that the "
        "their they this to was were which who will with",
    )
)
_WORD = re.compile(r"\w+(?:[-'.,]\w+)*")


@dataclass(frozen=True)
class SpanTask:
    """Mark or write the answer. Items carry all right answers in meta["answers"]; none: the text holds no answer."""

    name: str
    read: Callable[[Data, str], list[Item]]
    max_tokens: int
    kind: Kind = "generation"
    metrics: tuple[Metric, ...] = (mean_of("exact_match"), mean_of("token_f1"))
    answered_by: tuple[str, ...] = ("", "qa", "encoder_decoder")

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """Neither learns anything."""
        return (answering("sliding window", sliding_window), answering("no answer", never))

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """Exact match and F1 against the best right answer; refusing is right where there is none."""
        answers = item.meta["answers"] or [""]
        given = "" if normalize_answer(answer) == normalize_answer(NO_ANSWER) else answer
        return {"exact_match": exact_match(answers, given), "token_f1": token_f1(answers, given)}

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Let the span reader mark, or the language model write."""
        if subject.head == "qa":
            from groundup.finetune.spans import SpanReader

            reader = SpanReader(subject.bundle)
            given = [
                (f"{item.question}\n\n{item.text}", reader.answer(item.question, item.text).text) for item in items
            ]
        else:
            given = subject.write(items, shots, self.max_tokens)
        return [
            Outcome(item, prompt, answer, self.mark(item, answer))
            for item, (prompt, answer) in zip(items, given, strict=True)
        ]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        if subject.head == "qa":
            return "span marked by a head, 0-shot"
        shown = "chat template" if subject.chat else "plain text"
        shown = "from the source" if subject.kind == "encoder_decoder" else shown
        return f"generation, greedy, at most {self.max_tokens} tokens, {shown}, {shots}-shot"


def never(train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
    """Always the empty answer."""
    return [""] * len(asked)


def sliding_window(train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
    """The candidate around which the question's words stand closest: the best window of the text that holds it, a
    word counting log(1 + 1 / its count in the text), less its distance to the nearest of them as a share of the text
    (after Richardson et al. 2013, algorithms 1 and 2; the candidate's own words, equal in number there, do not count).

    Candidates, which multiple choice gives and SQuAD does not: runs of up to five words that are neither function
    words nor the question's; a run ends at punctuation.
    """
    return [_slide(item.question, item.text) for item in asked]


def _slide(question: str, text: str) -> str:
    matches = list(_WORD.finditer(text))
    words = [match.group().lower() for match in matches]
    counts = Counter(words)
    spoken = [word.lower() for word in _WORD.findall(question)]
    asked = set(spoken) - FUNCTION_WORDS
    weights = [math.log(1 + 1 / counts[word]) if word in asked else 0.0 for word in words]
    near = [place for place, word in enumerate(words) if word in asked]
    best, found = -math.inf, ""
    for first, last in _candidates(text, matches, words, asked):
        size = len(spoken) + last - first + 1
        starts = range(max(0, last + 1 - size), first + 1)
        closest = max(math.fsum(weights[start : start + size]) for start in starts)
        distance = min((abs(place - first) for place in near), default=len(words)) / len(words)
        if closest - distance > best:
            best, found = closest - distance, text[matches[first].start() : matches[last].end()]
    return found


def _candidates(
    text: str, matches: Sequence[re.Match[str]], words: Sequence[str], asked: set[str]
) -> list[tuple[int, int]]:
    """(first, last) of the longest runs of candidate words, at most MOST_WORDS long."""
    runs: list[tuple[int, int]] = []
    start = -1
    for place, word in enumerate(words):
        fits = word not in FUNCTION_WORDS and word not in asked
        joined = start >= 0 and not text[matches[place - 1].end() : matches[place].start()].strip()
        if start >= 0 and (not fits or not joined or place - start >= MOST_WORDS):
            runs.append((start, place - 1))
            start = -1
        if fits and start < 0:
            start = place
    return [*runs, (start, len(words) - 1)] if start >= 0 else runs
