"""Answers that a model wrote in full, marked by their task while it learns: a loss alone does not show whether they are
right. Evaluation marks the same way, with intervals and rivals.

    extract        field F1, and the share of answers that are JSON objects
    summarize      ROUGE-L          translate   chrF          title   ROUGE-L
    choose         accuracy         qa, classify, chat        exact match (normalized as SQuAD does)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from groundup.core.example import Example
from groundup.finetune.fields import read_object
from groundup.finetune.rewards import target_of
from groundup.metrics.answers import exact_match
from groundup.metrics.character_overlap import chrf
from groundup.metrics.fields import field_f1
from groundup.metrics.summary_overlap import rouge_l

Write = Callable[[Sequence[Example]], list[str]]
SUMMARIES = ("summarize", "title")


def marks(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    """The numbers of every task among the examples."""
    found: dict[str, float] = {}
    by_task: dict[str, list[tuple[str, str]]] = {}
    for example, answer in zip(examples, answers, strict=True):
        kind = "summarize" if example.task in SUMMARIES else example.task
        kind = kind if kind in ("extract", "summarize", "translate") else "exact"
        by_task.setdefault(kind, []).append((target_of(example), answer))
    for kind, pairs in by_task.items():
        gold, given = [one for one, _ in pairs], [other for _, other in pairs]
        if kind == "extract":
            objects = [read_object(answer) for answer in given]
            found["field_f1"] = field_f1([read_object(one) or {} for one in gold], objects).f1
            found["json_share"] = sum(one is not None for one in objects) / len(objects)
        elif kind == "summarize":
            found["rougeL"] = sum(rouge_l(one, other).f1 for one, other in pairs) / len(pairs)
        elif kind == "translate":
            found["chrf"] = chrf(gold, given)
        else:
            found["exact_match"] = sum(exact_match(one, other) for one, other in pairs) / len(pairs)
    return found
