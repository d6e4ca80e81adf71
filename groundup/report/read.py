"""A run folder's files, each optional: what is missing or damaged is None or empty, never an error.

A report must be possible at any moment of a run, so every reader answers with what is there. Damage is noted in
`Run.problems` and shown on the page.
"""

from __future__ import annotations

import io
import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from groundup.core.document import Document, Dropped, read_documents, read_dropped, shards_in
from groundup.core.errors import GroundupError
from groundup.core.files import read_json
from groundup.core.manifest import Manifest, has_manifest, read_manifest
from groundup.core.score import Score, read_scores

STAGES = ("1_collect", "2_clean", "3_tokenizer", "4_pretrain", "5_finetune", "6_evaluate", "7_audit", "8_release")


@dataclass
class Run:
    """One run folder, read lazily."""

    folder: Path
    problems: list[str] = field(default_factory=list)

    @cached_property
    def recipe_text(self) -> str:
        """recipe.toml as written."""
        path = self.folder / "recipe.toml"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The recipe's values; {} when it is not valid TOML."""
        try:
            return tomllib.loads(self.recipe_text)
        except tomllib.TOMLDecodeError as error:
            self.problems.append(f"recipe.toml is not valid TOML: {error}")
            return {}

    @property
    def name(self) -> str:
        """The recipe's name, else the folder's."""
        return str(self.recipe.get("name") or self.folder.resolve().name)

    @cached_property
    def manifests(self) -> dict[str, Manifest]:
        """Folder of a finished stage ("5_finetune/chat") -> its manifest, in story order."""
        found = {}
        for stage in STAGES:
            steps = sorted(path for path in (self.folder / stage).glob("*") if path.is_dir() and path.name[0] != ".")
            for path in [self.folder / stage, *(steps if stage == "5_finetune" else [])]:
                if not has_manifest(path):
                    continue
                try:
                    found[path.relative_to(self.folder).as_posix()] = read_manifest(path)
                except GroundupError as error:
                    self.problems.append(error.message)
        return found

    def json(self, name: str) -> Any:
        """The value of a JSON file of the run, or None."""
        path = self.folder / name
        if not path.is_file():
            return None
        try:
            return read_json(path)
        except GroundupError as error:
            self.problems.append(error.message)
            return None

    def rows(self, name: str, limit: int = 200_000) -> list[dict[str, Any]]:
        """The objects of a ``.jsonl`` or ``.jsonl.zst`` file; a half-written last line is left out."""
        path = self.folder / name
        if not path.is_file():
            return []
        rows: list[dict[str, Any]] = []
        try:
            for line in _lines(path):
                if len(rows) >= limit:
                    break
                try:
                    row = json.loads(line)
                except ValueError:
                    continue
                if isinstance(row, dict):
                    rows.append(row)
        except (OSError, ValueError, RuntimeError) as error:
            self.problems.append(f"{name} cannot be read: {error}")
        return rows

    @cached_property
    def scores(self) -> list[Score]:
        """6_evaluate/scores.json."""
        path = self.folder / "6_evaluate" / "scores.json"
        if not path.is_file():
            return []
        try:
            return read_scores(path)
        except (GroundupError, TypeError) as error:
            self.problems.append(f"scores.json cannot be read: {error}")
            return []

    def num_documents(self, folder: str) -> int | None:
        """Rows of a folder's Parquet shards, from their footers; None when there are none."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not (self.folder / folder).is_dir():
            return None
        count = 0
        for shard in shards_in(self.folder / folder):
            try:
                count += pq.read_metadata(shard).num_rows
            except (pa.ArrowException, OSError) as error:
                self.problems.append(f"{shard.name} cannot be read: {error}")
        return count

    def document(self, folder: str, document_id: str) -> Document | None:
        """One document by id, searched in Parquet's id column only."""
        for document in self.documents(folder, [("id", "=", document_id)]):
            return document
        return None

    def documents(self, folder: str, filters: list[tuple[str, str, Any]]) -> Iterator[Document]:
        """Documents of a folder that meet pyarrow `filters`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not (self.folder / folder).is_dir():
            return
        for shard in shards_in(self.folder / folder):
            try:
                for row in pq.read_table(shard, filters=filters).to_pylist():
                    row["meta"] = json.loads(row["meta"] or "{}")
                    yield Document(**{name: row[name] for name in Document.__dataclass_fields__})
            except (pa.ArrowException, OSError, KeyError, ValueError) as error:
                self.problems.append(f"{shard.name} cannot be read: {error}")

    @cached_property
    def drops(self) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], list[Dropped]]]:
        """What clean took out: (step, reason) -> count, in order of appearance, and up to two samples of each."""
        folder = self.folder / "2_clean" / "dropped"
        counts: Counter[tuple[str, str]] = Counter()
        samples: dict[tuple[str, str], list[Dropped]] = {}
        if not folder.is_dir():
            return {}, {}
        try:
            for item in read_dropped(folder):
                kind = (item.step, item.reason)
                counts[kind] += 1
                if len(samples.setdefault(kind, [])) < 2:
                    samples[kind].append(item)
        except GroundupError as error:
            self.problems.append(error.message)
        return dict(counts), samples

    def first_documents(self, folder: str, count: int) -> list[Document]:
        """The first documents of a folder."""
        found: list[Document] = []
        path = self.folder / folder
        if not path.is_dir():
            return found
        try:
            for document in read_documents(path, batch=count):
                found.append(document)
                if len(found) == count:
                    break
        except GroundupError as error:
            self.problems.append(error.message)
        return found

    @cached_property
    def tokenizer(self) -> Any:
        """The run's tokenizer (the `tokenizers` library), or None."""
        path = self.folder / "3_tokenizer" / "tokenizer" / "tokenizer.json"
        if not path.is_file():
            return None
        from tokenizers import Tokenizer

        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises plain Exception for any damage
            self.problems.append(f"tokenizer.json cannot be read: {error}")
            return None


def _lines(path: Path) -> Iterator[str]:
    import zstandard

    with open(path, "rb") as file:
        binary: Any = zstandard.ZstdDecompressor().stream_reader(file) if path.suffix == ".zst" else file
        try:
            with io.TextIOWrapper(binary, encoding="utf-8", errors="replace") as text:
                yield from text
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from None
