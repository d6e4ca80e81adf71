"""Examples: what tuning learns from and evaluation asks, one JSON object a line, zstd-compressed.

Examples are split by `document_id` (see `core.split`), so that nothing held out leaks through a shared source.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.core.document import hash_text
from groundup.core.errors import DataError
from groundup.core.files import atomic_writer


@dataclass(frozen=True)
class Example:
    """One thing to learn or to ask. Empty fields are left out of the file.

    messages: chat turns ``{"role": "system" | "user" | "assistant" | "tool", "content": str}``; the assistant's
    are learned. text/target: input and wanted output (summary, translation, answer). choices/label: candidate
    answers and the index (or name) of the right one. spans: ``{"start", "end", "text"}``, character offsets in text.
    """

    task: str  # "chat", "classify", "qa", "summarize", "translate", ...
    document_id: str = ""  # what it was made from; decides the split
    messages: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""
    target: str = ""
    question: str = ""
    choices: list[str] = field(default_factory=list)
    label: str = ""
    spans: list[dict[str, Any]] = field(default_factory=list)
    source: str = ""
    licence: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            content = json.dumps(
                [self.task, self.messages, self.text, self.question, self.target, self.choices, self.label],
                ensure_ascii=False,
            )
            object.__setattr__(self, "id", hash_text(content)[:16])
        if not self.document_id:
            object.__setattr__(self, "document_id", self.id)


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Write ``.jsonl.zst`` (or plain ``.jsonl``) atomically, streaming; returns the number written."""
    import zstandard

    count = 0
    with atomic_writer(path) as file:
        compress = path.suffix == ".zst"
        stream = zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) if compress else file
        for example in examples:
            row = {name: value for name, value in vars(example).items() if value}
            stream.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
            count += 1
        if compress:
            stream.close()
    return count


def read_examples(path: Path) -> Iterator[Example]:
    """Stream the examples of one file; an error names the file and the line."""
    import zstandard

    if not path.exists():
        raise DataError(f"No examples at {path}.")
    with open(path, "rb") as file:
        binary: Any = zstandard.ZstdDecompressor().stream_reader(file) if path.suffix == ".zst" else file
        try:
            with io.TextIOWrapper(binary, encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield _example(line, path, number)
        except (zstandard.ZstdError, UnicodeDecodeError) as error:
            raise DataError(f"{path} is damaged: {error}.", repair="Make its stage again with --again.") from None


def _example(line: str, path: Path, number: int) -> Example:
    try:
        return Example(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}, line {number} is not an example: {error}.") from None
