"""Token shards: all tokens of a split in one memory-mapped file, with the border of every document.

    tokens/train.bin                 uint16 (uint32 for vocabularies above 65,536), little endian; every document is
                                     <|endoftext|> and then its tokens
    tokens/train.borders.bin         int64: where each document starts, and the end of the last one
    tokens/train.documents.parquet   id, source, path, licence, language, start, tokens, bytes: one row a document
    tokens/tokens.json               the sums, and the type of the integers

Written as a stream under temporary names and renamed at the end: a killed run leaves no half shard.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from groundup.core.errors import ArtifactError
from groundup.core.files import read_json, sync_folder, write_json
from groundup.core.split import SPLITS

FORMAT = 1
COLUMNS = ("id", "source", "path", "licence", "language", "start", "tokens", "bytes")


class ShardWriter:
    """Writes the shards of all splits as documents come. Use as a context manager; finishes only without an error."""

    def __init__(self, folder: Path, *, vocabulary_size: int, start_id: int) -> None:
        """start_id: the id of <|endoftext|>, put before every document."""
        self.folder = folder
        self.vocabulary_size = vocabulary_size
        self.start_id = start_id
        self.dtype = np.dtype("<u2" if vocabulary_size <= 65_536 else "<u4")
        self._splits = {split: _SplitWriter(folder, split) for split in SPLITS}

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for split in self._splits.values():
            split.close(keep=error is None)
        if error is None:
            write_json(
                self.folder / "tokens.json",
                {
                    "format": FORMAT,
                    "dtype": self.dtype.str,
                    "vocabulary_size": self.vocabulary_size,
                    "start_id": self.start_id,
                    "splits": {name: split.sums() for name, split in self._splits.items()},
                },
            )
            sync_folder(self.folder)

    def add(self, split: str, ids: Sequence[int], *, num_bytes: int, id: str, **origin: str) -> None:
        """One document. num_bytes: UTF-8 bytes of its text. origin: source, path, licence, language."""
        tokens = np.empty(len(ids) + 1, dtype=self.dtype)
        tokens[0] = self.start_id
        tokens[1:] = ids
        self._splits[split].add(tokens, {"id": id, "bytes": num_bytes, **origin})


class _SplitWriter:
    """The three files of one split."""

    def __init__(self, folder: Path, split: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.targets = [folder / f"{split}{ending}" for ending in (".bin", ".borders.bin", ".documents.parquet")]
        self.temporary = [path.with_name(f".{path.name}.tmp") for path in self.targets]
        self.tokens: BinaryIO = open(self.temporary[0], "wb")  # noqa: SIM115 closed in close()
        self.borders: BinaryIO = open(self.temporary[1], "wb")  # noqa: SIM115
        self.table: Any = None
        self.rows: list[dict[str, Any]] = []
        self.num_tokens = self.num_bytes = self.num_documents = 0

    def add(self, tokens: np.ndarray, row: dict[str, Any]) -> None:
        self.borders.write(np.int64(self.num_tokens).tobytes())
        self.tokens.write(tokens.tobytes())
        self.rows.append({"source": "", "path": "", "licence": "", "language": "", **row})
        self.rows[-1].update(start=self.num_tokens, tokens=len(tokens))
        self.num_tokens += len(tokens)
        self.num_bytes += row["bytes"]
        self.num_documents += 1
        if len(self.rows) >= 10_000:
            self._flush()

    def sums(self) -> dict[str, int]:
        return {"documents": self.num_documents, "tokens": self.num_tokens, "bytes": self.num_bytes}

    def close(self, *, keep: bool) -> None:
        self._flush()
        self.borders.write(np.int64(self.num_tokens).tobytes())
        self.table.close()
        for file in (self.tokens, self.borders):
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for temporary, target in zip(self.temporary, self.targets, strict=True):
            if keep:
                os.replace(temporary, target)
            else:
                temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        numbers = ("start", "tokens", "bytes")
        schema = pa.schema([(name, pa.int64() if name in numbers else pa.string()) for name in COLUMNS])
        if self.table is None:
            self.table = pq.ParquetWriter(self.temporary[2], schema, compression="zstd")
        self.table.write_table(pa.Table.from_pylist(self.rows, schema=schema))
        self.rows = []


class TokenShards:
    """One split, opened for reading; nothing is loaded before it is asked for."""

    def __init__(self, folder: Path, split: str, sums: dict[str, Any]) -> None:
        self.folder = folder
        self.split = split
        self.dtype = np.dtype(sums["dtype"])
        self.vocabulary_size = int(sums["vocabulary_size"])
        self.start_id = int(sums["start_id"])
        self.num_documents = int(sums["splits"][split]["documents"])
        self.num_tokens = int(sums["splits"][split]["tokens"])
        self.num_bytes = int(sums["splits"][split]["bytes"])  # UTF-8 bytes of the documents' texts

    @classmethod
    def open(cls, folder: Path | str, split: str) -> TokenShards:
        """Open a split of a `tokens` folder. Raises ArtifactError when it is missing, damaged or of another size."""
        folder = Path(folder)
        sums = read_json(folder / "tokens.json")
        try:
            if sums["format"] != FORMAT:
                raise ArtifactError(f"{folder / 'tokens.json'} has format {sums['format']}, expected {FORMAT}.")
            shards = cls(folder, split, sums)
        except (KeyError, TypeError, ValueError):
            raise ArtifactError(f"{folder / 'tokens.json'} does not describe the split '{split}'.") from None
        expected = {
            ".bin": shards.num_tokens * shards.dtype.itemsize,
            ".borders.bin": (shards.num_documents + 1) * 8,
        }
        for ending, size in expected.items():
            path = folder / f"{split}{ending}"
            found = path.stat().st_size if path.is_file() else None
            if found != size:
                came = "it is missing" if found is None else f"it has {found}"
                raise ArtifactError(
                    f"{path} should have {size} bytes, but {came}.",
                    repair="Make the tokens again with: --again tokenizer",
                )
        return shards

    @cached_property
    def tokens(self) -> np.ndarray:
        """(num_tokens,) uint16 or uint32, memory-mapped, read-only."""
        return self._map(".bin", self.dtype)

    @cached_property
    def borders(self) -> np.ndarray:
        """(num_documents + 1,) int64: document d is tokens[borders[d] : borders[d + 1]], <|endoftext|> first."""
        return self._map(".borders.bin", np.dtype("<i8"))

    @cached_property
    def documents(self) -> dict[str, list[Any]]:
        """The columns of the documents' table: id, source, path, licence, language, start, tokens, bytes."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / f"{self.split}.documents.parquet"
        try:
            columns = pq.read_table(path, columns=list(COLUMNS)).to_pydict()
        except (pa.ArrowException, OSError) as error:
            raise ArtifactError(f"{path} cannot be read: {error}.") from None
        if len(columns["id"]) != self.num_documents:
            raise ArtifactError(f"{path} has {len(columns['id'])} rows, tokens.json says {self.num_documents}.")
        return columns

    @property
    def document_ids(self) -> list[str]:
        """The id of each document, in the order of the tokens."""
        return self.documents["id"]

    @property
    def sources(self) -> list[str]:
        """The source of each document, in the order of the tokens."""
        return self.documents["source"]

    @cached_property
    def document_bytes(self) -> np.ndarray:
        """(num_documents,) int64: UTF-8 bytes of each document's text."""
        return np.array(self.documents["bytes"], dtype=np.int64)

    def __len__(self) -> int:
        return self.num_documents

    def __getitem__(self, document: int) -> np.ndarray:
        """The tokens of one document, <|endoftext|> first."""
        if not 0 <= document < self.num_documents:
            raise IndexError(document)
        return self.tokens[self.borders[document] : self.borders[document + 1]]

    def _map(self, ending: str, dtype: np.dtype) -> np.ndarray:
        path = self.folder / f"{self.split}{ending}"
        if path.stat().st_size == 0:  # an empty file cannot be mapped
            return np.empty(0, dtype=dtype)
        return np.memmap(path, dtype=dtype, mode="r")
