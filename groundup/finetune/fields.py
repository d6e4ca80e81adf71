"""Key information as JSON: one object of named values, read from what a model wrote and checked against a schema.

How much of it is right is counted by `metrics.fields`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def read_object(text: str) -> dict[str, Any] | None:
    """The JSON object a text is, or the first that stands in it; None when there is none."""
    start = text.find("{")
    while start >= 0:
        try:
            value, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        return value if isinstance(value, dict) else None
    return None


def canonical(value: Mapping[str, Any]) -> str:
    """An object as the text a model learns to write: fields in their order, one blank behind colon and comma."""
    return json.dumps(value, ensure_ascii=False)


def misfits(value: Mapping[str, Any] | None, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with an object by a schema of the kind people write by hand: required, properties, type, enum,
    items. [] when it fits. Other words of JSON Schema are not looked at."""
    return ["it is no JSON object"] if value is None else _misfits(value, schema, "")


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _misfits(value: Any, schema: Mapping[str, Any], path: str) -> list[str]:
    where = path or "the object"
    kinds = schema.get("type", [])
    wanted = [kinds] if isinstance(kinds, str) else list(kinds)
    is_bool = isinstance(value, bool)
    fits = any(isinstance(value, _TYPES.get(kind, ())) and (not is_bool or kind == "boolean") for kind in wanted)
    if wanted and not fits:
        return [f"{where} is not {' or '.join(wanted)}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where} is {value!r}, none of {schema['enum']}")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        found += [f"{name} is missing" for name in schema.get("required", []) if name not in value]
        if schema.get("additionalProperties") is False:
            found += [f"{name} is not asked for" for name in value if name not in properties]
        for name, inner in value.items():
            if name in properties:
                found += _misfits(inner, properties[name], f"{path}.{name}" if path else name)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for number, inner in enumerate(value):
            found += _misfits(inner, schema["items"], f"{path}[{number}]")
    return found
