"""Data addresses -> the examples to learn from, train or validation split only.

    SOURCE:KIND          1_collect/examples/SOURCE/KIND.jsonl.zst
    samples:NAME         made on the spot: samples:small_talk; samples:NAME:KIND takes one kind of it
    documents:KIND       derived from the clean documents: sections, questions, abstracts
    arithmetic:KIND      sums made on the spot: addition, subtraction, multiplication
    path/to/file.jsonl   a file of the user (see `formats`)

A test example never comes out of here: `core.split.split_of(document_id)` decides. Evaluation reads the test split
through the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.core.document import read_documents, shards_in
from groundup.core.errors import DataError, RecipeError, near
from groundup.core.example import Example, read_examples
from groundup.core.split import split_of
from groundup.finetune.arithmetic import sums
from groundup.finetune.derive import derive
from groundup.finetune.formats import Broken, is_file_address, read_file

DERIVED = ("sections", "questions", "abstracts")
SAMPLE_COUNT = 4000  # conversations made for samples:NAME; taste: more than the demo's steps can read
MAX_SHOWN_PROBLEMS = 20  # taste


@dataclass
class Reading:
    """What one address gave. problems: the first broken rows in words."""

    address: str
    examples: list[Example] = field(default_factory=list)
    num_held_out: int = 0  # of the other splits
    num_broken: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Origin:
    """Where addresses are looked up. context_length and tokenizer: derived answers are cut to fit them."""

    inputs: Mapping[str, Path]
    tokenizer: Any
    context_length: int
    seed: int = 1


def available(inputs: Mapping[str, Path]) -> list[str]:
    """Every address that the given folders can serve, collected examples first; small talk always."""
    found = []
    examples = inputs["collect"] / "examples" if "collect" in inputs else None
    if examples is not None and examples.is_dir():
        found += [f"{path.parent.name}:{_stem(path)}" for path in sorted(examples.glob("*/*.jsonl.zst"))]
    if not found and "clean" in inputs and shards_in(inputs["clean"] / "documents"):
        found += [f"documents:{kind}" for kind in DERIVED]
    return [*found, "samples:small_talk"]


def read(
    address: str,
    origin: Origin,
    *,
    split: str = "train",
    columns: Mapping[str, str] | None = None,
    stop_at_broken: bool = False,
) -> Reading:
    """All examples of one address in one split.

    columns: for files, our name -> the column's name. stop_at_broken: a broken row is a DataError, not counted.
    Raises RecipeError for an address that means nothing here (with the near ones), DataError for a damaged file.
    """
    reading = Reading(address)
    for item in _stream(address, origin, columns):
        if isinstance(item, Broken):
            if stop_at_broken:
                raise DataError(f"{item}.", repair='Repair the row, or skip such rows with: on_broken = "skip"')
            reading.num_broken += 1
            if len(reading.problems) < MAX_SHOWN_PROBLEMS:
                reading.problems.append(str(item))
        elif split_of(item.document_id) == split:
            reading.examples.append(item)
        else:
            reading.num_held_out += 1
    return reading


def _stream(address: str, origin: Origin, columns: Mapping[str, str] | None) -> Iterator[Example | Broken]:
    if is_file_address(address):
        return read_file(Path(address).expanduser(), columns)
    source, _, kind = address.partition(":")
    if source == "samples" and kind:
        return _sample(kind, origin.seed)
    if source == "arithmetic":
        return sums(kind, origin.seed)
    if source == "documents":
        return _derived(kind, origin)
    return _collected(source, kind, address, origin)


def _collected(source: str, kind: str, address: str, origin: Origin) -> Iterator[Example]:
    if "collect" not in origin.inputs:
        raise RecipeError(f"'{address}' needs the collected examples, which are not at hand here.")
    path = origin.inputs["collect"] / "examples" / source / f"{kind}.jsonl.zst"
    plain = all(part and not part.startswith(".") and "/" not in part and "\\" not in part for part in (source, kind))
    if not plain or not path.is_file():
        repair = near(address, [*available(origin.inputs), *(f"documents:{kind}" for kind in DERIVED)])
        raise RecipeError(f"There are no examples '{address}'.", repair=f"{repair} Or the path of a file.")
    return read_examples(path)


def _sample(name: str, seed: int) -> Iterator[Example]:
    from groundup.collect.samples import SAMPLES

    name, _, kind = name.partition(":")
    kinds = SAMPLES.get(name).examples(name, SAMPLE_COUNT, seed)
    if kind and kind not in kinds:
        raise RecipeError(f"samples:{name} has no kind '{kind}'.", repair=near(kind, kinds))
    for each in [kind] if kind else list(kinds):
        yield from kinds[each]


def _derived(kind: str, origin: Origin) -> Iterator[Example]:
    if kind not in DERIVED:
        raise RecipeError(f"Nothing called '{kind}' is derived from documents.", repair=near(kind, DERIVED))
    if "clean" not in origin.inputs:
        raise RecipeError(f"'documents:{kind}' needs the clean documents, which are not at hand here.")

    def count(text: str) -> int:
        return len(origin.tokenizer.encode(text))

    def stream() -> Iterator[Example]:
        for document in read_documents(origin.inputs["clean"] / "documents"):
            yield from derive(kind, document, origin.context_length, count)

    return stream()


def _stem(path: Path) -> str:
    return path.name.removesuffix(".jsonl.zst")
