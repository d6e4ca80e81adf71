"""Files of examples as people have them, read into our `Example`: one object a row, the shape seen from its fields.

    our own JSONL      task, messages | text, target, choices, label, ...
    OpenAI messages    messages [{role, content}]
    ShareGPT           conversations [{from: human | gpt | system, value}]
    Alpaca             instruction, input, output
    SQuAD              JSON {data [{paragraphs [{context, qas}]}]}, or rows of context, question, answers
    plain columns      prompt and response; question and answer; text and summary; text and label; text and target

Files: .jsonl, .json (a list of rows, or SQuAD), .csv, .tsv, each also as .gz or .zst. `columns` renames the user's
columns to the names above: {"text": "review", "label": "stars"} (ours = theirs); numbers for a table without a first
line of names: {"label": "1", "text": "2"}. In .tsv a quotation mark is a character like any other.

A row that cannot be used is a `Broken` with its line and the reason, in the place where it stood.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

from groundup.core.errors import DataError, near
from groundup.core.example import Example

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv")
PACKINGS = (".gz", ".zst")
ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
ROLES |= {"chatgpt": "assistant", "bot": "assistant", "tool": "tool", "function": "tool", "developer": "system"}
OUR_FIELDS = {field.name for field in fields(Example)}
MAX_ROW_CHARACTERS = 10_000_000  # a longer line is no row of examples; taste, bounds memory


@dataclass(frozen=True)
class Broken:
    """A row that was not usable. line: in the file, from 1 (for JSON and SQuAD: the row's number)."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.reason}"


class _RowError(Exception):
    """Why one row cannot be used."""


def is_file_address(address: str) -> bool:
    """True when a data address names a file by its ending: data/chats.jsonl.gz."""
    return _suffix(Path(address)) in SUFFIXES


def read_file(path: Path, columns: Mapping[str, str] | None = None) -> Iterator[Example | Broken]:
    """Stream the examples of a user's file, with broken rows in their places.

    columns: our name -> the file's name. Raises DataError when the file is missing, of no known kind, damaged, or
    when `columns` names a column that is not there (naming the nearest).
    """
    if not path.is_file():
        raise DataError(f"No examples at {path}.")
    suffix = _suffix(path)
    if suffix not in SUFFIXES:
        raise DataError(f"{path}: unknown kind of file.", repair=f"Known: {', '.join(SUFFIXES)}, also as .gz or .zst.")
    import zstandard

    rows = {".csv": _table_rows, ".tsv": _table_rows, ".jsonl": _jsonl_rows, ".json": _json_rows}[suffix]
    try:
        with _open_text(path) as file:
            for line, row in rows(file, path, columns or {}):
                yield from _examples(row, path, line, columns or {})
    except (OSError, EOFError, UnicodeDecodeError, zstandard.ZstdError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None


def _examples(row: Any, path: Path, line: int, columns: Mapping[str, str]) -> Iterator[Example | Broken]:
    if isinstance(row, Broken):
        yield row
        return
    try:
        if not isinstance(row, dict):
            raise _RowError(f"a row is an object with names; this is {_kind_of(row)}")
        example = example_of(_renamed(row, columns, path))
    except _RowError as error:
        yield Broken(str(path), line, str(error))
        return
    yield example


def example_of(row: Mapping[str, Any]) -> Example:
    """The example in one row, by the first shape whose fields are there."""
    for needed, read in SHAPES:
        if all(row.get(name) is not None for name in needed):
            return read(row)
    names = ", ".join(sorted(str(name) for name in row)) or "none"
    raise _RowError(f"no known shape; its fields: {names}")


def _ours(row: Mapping[str, Any]) -> Example:
    unknown = set(row) - OUR_FIELDS
    if unknown:
        name = sorted(unknown)[0]
        raise _RowError(f"an example has no field '{name}'. {near(name, OUR_FIELDS)}")
    if row.get("messages"):
        return Example(**{**row, "messages": _messages(row["messages"], "role", "content")})
    return Example(**row)


def _openai(row: Mapping[str, Any]) -> Example:
    meta = {"tools": row["tools"]} if row.get("tools") else {}
    return Example("chat", messages=_messages(row["messages"], "role", "content"), meta=meta)


def _sharegpt(row: Mapping[str, Any]) -> Example:
    messages = _messages(row["conversations"], "from", "value")
    if isinstance(row.get("system"), str) and row["system"]:
        messages.insert(0, {"role": "system", "content": row["system"]})
    return Example("chat", messages=messages)


def _alpaca(row: Mapping[str, Any]) -> Example:
    question = _text(row, "instruction")
    extra = _text(row, "input", empty=True)
    return _pair(f"{question}\n\n{extra}" if extra else question, _text(row, "output"))


def _prompted(answer: str) -> Callable[[Mapping[str, Any]], Example]:
    return lambda row: _pair(_text(row, "prompt"), _text(row, answer))


def _pair(user: str, assistant: str) -> Example:
    return Example("chat", messages=[{"role": "user", "content": user}, {"role": "assistant", "content": assistant}])


def _squad_row(row: Mapping[str, Any]) -> Example:
    """context, question, answers: {"text": [...], "answer_start": [...]} or [{"text", "answer_start"}]."""
    _text(row, "context")
    context, question = str(row["context"]), _text(row, "question")  # not stripped: answers count its characters
    answers = row["answers"]
    if isinstance(answers, dict):
        pairs: list[tuple[Any, Any]] = list(zip(answers.get("text", []), answers.get("answer_start", []), strict=False))
    elif isinstance(answers, list) and all(isinstance(answer, dict) for answer in answers):
        pairs = [(answer.get("text"), answer.get("answer_start")) for answer in answers]
    else:
        raise _RowError("'answers' is neither a list of answers nor columns of them")
    spans: list[dict[str, Any]] = []
    for text, start in pairs:
        if not isinstance(text, str) or not isinstance(start, int) or context[start : start + len(text)] != text:
            raise _RowError(f"the answer {text!r} does not stand at character {start} of its context")
        spans.append({"start": start, "end": start + len(text), "text": text})
    target = str(spans[0]["text"]) if spans else ""
    meta = {} if spans else {"no_answer": True}
    return Example("qa", text=context, question=question, target=target, spans=spans, meta=meta)


def _answered(row: Mapping[str, Any]) -> Example:
    return Example(
        "qa", text=_text(row, "text", empty=True), question=_text(row, "question"), target=_text(row, "answer")
    )


def _summary(row: Mapping[str, Any]) -> Example:
    return Example("summarize", text=_text(row, "text"), target=_text(row, "summary"))


def _targeted(row: Mapping[str, Any]) -> Example:
    return Example("summarize", text=_text(row, "text"), target=_text(row, "target"))


def _labelled(row: Mapping[str, Any]) -> Example:
    return Example("classify", text=_text(row, "text"), label=_text(row, "label"))


SHAPES: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Example]], ...] = (
    (("task",), _ours),
    (("messages",), _openai),
    (("conversations",), _sharegpt),
    (("instruction", "output"), _alpaca),
    (("prompt", "response"), _prompted("response")),
    (("prompt", "completion"), _prompted("completion")),
    (("context", "question", "answers"), _squad_row),
    (("question", "answer"), _answered),
    (("text", "summary"), _summary),
    (("text", "label"), _labelled),
    (("text", "target"), _targeted),
)


