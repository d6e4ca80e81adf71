"""Tasks over a file of the user: what tuning learns from rows of a kind is asked of held-out rows of the same file.

    kind    = "classify"                     or another of KINDS
    file    = "reviews.csv"                  as finetune reads it; in [evaluate] data, or beside this TOML file
    columns = {text = "review", label = "stars"}
    split   = "held_out"                     or "all"

held_out: the rows that tuning on the same file never saw (`core.split`, by the row's hash); the rivals learn from
the rows it did see. all: every row is asked (a file that no tuning read), and the rivals learn from `train`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from groundup.core.errors import DataError, RecipeError
from groundup.core.example import Example
from groundup.core.recipe import Options, validate
from groundup.core.split import split_of
from groundup.evaluate.base import Baseline, Data, Item, Metric, Task, mean_of
from groundup.evaluate.baselines import LEAD_ONE, LEAD_THREE, MAJORITY, WORD_BY_WORD
from groundup.evaluate.generation import GenerationTask
from groundup.evaluate.labels import LabelTask
from groundup.evaluate.pairs import PairTask, pair_item
from groundup.evaluate.preferences import PreferenceTask, preference_item
from groundup.evaluate.spans import SpanTask
from groundup.evaluate.tags import TagTask, tag_item
from groundup.evaluate.whole_set import BLEU, FIELD_F1, recall_of
from groundup.finetune.fields import read_object
from groundup.finetune.formats import Broken, read_file
from groundup.finetune.gold import is_marked, label_of, labels_of
from groundup.finetune.prompts import check_template, messages_of, question_of
from groundup.metrics.character_overlap import chrf
from groundup.metrics.fields import field_counts, record_match
from groundup.metrics.summary_overlap import rouge

# classify: text, label. qa: SQuAD. tags: tokens and tags, or entities. pairs: anchor, positive. preferences: prompt,
# chosen, rejected. records: text, fields. summaries: text, target. translations: source, target.
KINDS = ("classify", "qa", "tags", "pairs", "preferences", "records", "summaries", "translations")


class FileTaskOptions(Options):
    """One task over a file. title, origin and licence are for the card and for people."""

    title: str = ""
    origin: str = ""
    licence: str = ""
    kind: Literal["classify", "qa", "tags", "pairs", "preferences", "records", "summaries", "translations"]
    file: str
    train: str = ""  # another file, for the rivals; with split = "all"
    columns: dict[str, str] = Field(default_factory=dict)  # our name -> the column's
    split: Literal["held_out", "all"] = "held_out"
    on_broken: Literal["stop", "skip"] = "stop"  # a row that cannot be used; skipped, it is another test
    template: str | None = None  # what the user says, as in [finetune.STEP]; None: the task's own words
    recall_of: str = ""  # classify: a label whose recall is a score of its own, such as "out of scope"
    max_tokens: int = Field(default=64, ge=1)  # room of a written answer; some two sentences; taste

    @field_validator("template")
    @classmethod
    def _template_fields(cls, template: str | None) -> str | None:
        try:
            return None if template is None else check_template(template)
        except RecipeError as error:
            raise ValueError(f"{error.message} {error.repair}") from None

    @model_validator(mode="after")
    def _train_fits(self) -> FileTaskOptions:
        if self.recall_of and self.kind != "classify":
            raise ValueError(f"'recall_of' names a label; a task of kind '{self.kind}' has none")
        if self.train and self.split != "all":
            raise ValueError("'train' is for split = \"all\"; held-out rows have their training rows in the same file")
        return self


def file_task(values: dict[str, Any], text: str, path: Path) -> Task:
    """The task of a TOML file of one of KINDS; its name is the file's."""
    options = validate(FileTaskOptions, values, text=text, name=str(path))

    def read(data: Data, split: str) -> list[Item]:
        whole = _examples(options, data, path.parent, split)
        held_out = options.split == "held_out"
        examples = [one for one in whole if not held_out or split_of(one.document_id) == split]
        if options.kind == "classify":
            return _label_items(examples, options, tuple(labels_of(whole)))
        return MAKERS[options.kind](examples, options)

    name = path.stem
    if options.kind == "classify":
        asked_too = (recall_of(options.recall_of),) if options.recall_of else ()
        return LabelTask(name, read, metrics=(*LabelTask.metrics, *asked_too))
    if options.kind == "qa":
        return SpanTask(name, read, options.max_tokens)
    if options.kind in READ_BY_HEADS:
        return READ_BY_HEADS[options.kind](name, read)
    marked, metrics, rivals = WRITTEN[options.kind]
    able = (*GenerationTask.answered_by, "classify") if options.kind == "summaries" else GenerationTask.answered_by
    return GenerationTask(name, read, marked, metrics, rivals, options.max_tokens, answered_by=able)


