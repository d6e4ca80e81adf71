"""Answers held to a form, token by token: a JSON schema, a regular expression, a choice, tool calls (llguidance).

Before each token the grammar says which tokens may come; all others are forbidden, so that even a tiny model writes
valid JSON. When few tokens are left, only those may come that bring the answer to its end: what has been begun is
closed, not cut. An answer for which not even the shortest form has room is refused before it starts.

No schema is fetched from anywhere (a remote `$ref` is refused), sizes are bounded, and the grammar's compiler works
under limits of its own (LIMITS): nothing a client writes can hold the thread for long. Nothing is kept between
answers, so that a thousand different schemas take no memory.

Legend: V vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.core.errors import MissingExtra, UsageError
from groundup.tokenizer.special import END, END_OF_TEXT, TOOL_CALL, TOOL_END

Allow = Callable[[list[int], int], Tensor | None]

MAX_WRITTEN = 32_000  # characters of a schema, pattern or list of choices; taste: far above what people write by hand
MAX_DEPTH = 64  # of nested schemas; taste
MAX_REPEAT = 2_000  # the largest number a pattern may repeat by; taste
# About a tenth of the library's own limits: some 20 ms to compile, some 15 ms a token at worst.
LIMITS: dict[str, Any] = {"initial_lexer_fuel": 1_000_000, "step_lexer_fuel": 200_000, "max_lexer_states": 20_000}
LONGEST_END = 400  # tokens of the way to an answer's end that are looked up; taste
SPARE = 3  # tokens kept besides: one token more may open what needs two to close (a quote and a comma); taste
NEVER_LOOK, MAX_ROOM = -1, 10**9


@dataclass(frozen=True)
class Form:
    """What an answer must look like. kind: "json" (value: a schema), "regex" (a pattern), "choice" (texts), "tools".

    tools: value is {"tools": [{"name", "parameters"}], "required": a call must come, "parallel": several may}.
    """

    kind: str
    value: Any


class Constrainer:
    """Forms over one tokenizer: made once for a model, asked for every answer."""

    def __init__(self, tokenizer: Any) -> None:
        """Raises MissingExtra without llguidance, UsageError for a tokenizer without an end token."""
        try:
            import llguidance
        except ImportError:
            raise MissingExtra("llguidance", "structured", "An answer held to a form") from None
        ends = [tokenizer.special[name] for name in (END, END_OF_TEXT) if name in tokenizer.special]
        if not ends:
            raise UsageError("This model's tokenizer has no end token: its answers cannot be held to a form.")
        self._tokenizer = tokenizer
        self._end = ends[0]
        self._guide = llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Words(tokenizer, self._end)))

    def allow(self, form: Form) -> Allow:
        """The `allow` hook of one answer. UsageError for a form that is none, or asks for what is not known."""
        from llguidance import LLMatcher, LLParserLimits

        limits = LLParserLimits(**LIMITS, verbose_errors=False)
        grammar = self._grammar(form)
        failed, messages = LLMatcher.validate_grammar_with_warnings(grammar, self._guide, limits=limits)
        if failed:
            raise UsageError(f"The form cannot be used: {_short('; '.join(messages))}.")
        matcher = LLMatcher(self._guide, grammar, log_level=0, limits=limits)
        return _Follower(matcher, self._tokenizer, self._end, form.kind)

    def _grammar(self, form: Form) -> str:
        from llguidance import LLMatcher

        written = json.dumps(form.value)
        if len(written) > MAX_WRITTEN:
            raise UsageError(f"The form has {len(written):,} characters; at most {MAX_WRITTEN:,} are read.")
        try:
            if form.kind == "json":
                _check_depth(form.value)
                # One space after ':' and ',': a small model that may write any white space writes nothing else.
                return str(LLMatcher.grammar_from_json_schema(written, defaults={"whitespace_flexible": False}))
            if form.kind == "regex":
                _check_repeats(form.value)
                return str(LLMatcher.grammar_from_regex(form.value))
            if form.kind == "choice":
                return str(LLMatcher.grammar_from_lark("start: " + " | ".join(map(_quoted, _choices(form.value)))))
            if form.kind == "tools":
                return str(LLMatcher.grammar_from_lark(self._tool_grammar(**form.value)))
        except ValueError as error:
            raise UsageError(f"The form cannot be used: {_short(str(error))}.") from None
        raise UsageError(f"There is no form '{form.kind}'.", repair="Allowed: json, regex, choice, tools.")

    def _tool_grammar(self, tools: Sequence[Mapping[str, Any]], required: bool, parallel: bool) -> str:
        """Text, then calls; or calls only. A call is ``<|tool_call|>{"name": ..., "arguments": {...}}<|tool_end|>``."""
        opening, closing = (self._tokenizer.special.get(name) for name in (TOOL_CALL, TOOL_END))
        if opening is None or closing is None:
            raise UsageError("This model's tokenizer has no tokens for tool calls.", repair="Leave out 'tools'.")
        calls = []
        for tool in tools:
            parameters = tool.get("parameters") or {"type": "object", "additionalProperties": False}
            _check_depth(parameters)
            named = {"name": {"const": tool["name"]}, "arguments": parameters}
            if "$defs" in parameters or "definitions" in parameters:  # references are read from the root
                named["arguments"] = {k: v for k, v in parameters.items() if k not in ("$defs", "definitions")}
            schema = {
                **{key: parameters[key] for key in ("$defs", "definitions") if key in parameters},
                "type": "object",
                "properties": named,
                "required": ["name", "arguments"],
                "additionalProperties": False,
                "x-guidance": {"whitespace_flexible": False},
            }
            calls.append(f"<[{opening}]> %json {json.dumps(schema)} <[{closing}]>")
        one = "\n".join(f"call_{number}: {call}" for number, call in enumerate(calls))
        any_call = "call: " + " | ".join(f"call_{number}" for number in range(len(calls)))
        some = "call+" if parallel else "call"
        start = f"start: {some}" if required else f"start: TEXT | TEXT {some}\nTEXT: /(.|\\n)*/"
        return f"{start}\n{any_call}\n{one}\n"


class _Follower:
    """Follows one answer through its grammar."""

    def __init__(self, matcher: Any, tokenizer: Any, end: int, kind: str) -> None:
        import llguidance.numpy as guide

        self.matcher = matcher
        self.num_read = 0
        self._end = end
        self._closing = _Closing(tokenizer, end) if kind in ("json", "tools") else None
        self._ending: list[int] | None = None  # when the end has begun: the tokens that are still to come
        self._look_at = NEVER_LOOK if self._closing is None else MAX_ROOM  # the way to the end is due at so much room
        self._vocabulary_size = tokenizer.vocabulary_size
        self._bits = guide.allocate_token_bitmask(1, self._vocabulary_size)
        self._opening: int | None = tokenizer.special[TOOL_CALL] if kind == "tools" else None
        self._call_needs = 0
        if self._opening is not None and self._closing is not None:
            called = matcher.deep_copy()
            if called.consume_tokens([self._opening]):
                self._call_needs = 1 + len(self._closing.tokens(called, self._mask) or [])

    def __call__(self, ids: list[int], room: int) -> Tensor:
        """(V,) True: this token may come next. room: tokens that may still come, the next one included."""
        new = ids[self.num_read :]
        self.num_read = len(ids)
        if new and not self.matcher.consume_tokens(new):
            raise UsageError(f"The answer left its form: {_short(self.matcher.get_error())}.")
        if self._opening in new:
            self._look_at = room  # a call was opened: its own way to the end
        if room <= self._look_at:
            self._see_to_the_end(ids, room)
        if self._ending:
            return self._only(self._ending.pop(0))
        mask_V = self._mask(self.matcher)
        if self._opening is not None and room < self._call_needs + SPARE and mask_V.sum() > 1:
            mask_V[self._opening] = False  # no room for a whole call: the text goes on without
        if not mask_V.any():
            if self.matcher.is_error():
                raise UsageError(f"The answer cannot be held to its form: {_short(self.matcher.get_error())}.")
            return self._only(self._end)
        return torch.from_numpy(mask_V)

    def _see_to_the_end(self, ids: list[int], room: int) -> None:
        """Begin the end when what closes the answer only just fits; refuse an answer that cannot even start."""
        if self._ending is not None or self._closing is None:
            return
        ending = self._closing.tokens(self.matcher.deep_copy(), self._mask)
        if ending is None:
            self._look_at = room // 2
            return
        if not ids and len(ending) > room:
            raise UsageError(
                f"max_tokens leaves {room} tokens; the shortest answer of this form needs {len(ending)}.",
                repair="Raise max_tokens.",
            )
        spare = room - len(ending) - SPARE
        if spare <= 0:
            self._ending = ending or None
        # Looked up again when half of the spare room is gone: what is opened until then fits into the other half.
        self._look_at = room - max(1, spare // 2)

    def _mask(self, matcher: Any) -> np.ndarray:
        """(V,) bool"""
        import llguidance.numpy as guide

        guide.fill_next_token_bitmask(matcher, self._bits, 0)
        return np.unpackbits(self._bits[0].view(np.uint8), bitorder="little")[: self._vocabulary_size].astype(bool)

    def _only(self, token: int) -> Tensor:
        mask_V = torch.zeros(self._vocabulary_size, dtype=torch.bool)
        mask_V[token] = True
        return mask_V


class _Closing:
    """The short way to the end of JSON text: close what is open, take the shortest value where one must come."""

    def __init__(self, tokenizer: Any, end: int) -> None:
        self._end = end
        single: dict[bytes, int] = {}
        for id_ in range(tokenizer.vocabulary_size):
            text = tokenizer.token_bytes(id_)
            if len(text) == 1:
                single.setdefault(text, id_)
        closing = tokenizer.special.get(TOOL_END)
        ends = [end, *([closing] if closing is not None else [])]
        openers = [single[one] for one in (b"[", b"{") if one in single]
        order = [single[bytes([one])] for one in b'}],:"0ntf ' if bytes([one]) in single]
        rest = sorted(set(single.values()) - set(order) - set(openers))
        self._outside = np.array([*ends, *order, *rest, *openers])
        quote = [single[b'"']] if b'"' in single else []
        self._inside = np.array([*ends, *quote, *(id_ for id_ in (*rest, *order) if id_ not in quote)])

    def tokens(self, matcher: Any, mask: Callable[[Any], np.ndarray]) -> list[int] | None:
        """The tokens from here to the end, the end token not counted; None when no short way was found."""
        found: list[int] = []
        for _ in range(LONGEST_END):
            if matcher.is_accepting() or matcher.is_stopped():
                return found
            mask_V = mask(matcher)
            order = self._inside if self._in_string(mask_V) else self._outside
            possible = order[mask_V[order]]
            # What cannot be said in single bytes: a special token of the grammar (the opening of a call).
            choice = int(possible[0]) if len(possible) else int(mask_V.argmax())
            if not mask_V[choice] or not matcher.consume_tokens([choice]):
                return None
            if choice == self._end:
                return found
            found.append(choice)
        return None

    def _in_string(self, mask_V: np.ndarray) -> bool:
        """Within a JSON string nearly every byte may come, outside of one at most some twenty."""
        return int(mask_V[self._outside].sum()) > 60


class _Words:
    """Our tokenizer as llguidance wants to see one."""

    def __init__(self, tokenizer: Any, end: int) -> None:
        self._encode = tokenizer.encode
        self.eos_token_id = end
        self.bos_token_id = None
        self.special_token_ids = sorted(tokenizer.special.values())
        special = set(self.special_token_ids)
        # A special token has no text; it needs a name of its own all the same.
        self.tokens = [
            b"<|%d|>" % id_ if id_ in special else tokenizer.token_bytes(id_)
            for id_ in range(tokenizer.vocabulary_size)
        ]

    def __call__(self, text: str | bytes) -> list[int]:
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        ids: list[int] = self._encode(words)
        return ids


def _check_depth(value: Any) -> None:
    """UsageError for a schema nested deeper than MAX_DEPTH; walked without recursion."""
    level = [value]
    for _ in range(2 * MAX_DEPTH):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _members(one)]
        if not level:
            return
    raise UsageError(f"The schema is nested more than {MAX_DEPTH} levels deep.")


def _members(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _check_repeats(pattern: str) -> None:
    """UsageError for {10000}-like repeats: what they compile to grows with the number."""
    if not isinstance(pattern, str) or not pattern:
        raise UsageError("A pattern must be a text that is not empty.")
    numbers = "".join(character if character.isdecimal() else " " for character in pattern).split()
    if any(len(number) > 6 or int(number) > MAX_REPEAT for number in numbers):
        raise UsageError(f"A pattern may repeat at most {MAX_REPEAT:,} times.")


def _choices(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(one, str) and one for one in value):
        raise UsageError("A choice must be a list of texts, none of them empty.")
    return list(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _short(message: str) -> str:
    return " ".join(message.split())[:300].rstrip(".")
