"""Benchmarks as small TOML files over local rows: one file says where the rows are and which column is what.

    file      = "hellaswag.jsonl.gz"     JSONL or CSV (.gz, .zst or plain) in the folder [evaluate] data
    kind      = "choice"                 or "schema" (the context differs, the ending is shared), "continuation"
    prompt    = "{ctx}"                  columns in braces
    choices   = "endings"                a column with a list; or a list of columns
    gold      = "label"                  a column with the index (from 0) of the right choice, or the right ending
    separator = " "                      between prompt and ending
    chance    = 0.25

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

from groundup.core.errors import DataError, near
from groundup.core.files import fingerprint
from groundup.core.recipe import Options, parse_toml, validate
from groundup.evaluate.base import Data, Item, Task
from groundup.evaluate.choice import ChoiceTask, ContinuationTask
from groundup.evaluate.files import KINDS, file_task


class RowsOptions(Options):
    """One TOML task. origin and licence are for the card and for people."""

    title: str
    origin: str
    licence: str
    file: str
    kind: Literal["choice", "schema", "continuation"] = "choice"
    prompt: str
    choices: str | list[str] = ""
    gold: str
    separator: str = " "
    chance: float = 0.0
    # Tasks that continue a text are asked plainly, also of chat models.
    chat: bool = True


def read_task(path: Path) -> Task:
    """The task that a TOML file describes; its name is the file's."""
    text = path.read_text(encoding="utf-8")
    values = parse_toml(text, str(path))
    if values.get("kind") in KINDS:
        return file_task(values, text, path)
    options = validate(RowsOptions, values, text=text, name=str(path))

    def read(data: Data, split: str) -> list[Item]:
        if split == "train":
            return []  # benchmarks' rows are for measuring
        if data.folder is None:
            raise DataError(
                f"The task '{path.stem}' needs the file {options.file}, and no folder was named.",
                repair='Name its folder in the recipe: [evaluate] data = "FOLDER"',
            )
        return [_item(options, row, number) for number, row in enumerate(read_rows(data.folder / options.file), 1)]

    if options.kind == "continuation":
        return ContinuationTask(path.stem, read, options.separator)
    return ChoiceTask(path.stem, read, options.chance, options.separator, options.chat and options.kind == "choice")


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
        text = io.TextIOWrapper(binary, encoding="utf-8")
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
    if options.kind == "continuation":
        return Item(name, prompt, str(column(options.gold)).strip(), text=prompt)
    names = options.choices
    given = [column(one) for one in names] if isinstance(names, list) else column(names)
    label = _label(column(options.gold), len(given), options, number)
    if options.kind == "schema":
        contexts = tuple(str(one).rstrip() for one in given)
        return Item(name, "", contexts[label], choices=contexts, label=label, ending=prompt)
    choices = tuple(str(one) for one in given)
    plain = prompt.rstrip()
    turns = ({"role": "user", "content": plain},)
    return Item(name, plain, choices[label], turns, text=plain, question=plain, choices=choices, label=label)


def _label(value: Any, num_choices: int, options: RowsOptions, number: int) -> int:
    try:
        label = int(value)
    except (TypeError, ValueError):
        label = -1
    if not 0 <= label < num_choices:
        raise DataError(f"{options.file}, row {number}: gold {value!r} is no index from 0 to {num_choices - 1}.")
    return label