def _examples(options: FileTaskOptions, data: Data, beside: Path, split: str) -> list[Example]:
    """All examples of the file for a split; a broken row stops unless the task says otherwise."""
    name = options.file
    if options.split == "all" and split == "train":
        if not options.train:
            return []
        name = options.train
    places = [folder / name for folder in (data.folder, beside) if folder is not None]
    place = next((one for one in places if one.is_file()), None)
    if place is None:
        raise DataError(
            f"No file {name} in {' or '.join(str(one.parent) for one in places)}.",
            repair='Name its folder in the recipe: [evaluate] data = "FOLDER"',
        )
    found = []
    for example in read_file(place, options.columns):
        if isinstance(example, Broken):
            if options.on_broken == "skip":
                continue
            raise DataError(f"{example}.", repair='Repair the row, or leave such rows out with: on_broken = "skip"')
        found.append(example)
    return found


def _label_items(examples: Sequence[Example], options: FileTaskOptions, labels: tuple[str, ...]) -> list[Item]:
    items = []
    for example in examples:
        text, gold = question_of(example, options.template), label_of(example)
        if not text or not gold:
            raise DataError(f"{options.file}: the example {example.id} has no text or no label.")
        turns = ({"role": "user", "content": text},)
        plain = f"{text}\n\nLabel:"
        items.append(
            Item(
                example.id,
                plain,
                gold,
                turns,
                text,
                choices=labels,
                label=labels.index(gold),
                document_id=example.document_id,
                meta={"example": example},
            )
        )
    return items


def _span_items(examples: Sequence[Example], options: FileTaskOptions) -> list[Item]:
    items = []
    for example in examples:
        if not is_marked(example):
            raise DataError(f"{options.file}: the example {example.id} has no marked answer.")
        answers = [str(span["text"]) for span in example.spans]
        plain = f"{example.text}\n\nQuestion: {example.question}\nAnswer:"
        turns = ({"role": "user", "content": question_of(example, options.template)},)
        gold = answers[0] if answers else ""
        items.append(
            Item(
                example.id,
                plain,
                gold,
                turns,
                example.text,
                example.question,
                document_id=example.document_id,
                meta={"answers": answers},
            )
        )
    return items


def _written_items(examples: Sequence[Example], options: FileTaskOptions) -> list[Item]:
    lead = {"summaries": "Summary:", "translations": "Translation:", "records": "JSON:"}[options.kind]
    items = []
    for example in examples:
        *turns, answer = messages_of(example, options.template)
        gold = str(answer["content"])
        if options.kind == "records" and read_object(gold) is None:
            raise DataError(f"{options.file}: the example {example.id} has no record (fields).")
        plain = f"{example.text}\n\n{lead}"
        items.append(Item(example.id, plain, gold, tuple(turns), example.text, document_id=example.document_id))
    return items


def _rouge(item: Item, answer: str) -> dict[str, float]:
    found = rouge(item.gold, answer)
    return {name: found[name] for name in ("rouge1", "rouge2", "rougeL")}


def _fields(item: Item, answer: str) -> dict[str, float]:
    gold, given = read_object(item.gold) or {}, read_object(answer)
    right, claims, truths = field_counts([gold], [given])
    marks = {"right": right, "claims": claims, "truths": truths, "is_json": given is not None}
    return {name: float(value) for name, value in marks.items()} | {"exact_match": record_match(gold, given)}


def _character_f(item: Item, answer: str) -> dict[str, float]:
    return {"chrf": chrf([item.gold], [answer])}


def _heads(make: Callable[[Example, str], Item]) -> Callable[[Sequence[Example], FileTaskOptions], list[Item]]:
    return lambda examples, options: [make(example, options.file) for example in examples]


MAKERS: dict[str, Callable[[Sequence[Example], FileTaskOptions], list[Item]]] = {
    "qa": _span_items,
    "tags": _heads(tag_item),
    "pairs": _heads(pair_item),
    "preferences": _heads(preference_item),
    **dict.fromkeys(("records", "summaries", "translations"), _written_items),
}
READ_BY_HEADS: dict[str, Callable[[str, Callable[[Data, str], list[Item]]], Task]] = {
    "tags": TagTask,
    "pairs": PairTask,
    "preferences": PreferenceTask,
}
# kind -> how an answer is marked, the metrics, the rivals.
WRITTEN: dict[str, tuple[Callable[[Item, str], dict[str, float]], tuple[Metric, ...], tuple[Baseline, ...]]] = {
    "summaries": (_rouge, (mean_of("rouge1"), mean_of("rouge2"), mean_of("rougeL")), (LEAD_ONE, LEAD_THREE)),
    "translations": (_character_f, (BLEU, mean_of("chrf")), (WORD_BY_WORD,)),
    "records": (_fields, (FIELD_F1, mean_of("exact_match"), mean_of("is_json")), (MAJORITY,)),
}