def _messages(value: Any, role_name: str, content_name: str) -> list[dict[str, Any]]:
    """Turns in our form; an answer must be among them."""
    if not isinstance(value, list) or not value:
        raise _RowError("the conversation has no turns")
    messages = []
    for number, turn in enumerate(value, start=1):
        if not isinstance(turn, dict):
            raise _RowError(f"turn {number} is {_kind_of(turn)}, not an object")
        role = ROLES.get(str(turn.get(role_name)).lower())
        if role is None:
            raise _RowError(f"turn {number} has the unknown role {turn.get(role_name)!r}; known: {', '.join(ROLES)}")
        content = turn.get(content_name)
        if isinstance(content, list):  # OpenAI's parts: text parts are joined
            texts = [str(part["text"]) for part in content if isinstance(part, dict) and part.get("type") == "text"]
            if len(texts) != len(content):
                raise _RowError(f"turn {number} holds something other than text")
            content = "".join(texts)
        calls = turn.get("tool_calls")
        if not isinstance(content, str) and not calls:
            raise _RowError(f"the content of turn {number} is {_kind_of(content)}, not text")
        messages.append({"role": role, "content": content or "", **({"tool_calls": calls} if calls else {})})
    if not any(turn["role"] == "assistant" and (turn["content"].strip() or "tool_calls" in turn) for turn in messages):
        raise _RowError("no turn of the assistant holds an answer")
    return messages


