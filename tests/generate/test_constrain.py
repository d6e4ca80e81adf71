"""Answers held to a form: always valid, whatever the model would rather say, and never for long."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import torch

from groundup.core.errors import UsageError
from groundup.generate.constrain import MAX_DEPTH, Constrainer, Form
from groundup.tokenizer import Tokenizer
from groundup.tokenizer.chat import parse

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "n": {"type": "number"},
        "tree": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]},
    },
    "required": ["name", "tags", "n", "tree"],
    "additionalProperties": False,
    "$defs": {"tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}}}},
}
WEATHER = {
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
CLOCK = {"name": "clock", "parameters": None}


@pytest.fixture(scope="module")
def small() -> Tokenizer:
    return Tokenizer.train(["once there was a fox in the old mill"] * 3, kind="bpe", vocabulary_size=310)


@pytest.fixture(scope="module")
def constrainer(small: Tokenizer) -> Constrainer:
    return Constrainer(small)


def noise(constrainer: Constrainer, small: Tokenizer, form: Form, seed: int, room: int) -> tuple[list[int], bool]:
    """Tokens drawn at random among those allowed, and whether the answer came to its end."""
    allow = constrainer.allow(form)
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = []
    for left in range(room, 0, -1):
        mask_V = allow(ids, left)
        assert mask_V is not None and mask_V.any()
        drawn_V = torch.rand(len(mask_V), generator=generator).masked_fill(~mask_V, -1.0)
        token = int(drawn_V.argmax())
        if token == small.special["<|end|>"]:
            return ids, True
        ids.append(token)
    return ids, False


@pytest.mark.parametrize("room", [45, 60, 120])
def test_noise_becomes_valid_json_however_little_room_there_is(constrainer, small, room):
    for seed in range(6):
        ids, _ = noise(constrainer, small, Form("json", SCHEMA), seed, room)
        value = json.loads(small.decode(ids))
        assert list(value) == ["name", "tags", "n", "tree"] and isinstance(value["n"], int | float)


def test_too_little_room_for_any_answer_is_said(constrainer, small):
    with pytest.raises(UsageError, match="the shortest answer of this form needs"):
        noise(constrainer, small, Form("json", SCHEMA), 0, 20)


@pytest.mark.parametrize("parallel", [True, False])
def test_calls_that_must_come_come_whole(constrainer, small, parallel):
    value = {"tools": [WEATHER, CLOCK], "required": True, "parallel": parallel}
    for seed in range(6):
        ids, _ = noise(constrainer, small, Form("tools", value), seed, 70)
        said = parse(small, ids)
        assert said.content == "" and not said.broken_calls and said.tool_calls
        assert parallel or len(said.tool_calls) == 1
        for call in said.tool_calls:
            assert set(call) == {"name", "arguments"}
            assert isinstance(call["arguments"]["city"], str) if call["name"] == "weather" else not call["arguments"]


def test_calls_that_may_come_are_never_cut(constrainer, small):
    value = {"tools": [WEATHER], "required": False, "parallel": True}
    for seed in range(8):
        ids, _ = noise(constrainer, small, Form("tools", value), seed, 60)
        assert not parse(small, ids).broken_calls
    allow = constrainer.allow(Form("tools", value))
    opening = small.special["<|tool_call|>"]
    assert allow([], 60)[opening] and not constrainer.allow(Form("tools", value))([], 5)[opening]


def test_patterns_and_choices(constrainer, small):
    import re

    for seed in range(3):
        ids, ended = noise(constrainer, small, Form("regex", r"[A-Z]{3}-[0-9]{4}"), seed, 20)
        assert ended and re.fullmatch(r"[A-Z]{3}-[0-9]{4}", small.decode(ids))
        ids, ended = noise(constrainer, small, Form("choice", ["yes", 'so "so"\n', "no"]), seed, 20)
        assert ended and small.decode(ids) in ("yes", 'so "so"\n', "no")


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


BAD = [
    ("regex", "("),
    ("regex", ""),
    ("regex", "a{99999}"),
    ("regex", r"(a)\1"),  # back-references take exponential time elsewhere
    ("regex", "(?=a)b"),
    ("regex", "(" * 500 + ")" * 500),
    ("json", {"type": "nonsense"}),
    ("json", {"$ref": "http://127.0.0.1:9/a.json"}),
    ("json", nested(2 * MAX_DEPTH)),
    ("json", {"description": "x" * 40_000}),
    ("json", {"pattern": "a{9999999999}", "type": "string"}),
    ("choice", []),
    ("choice", [""]),
    ("xml", {}),
]


@pytest.mark.parametrize(("kind", "value"), BAD, ids=lambda value: str(value)[:20])
def test_a_form_that_cannot_be_is_an_error_with_words(constrainer, kind, value):
    with pytest.raises(UsageError):
        constrainer.allow(Form(kind, value))([], 50)


HARD = ["(a*)*b", "(x+x+)+y", "((a{1,90}){1,90}){1,90}", "(a|a)*c", "(.*a){30}", "[a-z]{0,2000}z", "(a?){100}a{100}"]


@pytest.mark.parametrize("pattern", HARD)
def test_a_pattern_that_explodes_elsewhere_is_over_soon_here(constrainer, pattern):
    start = time.process_time()
    try:
        allow = constrainer.allow(Form("regex", pattern))
        allow([], 50)
    except UsageError:
        pass
    assert time.process_time() - start < 2  # seconds of computing; what explodes takes years
