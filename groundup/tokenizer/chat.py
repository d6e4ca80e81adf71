"""The chat template: one object for training, evaluation, server and export.

    <|endoftext|> then per turn <|ROLE|>CONTENT<|end|>; the model answers after <|assistant|>

Tools are listed in the system turn, one JSON object a line; an assistant's call is
<|tool_call|>{"name": ..., "arguments": ...}<|tool_end|> inside its turn; what the tool gave back is a turn of
role "tool". `render` builds ids directly, so nothing a user writes can become a special token; `TEMPLATE` says the
same as Jinja text for readers of the model folder, and a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundup.core.errors import DataError, near
from groundup.tokenizer.base import Tokenizer
from groundup.tokenizer.special import ASSISTANT, END, END_OF_TEXT, SYSTEM, TOOL, TOOL_CALL, TOOL_END, USER

ROLES = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT, "tool": TOOL}

TEMPLATE = """\
{{- '<|endoftext|>' -}}
{%- if tools -%}
    {{- '<|system|>' -}}
    {%- if messages and messages[0]['role'] == 'system' -%}
        {{- messages[0]['content'] + '\\n\\n' -}}
    {%- endif -%}
    {{- 'Tools:' -}}
    {%- for tool in tools -%}
        {{- '\\n' + (tool | tojson) -}}
    {%- endfor -%}
    {{- '<|end|>' -}}
{%- endif -%}
{%- for message in messages -%}
    {%- if not (tools and loop.first and message['role'] == 'system') -%}
        {{- '<|' + message['role'] + '|>' + (message['content'] or '') -}}
        {%- for call in message['tool_calls'] or [] -%}
            {%- set function = call['function'] or call -%}
            {{- '<|tool_call|>{"name": ' + (function['name'] | tojson) + ', "arguments": ' -}}
            {%- if function['arguments'] is string -%}
                {{- function['arguments'] -}}
            {%- else -%}
                {{- function['arguments'] | tojson -}}
            {%- endif -%}
            {{- '}<|tool_end|>' -}}
        {%- endfor -%}
        {{- '<|end|>' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>' -}}
{%- endif -%}
"""


@dataclass(frozen=True)
class Rendered:
    """A chat as ids. learn[i] is True where the loss counts: what the assistant wrote, and its <|end|>."""

    ids: list[int]
    learn: list[bool]


def render(
    tokenizer: Tokenizer,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]] | None = None,
    add_generation_prompt: bool = False,
) -> Rendered:
    """Messages -> ids and the mask of what is learned.

    messages: ``{"role": "system" | "user" | "assistant" | "tool", "content": str}``, an assistant's also with
    ``"tool_calls": [{"function": {"name", "arguments"}}]``. tools: JSON schemas of functions. Raises DataError for
    an unknown role or a content that is no text. A foreign tokenizer renders by its own template.
    """
    for message in messages:
        _check(message)
    if tokenizer.chat_template:
        from groundup.tokenizer.template import render_foreign

        return render_foreign(tokenizer, messages, tools, add_generation_prompt)
    if tokenizer.is_foreign:
        raise DataError(
            "This tokenizer has no chat template: it belongs to a base model that was not tuned to chat.",
            repair="Tune it first ([finetune.chat]), or use generate instead of chat.",
        )
    special = tokenizer.special
    ids = [special[END_OF_TEXT]]
    learn = [False]

    def add(new: list[int], learned: bool) -> None:
        ids.extend(new)
        learn.extend([learned] * len(new))

    rest = list(messages)
    if tools:
        head = f"{rest.pop(0)['content']}\n\n" if rest and rest[0]["role"] == "system" else ""
        listing = "Tools:" + "".join(f"\n{_json(tool)}" for tool in tools)
        add([special[SYSTEM], *tokenizer.encode(head + listing), special[END]], False)
    for message in rest:
        learned = message["role"] == "assistant"
        add([special[ROLES[message["role"]]]], False)
        add(tokenizer.encode(message.get("content") or ""), learned)
        for call in message.get("tool_calls") or []:
            add([special[TOOL_CALL], *tokenizer.encode(_call_text(call)), special[TOOL_END]], learned)
        add([special[END]], learned)
    if add_generation_prompt:
        add([special[ASSISTANT]], False)
    return Rendered(ids, learn)


@dataclass(frozen=True)
class Parsed:
    """What an assistant's ids say: text, and the calls it asks for ({"name", "arguments"})."""

    content: str
    tool_calls: list[dict[str, Any]]
    broken_calls: list[str]  # calls whose JSON does not read; given back as they were written


def parse(tokenizer: Tokenizer, ids: Sequence[int]) -> Parsed:
    """The way back from an assistant's turn: ids after <|assistant|>, with or without the closing <|end|>."""
    opening, closing = tokenizer.special.get(TOOL_CALL), tokenizer.special.get(TOOL_END)
    stops = {tokenizer.special.get(END), tokenizer.special.get(END_OF_TEXT)}
    text: list[int] = []
    call: list[int] | None = None
    calls: list[dict[str, Any]] = []
    broken: list[str] = []
    for place in [*ids, closing]:  # an unclosed call is closed at the end
        if place in stops:
            continue
        if place == opening and opening is not None:
            call = []
        elif place == closing:
            if call is not None:
                written = tokenizer.decode(call)
                value = _read_call(written)
                calls.append(value) if value is not None else broken.append(written)
            call = None
        else:
            (text if call is None else call).append(int(place))  # type: ignore[arg-type]
    return Parsed(tokenizer.decode(text), calls, broken)


def _read_call(written: str) -> dict[str, Any] | None:
    try:
        value = json.loads(written)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("name"), str) else None


def _check(message: dict[str, Any]) -> None:
    role = message.get("role")
    if role not in ROLES:
        raise DataError(f"A message has the unknown role {role!r}.", repair=near(str(role), ROLES))
    content = message.get("content")
    if not isinstance(content, str) and not (content is None and message.get("tool_calls")):
        raise DataError(f"The content of a message must be text; came {type(content).__name__}.")


def _call_text(call: dict[str, Any]) -> str:
    function = call.get("function") or call
    arguments = function.get("arguments", {})
    written = arguments if isinstance(arguments, str) else _json(arguments)
    return f'{{"name": {_json(function["name"])}, "arguments": {written}}}'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # the form transformers' tojson writes
