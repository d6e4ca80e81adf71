"""How OpenAI writes an answer: whole and in chunks, chat and completion, with log-probabilities, tool calls and usage."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from groundup.serve.metrics import Metrics
from groundup.serve.worker import Piece, Said

# OpenAI has no word for a passed deadline.
FINISH = {"stop": "stop", "length": "length", "cancelled": "length", "content_filter": "content_filter"}


def error_body(
    message: str, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> Any:
    """OpenAI's error shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass
class Choice:
    """One answer, collected."""

    text: str = ""
    finish: str = ""
    tokens: list[Said] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)

    def add(self, piece: Piece) -> None:
        """One more piece."""
        self.text += piece.text
        self.tokens += piece.tokens
        self.finish = piece.finish or self.finish
        if piece.call is not None:
            self.calls.append(_call(piece.call))


class Shape:
    """One response: its id, its kind ("chat.completion" or "text_completion"), its model."""

    def __init__(self, kind: str, model: str, *, logprobs: bool) -> None:
        self.is_chat = kind == "chat.completion"
        self.id = ("chatcmpl-" if self.is_chat else "cmpl-") + secrets.token_hex(12)
        self.kind = kind
        self.model = model
        self.logprobs = logprobs
        self.created = int(time.time())
        self._num_calls: dict[int, int] = {}

    def whole(self, choices: list[Choice], usage: dict[str, int]) -> dict[str, Any]:
        """The answer to a request that does not stream."""
        written = []
        for index, choice in enumerate(choices):
            finish = FINISH[choice.finish]
            if self.is_chat:
                message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None}
                if choice.calls:
                    message |= {"content": choice.text or None, "tool_calls": choice.calls}
                    finish = "tool_calls" if finish == "stop" else finish
                said: dict[str, Any] = {"message": message}
            else:
                said = {"text": choice.text}
            logprobs = self._logprobs(choice.tokens)
            written.append({"index": index, **said, "logprobs": logprobs, "finish_reason": finish})
        return self._envelope(written, object=self.kind, usage=usage)

    def chunk(self, piece: Piece, *, first: bool = False) -> str:
        """One event of a stream. first: the one that opens a chat answer."""
        finish = FINISH[piece.finish] if piece.finish else None
        if self.is_chat:
            delta: dict[str, Any] = {"role": "assistant", "content": ""} if first else {}
            if piece.text:
                delta["content"] = piece.text
            if piece.call is not None:
                place = self._num_calls.get(piece.index, 0)
                self._num_calls[piece.index] = place + 1
                delta["tool_calls"] = [{"index": place, **_call(piece.call)}]
            if finish == "stop" and self._num_calls.get(piece.index):
                finish = "tool_calls"
            said: dict[str, Any] = {"delta": delta}
        else:
            said = {"text": piece.text}
        logprobs = self._logprobs(piece.tokens) if piece.tokens else None
        choice = {"index": piece.index, **said, "logprobs": logprobs, "finish_reason": finish}
        return line(self._envelope([choice], object=self._chunk_kind))

    def usage_chunk(self, usage: dict[str, int]) -> str:
        """The last event, with the counts."""
        return line(self._envelope([], object=self._chunk_kind, usage=usage))

    @property
    def _chunk_kind(self) -> str:
        return "chat.completion.chunk" if self.is_chat else self.kind

    def _envelope(self, choices: list[Any], **more: Any) -> dict[str, Any]:
        return {"id": self.id, "created": self.created, "model": self.model, "choices": choices, **more}

    def _logprobs(self, tokens: list[Said] | tuple[Said, ...]) -> dict[str, Any] | None:
        if not self.logprobs:
            return None
        if self.is_chat:
            content = [
                {**_token(one.text, one.logprob), "top_logprobs": [_token(*other) for other in one.top]}
                for one in tokens
            ]
            return {"content": content, "refusal": None}
        return {
            "tokens": [_shown(one.text) for one in tokens],
            "token_logprobs": [one.logprob for one in tokens],
            "top_logprobs": [{_shown(text): value for text, value in one.top} or None for one in tokens],
            "text_offset": [one.start for one in tokens],
        }


class Usage:
    """Tokens of a request: each prompt counted once, every answer's own added."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.prompts: dict[int, int] = {}
        self.completion = 0

    def add(self, piece: Piece, prompt: int) -> None:
        """A piece of an answer to prompt number `prompt`; the last one carries the counts."""
        if piece.finish:
            if prompt not in self.prompts:
                self.metrics.tokens("prompt", piece.prompt_tokens)
            self.metrics.tokens("completion", piece.completion_tokens)
            self.prompts[prompt] = piece.prompt_tokens
            self.completion += piece.completion_tokens

    @property
    def total(self) -> int:
        """All tokens."""
        return sum(self.prompts.values()) + self.completion

    def value(self) -> dict[str, int]:
        """In OpenAI's words."""
        prompt = sum(self.prompts.values())
        return {"prompt_tokens": prompt, "completion_tokens": self.completion, "total_tokens": self.total}


def line(value: Any) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _call(call: dict[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(call["arguments"], ensure_ascii=False)
    return {
        "id": f"call_{secrets.token_hex(12)}",
        "type": "function",
        "function": {"name": call["name"], "arguments": arguments},
    }


def _token(text: bytes, logprob: float | None) -> dict[str, Any]:
    return {"token": _shown(text), "logprob": logprob, "bytes": list(text)}


def _shown(text: bytes) -> str:
    """Bytes that are no whole character are written as OpenAI does: bytes:\\xf0\\x9f."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in text)
