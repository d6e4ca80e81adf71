"""Reading a recipe: TOML -> plain values -> validated options, with errors that name the line and the nearest name.

This module knows TOML, `--set` and messages; it knows no stage. Each room declares its table as an `Options`
class; `groundup.stages` puts them together.
"""

from __future__ import annotations

import re
import tomllib
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from groundup.core.errors import RecipeError, UsageError, near


class Options(BaseModel):
    """A table of the recipe: frozen, unknown keys refused. Each field has a few words and an origin for its default."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=())


Table = TypeVar("Table", bound=BaseModel)


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """The values of a TOML file and its text (for line numbers)."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(f"No recipe at {path}.", repair="Write one with: groundup new FOLDER") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read as a recipe: {error}.") from None
    return parse_toml(text, str(path)), text


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """The values of a TOML text; a syntax error names the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name} is not valid TOML: {error}.") from None


def set_values(values: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Apply ``--set table.key=value`` in order; the value is read as TOML, else taken as text."""
    result = _copy(values)
    for assignment in assignments:
        address, sign, raw = assignment.partition("=")
        if not sign or not address.strip():
            raise UsageError(f"--set {assignment} is not an assignment.", repair="Write: --set pretrain.steps=100")
        try:
            value = tomllib.loads(f"value = {raw}")["value"]
        except tomllib.TOMLDecodeError:
            value = raw.strip()
        table = result
        *parents, key = [part.strip() for part in address.split(".")]
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise RecipeError(f"--set {assignment}: '{parent}' is a value, not a table.")
        table[key] = value
    return result


def validate(model: type[Table], values: dict[str, Any], *, text: str = "", name: str = "the recipe") -> Table:
    """The options of `values`, or a RecipeError for the first thing wrong: line, rule, allowed names, the nearest."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        location = [str(part) for part in first["loc"] if not (isinstance(part, str) and "[" in part)]
        line = line_of(text, location)
        where = f"{name}, line {line}" if line else name
        address = ".".join(location)
        if first["type"] == "extra_forbidden":
            allowed = _allowed_names(model, location[:-1])
            kind = "table" if isinstance(first["input"], dict) else "key"
            raise RecipeError(f"{where}: unknown {kind} '{address}'.", repair=near(location[-1], allowed)) from None
        if first["type"] == "missing":
            raise RecipeError(f"{where}: '{address}' is missing.") from None
        rule = first["msg"].removeprefix("Value error, ").rstrip(".")
        came = "" if first["type"] == "value_error" else f" Came: {first['input']!r}."
        raise RecipeError(f"{where}: '{address}': {rule}.{came}") from None


def line_of(text: str, location: list[str]) -> int:
    """The line (from 1) on which the recipe's text sets `location`; 0 when it is nowhere written."""
    best, best_depth = 0, 0
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        pair = re.match(r"\s*([\w\"'.\- ]+?)\s*=", line)
        if header:
            table = _parts(header.group(1))
            here = table
        elif pair and not line.lstrip().startswith("#"):
            here = table + _parts(pair.group(1))
        else:
            continue
        depth = 0
        while depth < min(len(here), len(location)) and here[depth] == location[depth]:
            depth += 1
        if (depth == len(here) and depth > best_depth) or (depth == len(location) and best_depth < depth):
            best, best_depth = number, depth
    return best


def write_toml(values: dict[str, Any]) -> str:
    """Values as TOML text; None (not set) is left out, since TOML has no word for it."""
    import tomlkit

    return tomlkit.dumps(_without_none(values))


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _allowed_names(model: type[BaseModel], location: list[str]) -> list[str]:
    """The keys allowed in the table at `location`, walking nested options and named sub-tables."""
    current: Any = model
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            for name, info in current.model_fields.items():
                if part in (name, info.alias):
                    current = _table_type(info.annotation)
                    break
        else:  # dict[str, Table]: the part is a free name
            current = _table_type(current)
        if isinstance(current, tuple):
            current = current[0]
    if isinstance(current, type) and issubclass(current, BaseModel):
        return [info.alias or name for name, info in current.model_fields.items()]
    return []


def _table_type(annotation: Any) -> Any:
    """The options class in an annotation like ``Table | None`` or ``dict[str, Table]`` (wrapped to be walked again)."""
    origin = typing.get_origin(annotation)
    if origin is dict:
        return typing.cast(Any, _NamedTables(typing.get_args(annotation)[1]))
    if origin in (typing.Union, types.UnionType):
        for choice in typing.get_args(annotation):
            if choice is not type(None):
                found = _table_type(choice)
                if found is not None:
                    return found
    if isinstance(annotation, _NamedTables):
        return _table_type(annotation.table)
    return annotation


class _NamedTables:
    """Marks ``dict[str, Table]``: the next part of an address is a free name."""

    def __init__(self, table: Any) -> None:
        self.table = table
