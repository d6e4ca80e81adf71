"""Exercises made together with their key, so that the key cannot be wrong. The seed gives the same exercise again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from groundup.apps.search.passages import sentences
from groundup.apps.search.stem import STOP_WORDS, fold, stem, tokens
from groundup.apps.tutor.words import VOCABULARY
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


def vocabulary(seed: int, level: int = 1) -> Exercise:
    """A word that means the same (level 1) or the opposite (from level 2), among three of other entries."""
    random = python_random(seed, "vocabulary", level)
    third = len(VOCABULARY) // 3
    word, same, opposite = random.choice(VOCABULARY[(level - 1) * third :] if level > 1 else VOCABULARY[: 2 * third])
    key = same if level == 1 else opposite
    meant = "the same as" if level == 1 else "the opposite of"
    taken = {word, same, opposite}
    others = [entry[random.randrange(3)] for entry in VOCABULARY if not taken & set(entry)]
    choices = [key, *random.sample(sorted(set(others) - taken), NUM_CHOICES - 1)]
    random.shuffle(choices)
    question = f"Which word means {meant} '{word}'? ({', '.join(choices)})"
    return Exercise(question, key, f"'{key}' means {meant} '{word}'.", tuple(choices))


def comprehension(text: str, seed: int) -> Exercise:
    """Which sentence does the text say? The others are the same sentence with one telling word exchanged.

    DataError for a text without fitting sentences. The key stands in the text, the others do not: both are checked.
    """
    random = python_random(seed, "comprehension")
    flat = " ".join(text.split())
    words = sorted({word for _, _, word in tokens(text) if len(word) > 4 and word.isalpha() and word not in STOP_WORDS})
    found = []
    for span in sentences(text):
        sentence = " ".join(text[span.start : span.end].split())
        inside = [one for one in tokens(sentence) if one[2] in words]
        if 6 <= len(tokens(sentence)) <= 30 and inside and not sentence.startswith(("#", "-", "*")):
            found.append((sentence, inside))
    if not found or len(words) < 3 * NUM_CHOICES:
        raise DataError(
            "The text is too short for a question on it.", repair="Give a few paragraphs of whole sentences."
        )
    sentence, inside = random.choice(found)
    wrong: list[str] = []
    for other in random.sample(words, len(words)):
        start, end, word = random.choice(inside)
        made = sentence[:start] + other + sentence[end:]
        if stem(other) != stem(word) and made not in flat and made not in wrong:
            wrong.append(made)
        if len(wrong) == NUM_CHOICES - 1:
            break
    choices = [sentence, *wrong]
    random.shuffle(choices)
    listed = "\n".join(f"{letter}) {choice}" for letter, choice in zip("abcd", choices, strict=False))
    key = "abcd"[choices.index(sentence)]
    return Exercise(
        f"Which of these does the text say? Answer with the letter.\n{listed}",
        key,
        f"The text says: {sentence}",
        tuple(choices),
    )


def steps(exercise: Exercise, level: int) -> str:
    """The explanation of an arithmetic exercise at a level: 1 in small steps, 2 in one line, 3 with a check."""
    match = re.fullmatch(r"(?:\()?(\d+) ([-+*:]) (\d+)(?:\) \* (\d+))? = (\d+)", exercise.explanation)
    if match is None or level == 2:
        return exercise.explanation
    a, sign, b, more, value = int(match[1]), match[2], int(match[3]), match[4], int(match[5])
    first = {"+": a + b, "-": a - b, "*": a * b, ":": a // b}[sign]
    words = {
        "+": f"Start at {a} and count {b} further",
        "-": f"Start at {a} and go {b} back",
        "*": f"Take {a} lots of {b}",
        ":": f"Share {a} among {b}",
    }[sign]
    if level == 1:
        then = f" Then take that {more} times: {value}." if more else ""
        return f"{words}: that makes {first}.{then} ({exercise.explanation})"
    undone = {
        "+": f"{first} - {b} = {a}",
        "-": f"{first} + {b} = {a}",
        "*": f"{first} : {b} = {a}",
        ":": f"{first} * {b} = {a}",
    }[sign]
    return f"{exercise.explanation}. Check it backwards: {undone}" + (
        f" and {value} : {more} = {first}." if more else "."
    )
