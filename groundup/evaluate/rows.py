"""Benchmarks as small TOML files over local rows: one file says where the rows are and which column is what.

    file      = "hellaswag.jsonl.gz"     JSONL or CSV (.gz, .zst or plain) in the folder [evaluate] data, or one below
    kind      = "choice"                 or "schema" (the context differs, the ending is shared), "continuation",
                                         "answer" (the model writes)
    prompt    = "{ctx}"                  columns in braces
    choices   = "endings"                a column with a list; or a list of columns
    labels    = ["A", "B", "C", "D"]     in place of choices: the endings that every row has
    gold      = "label"                  a column with the index (from 0) of the right choice, or the right ending
    separator = " "                      between prompt and ending
    shots     = "mmlu_dev.csv.gz"        rows to show before the question; left out: rows that are not asked
    shots_by  = "subject"                shown rows have the asked row's value of this column

The kinds "classify", "qa" and "summaries" read files of people as tuning does: see `files`.

A row that lacks a column stops the task with the row's number: a benchmark with holes is another benchmark.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from groundup.core.errors import DataError, near
from groundup.core.files import fingerprint
from groundup.core.recipe import Options, parse_toml, validate
from groundup.evaluate.base import Baseline, Data, Item, Task
from groundup.evaluate.baselines import BM25, LONGEST_CHOICE, MAJORITY, QUESTION_ONLY, REPEATED_WORD
from groundup.evaluate.choice import ChoiceTask, ContinuationTask
from groundup.evaluate.files import KINDS, file_task
from groundup.evaluate.written import Found, written_task


class RowsOptions(Options):
    """One TOML task. title, origin and licence are for the card and for people."""

    title: str
    origin: str
    licence: str
    file: str
    kind: Literal["choice", "schema", "continuation", "answer"] = "choice"
    prompt: str
    choices: str | list[str] = ""
    labels: list[str] = []
    gold: str
    separator: str = " "
    shots: str = ""
    shots_by: str = ""
    chance: float | None = None  # choice: None means one of the item's choices at random
    # Tasks that continue a text are asked plainly, also of chat models.
    chat: bool = True
    # answer: what of the written line is the answer, which column lists other right answers, and the room for it.
    found: Found = "line"
    aliases: str = ""
    max_tokens: int = Field(default=32, ge=1)  # an answer of some words; taste
    stop: str = Field(default="\n", min_length=1)  # what ends a base model's answer

    @model_validator(mode="after")
    def _endings_fit(self) -> RowsOptions:
        wanted = self.kind in ("choice", "schema")
        if wanted != bool(self.choices or self.labels) or (self.choices and self.labels):
            raise ValueError('"choice" and "schema" need choices or labels; the other kinds have neither')
        return self


def read_task(path: Path) -> Task:
    """The task that a TOML file describes; its name is the file's."""
    text = path.read_text(encoding="utf-8")
    values = parse_toml(text, str(path))
    if values.get("kind") in KINDS:
        return file_task(values, text, path)
    options = validate(RowsOptions, values, text=text, name=str(path))

    def read(data: Data, split: str) -> list[Item]:
        name = options.file if split == "test" else options.shots
        if not name:
            return []  # benchmarks' rows are for measuring
        return [_item(options, row, number) for number, row in enumerate(read_rows(place_of(name, path.stem, data)), 1)]

    if options.kind == "continuation":
        rival = REPEATED_WORD if path.stem == "lambada" else MAJORITY
        return ContinuationTask(path.stem, read, options.separator, (rival,))
    if options.kind == "answer":
        rivals = (QUESTION_ONLY, MAJORITY)
        return written_task(
            path.stem, read, found=options.found, max_tokens=options.max_tokens, stop=options.stop, rivals=rivals
        )
    rivals_of_choices: tuple[Baseline, ...] = (MAJORITY,) if options.labels else (LONGEST_CHOICE, BM25, MAJORITY)
    chat = options.chat and options.kind == "choice"
    return ChoiceTask(path.stem, read, options.chance, options.separator, chat, rivals_of_choices)


def place_of(name: str, task: str, data: Data) -> Path:
    """Where the rows lie: in the folder, or in a folder right below it."""
    if data.folder is None:
        raise DataError(
            f"The task '{task}' needs the file {name}, and no folder was named.",
            repair='Name its folder in the recipe: [evaluate] data = "FOLDER" (on the command line: --data FOLDER).',
        )
    places = [data.folder / name, *sorted(data.folder.glob(f"*/{name}"))]
    return next((place for place in places if place.is_file()), places[0])


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSONL, CSV or TSV file, plain, .gz or .zst."""
    if not path.is_file():
        raise DataError(f"No rows at {path}.", repair="Put the file there, or change [evaluate] data.")
    with open(path, "rb") as raw:
        binary: Any = raw
        if path.suffix == ".gz":
            binary = gzip.GzipFile(fileobj=raw)
        elif path.suffix == ".zst":
            import zstandard

            binary = zstandard.ZstdDecompressor().stream_reader(raw)
        text = io.TextIOWrapper(binary, encoding="utf-8", newline="")
        inner = path.name.removesuffix(path.suffix) if path.suffix in (".gz", ".zst") else path.name
        try:
            if inner.endswith((".csv", ".tsv")):
                yield from csv.DictReader(text, delimiter="\t" if inner.endswith(".tsv") else ",")
            else:
                for line in text:
                    if line.strip():
                        yield json.loads(line)
        except (ValueError, OSError, EOFError, csv.Error) as error:
            raise DataError(f"{path} cannot be read as rows: {error}.") from None


def _item(options: RowsOptions, row: dict[str, Any], number: int) -> Item:
    def column(name: str) -> Any:
        if name not in row:
            raise DataError(f"{options.file}, row {number} has no column '{name}'.", repair=near(name, row))
        return row[name]

    prompt = re.sub(r"\{(\w+)\}", lambda match: str(column(match.group(1))), options.prompt)
    name = fingerprint(row)[:16]
    meta: dict[str, Any] = {"group": str(column(options.shots_by))} if options.shots_by else {}
    if options.kind in ("continuation", "answer"):
        prompt = prompt.strip() if options.kind == "answer" else prompt
        gold = str(column(options.gold)).strip()
        if options.aliases:
            meta["answers"] = [gold, *map(str, column(options.aliases))]
        turns = ({"role": "user", "content": prompt},) if options.kind == "answer" else ()
        return Item(name, prompt, gold, turns, text=prompt, question=prompt, meta=meta)
    given = _endings(options, column)
    label = _label(column(options.gold), len(given), options, number)
    if options.kind == "schema":
        contexts = tuple(one.rstrip() for one in given)
        return Item(name, "", contexts[label], choices=contexts, label=label, ending=prompt, meta=meta)
    plain = prompt.rstrip()
    turns = ({"role": "user", "content": plain},)
    return Item(name, plain, given[label], turns, text=plain, question=plain, choices=given, label=label, meta=meta)


def _endings(options: RowsOptions, column: Any) -> tuple[str, ...]:
    if options.labels:
        return tuple(options.labels)
    names = options.choices
    return tuple(str(one) for one in ([column(one) for one in names] if isinstance(names, list) else column(names)))


def _label(value: Any, num_choices: int, options: RowsOptions, number: int) -> int:
    try:
        label = int(value)
    except (TypeError, ValueError):
        label = -1
    if not 0 <= label < num_choices:
        raise DataError(f"{options.file}, row {number}: gold {value!r} is no index from 0 to {num_choices - 1}.")
    return label
