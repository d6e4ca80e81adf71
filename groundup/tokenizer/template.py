"""Rendering a chat by the Jinja template of somebody else's model folder, in a sandbox.

The template comes from a file, so it runs in jinja2's immutable sandbox: no attribute with an underscore, no change
of what is handed in. Its text is encoded with special tokens recognised, as its authors mean it; so here, unlike in
our own template, a user who writes a special token's name can forge one. `render_foreign` therefore breaks such
names in what users and tools wrote.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from groundup.core.errors import DataError
from groundup.tokenizer.base import Tokenizer
from groundup.tokenizer.chat import Rendered


def render_foreign(
    tokenizer: Tokenizer,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]] | None = None,
    add_generation_prompt: bool = False,
) -> Rendered:
    """Messages -> ids by the folder's template; learn marks what each assistant turn adds to the chat before it."""
    safe = [_harmless(message, tokenizer) for message in messages]
    text = _render_text(tokenizer, safe, tools, add_generation_prompt)
    learned: list[tuple[int, int]] = []  # character ranges
    for place, message in enumerate(safe):
        if message["role"] == "assistant":
            before = _render_text(tokenizer, safe[:place], tools, True)
            after = _render_text(tokenizer, safe[: place + 1], tools, False)
            if text.startswith(before) and text.startswith(after):
                learned.append((len(before), len(after)))
    ids: list[int] = []
    learn: list[bool] = []
    position = 0
    for start, end in [*learned, (len(text), len(text))]:
        for part, counts in ((text[position:start], False), (text[start:end], True)):
            new = tokenizer.encode_with_special(part)
            ids += new
            learn += [counts] * len(new)
        position = end
    return Rendered(ids, learn)


def _render_text(
    tokenizer: Tokenizer, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] | None, prompt: bool
) -> str:
    import jinja2
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(reason: str) -> None:
        raise DataError(f"The model's chat template refuses these messages: {reason}")

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    environment.globals["raise_exception"] = refuse
    try:
        template = environment.from_string(tokenizer.chat_template)
        return template.render(
            messages=list(messages),
            tools=list(tools) if tools else None,
            add_generation_prompt=prompt,
            **tokenizer.named_special(),
        )
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise DataError(f"The model's chat template fails on these messages: {error}.") from None


def _harmless(message: dict[str, Any], tokenizer: Tokenizer) -> dict[str, Any]:
    content = message.get("content")
    if message["role"] == "assistant" or not isinstance(content, str):
        return message
    for name in tokenizer.special:
        # A zero-width space after the first character: reads the same, is no longer the token.
        content = content.replace(name, f"{name[0]}\u200b{name[1:]}")
    return {**message, "content": content}
