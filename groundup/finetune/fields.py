"""Key information as JSON: one object of named values, read from what a model wrote and compared field by field.

A field is its path and its value: {"who": {"name": "Ann"}, "days": [2, 3]} has who.name = Ann, days = 2 and days = 3
(the order of a list does not count). Values are compared as texts, but for case and outer blanks. Field F1 is the
micro F1 over all fields of all texts (as in key information extraction, CORD and SROIE).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

MAX_DEPTH = 8  # taste: deeper nesting in an answer of a small model is babble


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


def fields_of(value: Any, path: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """(path, value as text) of every field; empty values are no fields."""
    if depth > MAX_DEPTH:
        return []
    if isinstance(value, dict):
        found = []
        for name, inner in value.items():
            found += fields_of(inner, f"{path}.{name}" if path else str(name), depth + 1)
        return found
    if isinstance(value, list):
        return [field for inner in value for field in fields_of(inner, path, depth + 1)]
    text = "" if value is None else str(value).strip().lower()
    return [(path, text)] if text else []


def field_f1(gold: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any] | None]) -> float:
    """Micro F1 over fields; an answer that is no object claims nothing. Two empty sides agree."""
    right = claims = truths = 0
    for wanted, found in zip(gold, given, strict=True):
        truth, claim = Counter(fields_of(wanted)), Counter(fields_of(found or {}))
        right += sum((truth & claim).values())
        claims, truths = claims + sum(claim.values()), truths + sum(truth.values())
    if not claims and not truths:
        return 1.0
    return 2 * right / (claims + truths)


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