def _text(row: Mapping[str, Any], name: str, *, empty: bool = False) -> str:
    value = row.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)  # labels are often numbers
    if value is None and empty:
        return ""
    if not isinstance(value, str):
        raise _RowError(f"'{name}' is {_kind_of(value)}, not text")
    if not value.strip() and not empty:
        raise _RowError(f"'{name}' is empty")
    return value.strip()


def _renamed(row: Mapping[str, Any], columns: Mapping[str, str], path: Path) -> dict[str, Any]:
    if not columns:
        return dict(row)
    for theirs in columns.values():
        if theirs not in row:
            raise DataError(f"{path} has no column '{theirs}'.", repair=near(theirs, [str(name) for name in row]))
    renamed = {name: value for name, value in row.items() if name not in columns.values()}
    return renamed | {ours: row[theirs] for ours, theirs in columns.items()}


def _jsonl_rows(file: IO[str], path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := file.readline(MAX_ROW_CHARACTERS):
        number += 1
        if len(line) == MAX_ROW_CHARACTERS and not line.endswith("\n"):
            raise DataError(f"{path}, line {number} is longer than {MAX_ROW_CHARACTERS:,} characters: no JSONL.")
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, Broken(str(path), number, f"not JSON: {error}")


def _json_rows(file: IO[str], path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, Any]]:
    try:
        value = json.load(file)
    except (ValueError, RecursionError) as error:
        repair = "If it has one object a line, name it .jsonl."
        raise DataError(f"{path} is not JSON: {error}.", repair=repair) from None
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = list(_squad_rows(value["data"]))
    if not isinstance(value, list):
        raise DataError(f"{path} holds {_kind_of(value)}; a list of rows or SQuAD is needed.")
    yield from enumerate(value, start=1)


def _squad_rows(articles: list[Any]) -> Iterator[Any]:
    """SQuAD's nested articles as flat rows; anything of another shape is passed on to be reported."""
    for article in articles:
        if not isinstance(article, dict) or not isinstance(article.get("paragraphs"), list):
            yield article
            continue
        for paragraph in article["paragraphs"]:
            for question in paragraph.get("qas", []):
                answers = [] if question.get("is_impossible") else question.get("answers", [])
                yield {"context": paragraph.get("context"), "question": question.get("question"), "answers": answers}


def _table_rows(file: IO[str], path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, Any]]:
    is_tsv = _suffix(path) == ".tsv"
    delimiter = "\t" if is_tsv else ","
    names, lines = None, iter(file)
    if columns and all(theirs.isdigit() for theirs in columns.values()):
        first = next(lines, "")
        lines = itertools.chain([first], lines)
        names = [str(number) for number in range(1, first.count(delimiter) + 2)]
    reader = csv.DictReader(
        lines, names, delimiter=delimiter, quoting=csv.QUOTE_NONE if is_tsv else csv.QUOTE_MINIMAL, strict=True
    )
    if not reader.fieldnames:
        raise DataError(f"{path} is empty: a first line with the names of the columns is needed.")
    for row in reader:
        if None in row or None in row.values():
            wanted = len(reader.fieldnames)
            yield reader.line_num, Broken(str(path), reader.line_num, f"it does not have {wanted} columns")
        else:
            yield reader.line_num, row


def _open_text(path: Path) -> IO[str]:
    binary: Any = path.open("rb")
    if path.suffix == ".gz":
        binary = gzip.GzipFile(fileobj=binary)
    elif path.suffix == ".zst":
        binary = io.BufferedReader(_ZstdFile(binary))
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


class _ZstdFile(io.RawIOBase):
    """Reads a .zst file and, unlike the library's own reader, notices when its end is missing."""

    def __init__(self, binary: IO[bytes]) -> None:
        import zstandard

        self._binary = binary
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = None  # None between two frames: only there may the file end
        self._packed = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            self._packed = self._packed or self._binary.read(65536)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("its end is missing")
                return 0
            self._frame = self._frame or self._new_frame()
            self._ready = self._frame.decompress(self._packed)
            self._packed = b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._binary.close()
        super().close()


def _suffix(path: Path) -> str:
    return Path(path.stem).suffix.lower() if path.suffix in PACKINGS else path.suffix.lower()


def _kind_of(value: Any) -> str:
    names = {"NoneType": "nothing", "dict": "an object", "list": "a list", "str": "a text", "bool": "true or false"}
    return names.get(type(value).__name__, "a number")
