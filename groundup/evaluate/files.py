"""Tasks over a file of the user: labels, answers marked in texts, or summaries; a small TOML file names it.

    kind    = "classify"                     or "qa" (SQuAD JSON or its rows), "summaries"
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
from groundup.evaluate.base import Data, Item, Task, mean_of
from groundup.evaluate.baselines import LEAD_ONE, LEAD_THREE
from groundup.evaluate.generation import GenerationTask
from groundup.evaluate.labels import LabelTask
from groundup.evaluate.spans import SpanTask
from groundup.finetune.formats import Broken, read_file
from groundup.finetune.gold import is_marked, label_of, labels_of
from groundup.finetune.prompts import check_template, messages_of, question_of
from groundup.metrics.summary_overlap import rouge

KINDS = ("classify", "qa", "summaries")


class FileTaskOptions(Options):
    """One task over a file. title, origin and licence are for the card and for people."""

    title: str = ""
    origin: str = ""
    licence: str = ""
    kind: Literal["classify", "qa", "summaries"]
    file: str
    train: str = ""  # another file, for the rivals; with split = "all"
    columns: dict[str, str] = Field(default_factory=dict)  # our name -> the column's
    split: Literal["held_out", "all"] = "held_out"
    on_broken: Literal["stop", "skip"] = "stop"  # a row that cannot be used; skipped, it is another test
    template: str | None = None  # what the user says, as in [finetune.STEP]; None: the task's own words
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

    if options.kind == "classify":
        return LabelTask(path.stem, read)
    if options.kind == "qa":
        return SpanTask(path.stem, read, options.max_tokens)
    metrics = (mean_of("rouge1"), mean_of("rouge2"), mean_of("rougeL"))
    return GenerationTask(path.stem, read, _rouge, metrics, (LEAD_ONE, LEAD_THREE), options.max_tokens)


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


def _summary_items(examples: Sequence[Example], options: FileTaskOptions) -> list[Item]:
    items = []
    for example in examples:
        *turns, answer = messages_of(example, options.template)
        plain = f"{example.text}\n\nSummary:"
        gold = str(answer["content"])
        items.append(Item(example.id, plain, gold, tuple(turns), example.text, document_id=example.document_id))
    return items


def _rouge(item: Item, answer: str) -> dict[str, float]:
    found = rouge(item.gold, answer)
    return {name: found[name] for name in ("rouge1", "rouge2", "rougeL")}


MAKERS: dict[str, Callable[[Sequence[Example], FileTaskOptions], list[Item]]] = {
    "qa": _span_items,
    "summaries": _summary_items,
}
