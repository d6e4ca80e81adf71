"""What /v1 accepts: OpenAI's fields that we honour, every number bounded, everything else refused by name.

A field that we would ignore is an error: a client that asks for log-probabilities must not believe it got none.
Numbers are strict: true is not 1, NaN is no temperature.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from groundup.serve.options import MAX_ANSWERS, MAX_INPUTS, MAX_MESSAGES, MAX_SCHEMA, MAX_TEXT, MAX_TOKENS

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Share = Annotated[float, Field(strict=True, gt=0, le=1)]
Penalty = Annotated[float, Field(strict=True, ge=-2, le=2)]


class Part(BaseModel):
    """One part of a message's content; only text."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["text"]
    text: Text


class Message(BaseModel):
    """One turn."""

    model_config = ConfigDict(extra="forbid")
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[Part], Field(max_length=MAX_MESSAGES)]
    name: Annotated[str, Field(max_length=200)] | None = None  # of the speaker; our template has no place for it

    def plain(self) -> dict[str, str]:
        """The turn as our chat template wants it ("developer" is OpenAI's newer word for system)."""
        content = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": content}


class StreamOptions(BaseModel):
    """include_usage: one more chunk at the end with the counts of tokens."""

    model_config = ConfigDict(extra="forbid")
    include_usage: bool = False


class NamedSchema(BaseModel):
    """A JSON schema under a name, as OpenAI wraps it. strict is taken as true: the answer always follows."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=64)]
    description: Annotated[str, Field(max_length=1000)] | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None

    @field_validator("schema_")
    @classmethod
    def _bounded(cls, value: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(value)) > MAX_SCHEMA:
            raise ValueError(f"a schema has at most {MAX_SCHEMA:,} characters")
        return value


class ResponseFormat(BaseModel):
    """Plain text, any JSON object, or JSON of a schema."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None

    @model_validator(mode="after")
    def _schema_where_wanted(self) -> ResponseFormat:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError("json_schema comes with the type 'json_schema', and only with it")
        return self

    @property
    def schema_wanted(self) -> dict[str, Any] | None:
        """The schema the answer must follow; None for plain text."""
        if self.json_schema is not None:
            return self.json_schema.schema_
        return {"type": "object"} if self.type == "json_object" else None


class Wanted(BaseModel):
    """What chat and completion requests share. Left-out settings are greedy, as the model folder's own are."""

    model_config = ConfigDict(extra="forbid")
    model: Name
    max_tokens: Annotated[int, Field(strict=True, ge=1, le=MAX_TOKENS)] | None = None
    temperature: Annotated[float, Field(strict=True, ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None  # not OpenAI's; vLLM's spelling
    min_p: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None  # the same
    repetition_penalty: Annotated[float, Field(strict=True, gt=0, le=10)] | None = None  # the same
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Field(strict=True, ge=-100, le=100)]] | None = None
    n: Annotated[int, Field(strict=True, ge=1, le=MAX_ANSWERS)] | None = None
    seed: Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)] | None = None
    stop: Annotated[str, Field(min_length=1, max_length=100)] | list[str] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    user: Annotated[str, Field(max_length=500)] | None = None  # OpenAI's label for the end user; never stored

    @field_validator("stop")
    @classmethod
    def _few_short_stops(cls, value: str | list[str] | None) -> str | list[str] | None:
        if isinstance(value, list) and (len(value) > 4 or any(not 0 < len(text) <= 100 for text in value)):
            raise ValueError("at most 4 stop strings of 1 to 100 characters")
        return value

    @field_validator("logit_bias")
    @classmethod
    def _few_biases(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        if value and (len(value) > 300 or any(not key.isdecimal() or len(key) > 9 for key in value)):
            raise ValueError("at most 300 token ids")
        return value

    def sampling(self, default_max_tokens: int) -> dict[str, Any]:
        """The fields of `generate.sampling.Sampling` that were given."""
        values: dict[str, Any] = {"max_tokens": self.limit or default_max_tokens, "n": self.n or 1}
        names = (
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "repetition_penalty",
            "presence_penalty",
            "frequency_penalty",
        )
        values |= {name: getattr(self, name) for name in (*names, "seed") if getattr(self, name) is not None}
        if self.logit_bias:
            values["logit_bias"] = {int(key): bias for key, bias in self.logit_bias.items()}
        if self.stop:
            values["stop"] = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)
        return values

    @property
    def limit(self) -> int | None:
        """The longest answer asked for."""
        return self.max_tokens


class ChatRequest(Wanted):
    """POST /v1/chat/completions"""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    max_completion_tokens: Annotated[int, Field(strict=True, ge=1, le=MAX_TOKENS)] | None = None
    response_format: ResponseFormat | None = None
    logprobs: Literal[False] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None  # not yet: only the empty list

    @property
    def limit(self) -> int | None:
        """OpenAI's newer spelling wins."""
        return self.max_completion_tokens or self.max_tokens


class EmbeddingRequest(BaseModel):
    """POST /v1/embeddings"""

    model_config = ConfigDict(extra="forbid")
    model: Name
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_INPUTS)]
    encoding_format: Literal["float", "base64"] = "float"
    user: Annotated[str, Field(max_length=500)] | None = None  # never stored

    @property
    def texts(self) -> list[str]:
        """The texts, one or many."""
        return [self.input] if isinstance(self.input, str) else self.input


class CompletionRequest(Wanted):
    """POST /v1/completions"""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_ANSWERS)]
    echo: Literal[False] | None = None
    best_of: Literal[1] | None = None
    logprobs: None = None

    @model_validator(mode="after")
    def _one_prompt_when_streaming(self) -> CompletionRequest:
        if self.stream and isinstance(self.prompt, list) and len(self.prompt) > 1:
            raise ValueError("a stream carries the answers to one prompt")
        return self
