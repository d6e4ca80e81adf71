"""Exercises made together with their key, so that the key cannot be wrong. The seed gives the same exercise again."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.apps.search.passages import sentences
from groundup.apps.search.stem import STOP_WORDS, fold, stem, tokens
from groundup.core.errors import DataError
from groundup.core.randomness import python_random

LARGEST = {1: 19, 2: 99, 3: 20}  # operands by level; level 3 has two steps
NUM_CHOICES = 4


@dataclass(frozen=True)
class Exercise:
    """A question and its one right answer; choices are () where the answer is free."""

    question: str
    key: str
    explanation: str
    choices: tuple[str, ...] = ()

    def is_right(self, answer: str) -> bool:
        """Whether an answer is the key, whatever its case, spaces and full stop."""
        return " ".join(fold(answer).strip(" .!").split()) == fold(self.key)


def arithmetic(seed: int, level: int = 1) -> Exercise:
    """Addition, subtraction (never below zero), multiplication, division (never with a rest); level 3: two steps."""
    random = python_random(seed, "arithmetic", level)
    largest = LARGEST[level]
    kind = random.choice("+-*:")
    first, second = random.randint(2, largest), random.randint(2, min(largest, 12) if kind in "*:" else largest)
    if kind == "+":
        text, value = f"{first} + {second}", first + second
    elif kind == "-":
        first, second = max(first, second), min(first, second)
        text, value = f"{first} - {second}", first - second
    elif kind == "*":
        text, value = f"{first} * {second}", first * second
    else:
        text, value = f"{first * second} : {second}", first
    if level == 3:
        more = random.randint(2, 9)
        text, value = f"({text}) * {more}", value * more
    return Exercise(f"What is {text}?", str(value), f"{text} = {value}")


def cloze(text: str, seed: int) -> Exercise:
    """A sentence of the text with one telling word taken out, and three other words of the text to choose from.

    DataError when the text has no sentence of 6 to 30 words with a word that occurs in it once.
    """
    random = python_random(seed, "cloze")
    counts: dict[str, int] = {}
    for _, _, word in tokens(text):
        counts[word] = counts.get(word, 0) + 1
    telling = [word for word in counts if len(word) > 3 and word.isalpha() and word not in STOP_WORDS]
    found = []
    for span in sentences(text):
        sentence = text[span.start : span.end]
        words = tokens(sentence)
        once = [one for one in words if one[2] in telling and [two[2] for two in words].count(one[2]) == 1]
        if 6 <= len(words) <= 30 and once and not sentence.startswith("#") and "\n" not in sentence:
            found.append((sentence, once))
    if not found or len(telling) < 2 * NUM_CHOICES:
        raise DataError(
            "The text is too short for a cloze exercise.", repair="Give a few paragraphs of whole sentences."
        )
    sentence, once = random.choice(found)
    start, end, word = min(once, key=lambda one: (counts[one[2]], -len(one[2]), one[0]))
    inside = {stem(one[2]) for one in tokens(sentence)}
    others = sorted((one for one in telling if stem(one) not in inside), key=lambda one: abs(len(one) - len(word)))[:12]
    choices = [word, *random.sample(others, NUM_CHOICES - 1)]
    random.shuffle(choices)
    question = f"Which word is missing? {sentence[:start]}____{sentence[end:]}  ({', '.join(choices)})"
    return Exercise(question, word, f"The sentence was: {sentence}", tuple(choices))
