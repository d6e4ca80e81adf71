"""What a model learned of the small world of `samples:stories`, on stories it has not seen.

    stories_answers       questions about one fact: exact match, token F1
    stories_sentiment     does it end well: accuracy, macro F1
    stories_summaries     one sentence: ROUGE-1, ROUGE-2, ROUGE-L
    stories_translation   into the second language: BLEU

Base models are asked in the words of the pretraining documents ("Question: ... Answer:"), tuned ones in the words
of the tuning examples, through the chat template.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from groundup.core.errors import DataError
from groundup.core.example import Example, read_examples
from groundup.core.split import split_of
from groundup.evaluate.base import Data, Item, Metric, Outcome, mean_of, tasks
from groundup.evaluate.baselines import (
    BAG_OF_WORDS,
    LEAD_ONE,
    MAJORITY,
    QUESTION_ONLY,
    WORD_BY_WORD,
    WORD_OVERLAP,
)
from groundup.evaluate.generation import GenerationTask
from groundup.evaluate.whole_set import BLEU
from groundup.finetune.prompts import messages_of
from groundup.metrics.answers import exact_match, normalize_answer, token_f1
from groundup.metrics.classification import precision_recall_f1
from groundup.metrics.summary_overlap import rouge

SOURCE = "stories"
# Room for the answer, in tokens: facts are 1 to 4 words, summaries below 20, a sentence below 25. Measured on the
# generator with a vocabulary of 2,048; one and a half times that.
ANSWER_TOKENS, WORD_TOKENS, SENTENCE_TOKENS = 24, 8, 64


def read_kind(kind: str, task: str, plain: str, data: Data, split: str) -> list[Item]:
    """Items of one split from `collect`'s examples of a story source. plain: what a base model continues."""
    folder = data.needed("collect", task) / "examples"
    paths = sorted(folder.glob(f"*/{kind}.jsonl.zst")) if folder.is_dir() else []
    # The recipe names its sources freely; the usual name comes first.
    paths.sort(key=lambda path: path.parent.name != SOURCE)
    if not paths:
        raise DataError(
            f"The task '{task}' needs examples '{kind}', and {folder} holds none.",
            repair='Collect them: [collect.stories] with from = "samples:stories".',
        )
    by_split: dict[str, list[Example]] = {}
    for example in read_examples(paths[0]):
        by_split.setdefault(split_of(example.document_id), []).append(example)
    # Two stories may share a sentence: what training shows too, word for word, is not held out.
    shown = {example.id for example in by_split.get("train", [])} if split != "train" else set()
    return [item_of(example, plain) for example in by_split.get(split, []) if example.id not in shown]


def item_of(example: Example, plain: str) -> Item:
    """An example as a question: in chat turns, and in plain text."""
    *turns, answer = messages_of(example)
    text = example.text or str(turns[-1]["content"])
    gold = str(answer["content"])
    question = example.question
    shown = plain.format(text=text, question=question)
    return Item(example.id, shown, gold, tuple(turns), text, question, document_id=example.document_id)


def _exact(item: Item, answer: str) -> dict[str, float]:
    return {"exact_match": exact_match(item.gold, answer), "token_f1": token_f1(item.gold, answer)}


def _label(item: Item, answer: str) -> dict[str, float]:
    return {"accuracy": float(normalize_answer(answer) == normalize_answer(item.gold))}


def _rouge(item: Item, answer: str) -> dict[str, float]:
    found = rouge(item.gold, answer)
    return {name: found[name] for name in ("rouge1", "rouge2", "rougeL")}


def _nothing(item: Item, answer: str) -> dict[str, float]:
    return {}  # BLEU is a number of the whole set


def macro_f1(outcomes: Sequence[Outcome]) -> float:
    """F1 averaged over the gold labels; an answer that is no label is wrong for every one."""
    gold = [normalize_answer(outcome.item.gold) for outcome in outcomes]
    given = [normalize_answer(outcome.answer) for outcome in outcomes]
    return precision_recall_f1(gold, given, labels=sorted(set(gold))).f1


@tasks.register("stories_answers")
def stories_answers() -> GenerationTask:
    """Questions about one fact."""
    name, plain = "stories_answers", "{text}\n\nQuestion: {question}\nAnswer:"
    return GenerationTask(
        name,
        partial(read_kind, "answers", name, plain),
        _exact,
        (mean_of("exact_match"), mean_of("token_f1")),
        (QUESTION_ONLY, WORD_OVERLAP),
        ANSWER_TOKENS,
    )


@tasks.register("stories_sentiment")
def stories_sentiment() -> GenerationTask:
    """Does the story end well."""
    name, plain = "stories_sentiment", "{text}\n\nQuestion: Is the ending positive or negative?\nAnswer:"
    return GenerationTask(
        name,
        partial(read_kind, "sentiment", name, plain),
        _label,
        (mean_of("accuracy", chance=0.5), Metric("macro_f1", macro_f1)),
        (BAG_OF_WORDS, MAJORITY),
        WORD_TOKENS,
    )


@tasks.register("stories_summaries")
def stories_summaries() -> GenerationTask:
    """The story in one sentence."""
    name, plain = "stories_summaries", "{text}\n\nSummary:"
    return GenerationTask(
        name,
        partial(read_kind, "summaries", name, plain),
        _rouge,
        (mean_of("rouge1"), mean_of("rouge2"), mean_of("rougeL")),
        (LEAD_ONE,),
        SENTENCE_TOKENS,
    )


@tasks.register("stories_translation")
def stories_translation() -> GenerationTask:
    """Into the second language of the small world."""
    name, plain = "stories_translation", "{text}\nTranslation:"
    return GenerationTask(
        name,
        partial(read_kind, "translation", name, plain),
        _nothing,
        (BLEU,),
        (WORD_BY_WORD,),
        SENTENCE_TOKENS,
    )
