"""Simple rivals: what a score is worth is seen beside what no model at all would get on the same items.

Each answers from words alone and is marked by the task's own function.

    majority          the most frequent right answer of the training items
    question only     the same, among training questions that begin alike: shows what the question gives away
    bag of words      logistic regression on hashed n-grams (`language.linear`)
    lead-1, lead-3    the first sentence, or three, of the text (news summarization's classics)
    word overlap      the sentence of the text that shares the rarest words with the question
    BM25              the choice whose words fit the question best (Robertson & Zaragoza 2009)
    longest choice    what exam takers do who know nothing
    most repeated word    of a passage, for its last word (LAMBADA)
    word by word      each word's most frequent partner in the training pairs (Dice coefficient)
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from groundup.evaluate.base import Baseline, Item, Outcome, Task
from groundup.language.words import sentences, words

Answers = Callable[[Sequence[Item], Sequence[Item]], list[str] | None]

# Fewer training items than this teach a rival nothing worth comparing with. Taste.
FEWEST_TO_LEARN = 20
# BM25's saturation and length terms: the values of Robertson & Zaragoza 2009, section 3.
BM25_K1, BM25_B = 1.2, 0.75


def answering(name: str, answers: Answers) -> Baseline:
    """A baseline from a function that gives one answer text per asked item, or None."""

    def outcomes(task: Task, train: Sequence[Item], asked: Sequence[Outcome]) -> list[Outcome] | None:
        items = [outcome.item for outcome in asked]
        given = answers(train, items)
        if given is None:
            return None
        return [Outcome(item, "", text, task.mark(item, text)) for item, text in zip(items, given, strict=True)]

    return Baseline(name, outcomes)


def majority(train: Sequence[Item], asked: Sequence[Item]) -> list[str] | None:
    """The most frequent gold answer, ties by the alphabet."""
    if len(train) < FEWEST_TO_LEARN:
        return None
    return [_most_frequent(Counter(item.gold for item in train))] * len(asked)


def question_only(train: Sequence[Item], asked: Sequence[Item]) -> list[str] | None:
    """The most frequent answer among training questions with the longest beginning in common."""
    if len(train) < FEWEST_TO_LEARN:
        return None
    by_beginning: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for item in train:
        spoken = _lower(item.question)
        for length in range(len(spoken) + 1):
            by_beginning[tuple(spoken[:length])][item.gold] += 1
    given = []
    for item in asked:
        spoken = _lower(item.question)
        length = next(n for n in range(len(spoken), -1, -1) if tuple(spoken[:n]) in by_beginning)
        given.append(_most_frequent(by_beginning[tuple(spoken[:length])]))
    return given


def bag_of_words(train: Sequence[Item], asked: Sequence[Item]) -> list[str] | None:
    """Logistic regression over the single words of the text; gold answers are the labels."""
    from groundup.language.linear import HashedLinear

    labels = sorted({item.gold for item in train})
    if len(train) < FEWEST_TO_LEARN or len(labels) < 2:
        return None
    model = HashedLinear(labels, pairs=False)
    model.fit([item.text for item in train], [item.gold for item in train])
    return [str(label) for label in model.predict([item.text for item in asked])]


def lead_one(train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
    """The first sentence of each text."""
    return [_sentences(item.text)[0] for item in asked]


def lead_three(train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
    """The first three sentences of each text."""
    return [" ".join(_sentences(item.text)[:3]) for item in asked]


def word_overlap(train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
    """The sentence that shares most with the question, a shared word counting by its rarity in the text."""
    given = []
    for item in asked:
        parts = _sentences(item.text)
        rarity = _rarity([set(_lower(part)) for part in parts])
        wanted = set(_lower(item.question))
        given.append(max(parts, key=lambda part: sum(rarity[word] for word in wanted & set(_lower(part)))))
    return given


def bm25_choice(train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
    """The choice that BM25 ranks first for the question; the item's choices are the collection."""
    found = [bm25_scores(item, item.question or item.plain) for item in asked]
    return [item.choices[max(range(len(some)), key=some.__getitem__)] for item, some in zip(asked, found, strict=True)]


def bm25_scores(item: Item, question: str) -> list[float]:
    """BM25 of each of the item's choices for a question."""
    collection = [Counter(_lower(choice)) for choice in item.choices]
    rarity = _rarity([set(document) for document in collection])
    lengths = [document.total() for document in collection]
    mean_length = sum(lengths) / len(lengths) or 1.0
    asked = _lower(question)
    found = []
    for counts, length in zip(collection, lengths, strict=True):
        norm = BM25_K1 * (1 - BM25_B + BM25_B * length / mean_length)
        found.append(
            sum(rarity[word] * counts[word] * (BM25_K1 + 1) / (counts[word] + norm) for word in asked if counts[word])
        )
    return found


def longest_choice(train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
    """The longest choice, the first among equals."""
    return [max(item.choices, key=len) for item in asked]


def repeated_word(train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
    """The word of four letters or more that stands most often in the text, the last such one among equals."""
    given = []
    for item in asked:
        spoken = [word for word in words(item.text) if len(word) > 3 and word.isalpha()] or [""]
        given.append(max(reversed(spoken), key=Counter(spoken).__getitem__))
    return given


def word_by_word(train: Sequence[Item], asked: Sequence[Item]) -> list[str] | None:
    """Translate each word by its best partner in training pairs, in the order of the source.

    Partner of s: the target word t with the highest Dice coefficient 2 n(s, t) / (n(s) + n(t)), counted over pairs.
    """
    if len(train) < FEWEST_TO_LEARN:
        return None
    source_count: Counter[str] = Counter()
    target_count: Counter[str] = Counter()
    together: dict[str, Counter[str]] = defaultdict(Counter)
    for item in train:
        source, target = set(_lower(item.text)), set(_lower(item.gold))
        source_count.update(source)
        target_count.update(target)
        for word in source:
            together[word].update(target)

    def partner(word: str) -> str:
        if word not in together:
            return word
        return max(
            sorted(together[word]),
            key=lambda other: together[word][other] / (source_count[word] + target_count[other]),
        )

    return [" ".join(partner(word) for word in _lower(item.text)) for item in asked]


def _lower(text: str) -> list[str]:
    return [word.lower() for word in words(text)]


def _sentences(text: str) -> list[str]:
    """The sentences of a text; a text without any is one sentence."""
    return [text[start:end].strip() for start, end in sentences(text)] or [text.strip()]


def _rarity(documents: Sequence[set[str]]) -> dict[str, float]:
    """Word -> inverse document frequency, never negative: log(1 + (N - n + 0.5) / (n + 0.5))."""
    counts = Counter(word for document in documents for word in document)
    total = len(documents)
    return {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in counts.items()}


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda answer: (-counts[answer], answer))


MAJORITY = answering("majority", majority)
QUESTION_ONLY = answering("question only", question_only)
BAG_OF_WORDS = answering("bag of words", bag_of_words)
LEAD_ONE = answering("lead-1", lead_one)
LEAD_THREE = answering("lead-3", lead_three)
WORD_OVERLAP = answering("word overlap", word_overlap)
BM25 = answering("BM25", bm25_choice)
LONGEST_CHOICE = answering("longest choice", longest_choice)
WORD_BY_WORD = answering("word by word", word_by_word)
REPEATED_WORD = answering("most repeated word", repeated_word)
