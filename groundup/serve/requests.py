"""What /v1 accepts: OpenAI's fields that we honour, every number bounded, everything else refused by name.

A field that we would ignore is an error: a client that asks for a thing must not believe it got it.
Numbers are strict: true is not 1, NaN is no temperature.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from groundup.serve.options import (
    MAX_ANSWERS,
    MAX_INPUTS,
    MAX_MESSAGES,
    MAX_SCHEMA,
    MAX_TEXT,
    MAX_TOKENS,
    MAX_TOOLS,
    MAX_TOP,
)

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Share = Annotated[float, Field(strict=True, gt=0, le=1)]
Penalty = Annotated[float, Field(strict=True, ge=-2, le=2)]
FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


def _of_bounded_size(schema: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(schema)) > MAX_SCHEMA:
        raise ValueError(f"a schema has at most {MAX_SCHEMA:,} characters")
    return schema


class Part(BaseModel):
    """One part of a message's content; only text."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["text"]
    text: Text


class Called(BaseModel):
    """The function of a call that was made: its name, and its arguments as JSON text."""

    model_config = ConfigDict(extra="forbid")
    name: FunctionName
    arguments: Annotated[str, Field(max_length=MAX_SCHEMA)]


class ToolCall(BaseModel):
    """A call the assistant made in an earlier turn."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(max_length=200)]
    type: Literal["function"] = "function"
    function: Called


class Message(BaseModel):
    """One turn."""

    model_config = ConfigDict(extra="forbid")
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | Annotated[list[Part], Field(max_length=MAX_MESSAGES)] | None = None
    name: Annotated[str, Field(max_length=200)] | None = None  # of the speaker; our template has no place for it
    refusal: None = None  # what the client read in an answer of ours, and sends back
    tool_calls: Annotated[list[ToolCall], Field(max_length=MAX_TOOLS)] | None = None
    tool_call_id: Annotated[str, Field(max_length=200)] | None = None  # which call a tool answers; order tells it too

    @model_validator(mode="after")
    def _each_role_its_fields(self) -> Message:
        if self.tool_calls and self.role != "assistant":
            raise ValueError("only an assistant makes tool_calls")
        if self.tool_call_id is not None and self.role != "tool":
            raise ValueError("only a tool answers a tool_call_id")
        if self.content is None and not self.tool_calls:
            raise ValueError("a message has content")
        return self

    def plain(self) -> dict[str, Any]:
        """The turn as our chat template wants it ("developer" is OpenAI's newer word for system)."""
        content = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content or ())
        turn: dict[str, Any] = {"role": "system" if self.role == "developer" else self.role, "content": content}
        if self.tool_calls:
            turn["tool_calls"] = [{"function": call.function.model_dump()} for call in self.tool_calls]
        return turn


class Function(BaseModel):
    """A function the model may call. parameters: a JSON schema of an object. strict is taken as true: calls always
    follow."""

    model_config = ConfigDict(extra="forbid")
    name: FunctionName
    description: Annotated[str, Field(max_length=4000)] | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    @field_validator("parameters")
    @classmethod
    def _bounded(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if value is None else _of_bounded_size(value)


class Tool(BaseModel):
    """OpenAI's wrapping of a function."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["function"]
    function: Function


class NamedFunction(BaseModel):
    """The name of the function that must be called."""

    model_config = ConfigDict(extra="forbid")
    name: FunctionName


class ToolChoice(BaseModel):
    """This function must be called."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["function"]
    function: NamedFunction


class Structure(BaseModel):
    """vLLM's spelling of a form: a JSON schema, a regular expression, or a choice of texts. One of them."""

    model_config = ConfigDict(extra="forbid")
    json_: Annotated[dict[str, Any] | None, Field(alias="json")] = None
    regex: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    choice: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(min_length=1, max_length=500)]
        | None
    ) = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Structure:
        if sum(value is not None for value in (self.json_, self.regex, self.choice)) != 1:
            raise ValueError("exactly one of json, regex and choice")
        if self.json_ is not None:
            _of_bounded_size(self.json_)
        return self

    @property
    def form(self) -> tuple[str, Any]:
        """Kind and value of a `generate.constrain.Form`."""
        if self.json_ is not None:
            return "json", self.json_
        return ("regex", self.regex) if self.regex is not None else ("choice", self.choice)


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
        return _of_bounded_size(value)


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
    structured_outputs: Structure | None = None  # not OpenAI's; vLLM's spelling

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
        limit = default_max_tokens if self.limit is None else self.limit
        values: dict[str, Any] = {"max_tokens": limit, "n": self.n or 1}
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
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(strict=True, ge=0, le=MAX_TOP)] | None = None
    tools: Annotated[list[Tool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    continue_final_message: bool | None = None  # not OpenAI's; vLLM's spelling: go on where the last turn was cut off

    @model_validator(mode="after")
    def _fields_that_belong_together(self) -> ChatRequest:
        if self.continue_final_message and (len(self.messages) < 2 or self.messages[-1].role != "assistant"):
            raise ValueError("continue_final_message comes with a last message of the assistant, and one before it")
        if self.continue_final_message and self.form is not None:
            raise ValueError("an answer that is held to a form cannot be continued")
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs comes with logprobs: true")
        names = [tool.function.name for tool in self.tools or ()]
        if len(set(names)) < len(names):
            raise ValueError("two tools have the same name")
        if self.tool_choice is not None and not names and self.tool_choice != "none":
            raise ValueError("tool_choice comes with tools")
        if isinstance(self.tool_choice, ToolChoice) and self.tool_choice.function.name not in names:
            raise ValueError("tool_choice names none of the tools")
        forms = [self.structured_outputs, self.response_format and self.response_format.schema_wanted, self.offered]
        if sum(bool(form) for form in forms) > 1:
            raise ValueError("only one of response_format, structured_outputs and tools can hold an answer")
        return self

    @property
    def limit(self) -> int | None:
        """OpenAI's newer spelling wins."""
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    def offered(self) -> list[Function]:
        """The functions the model may call; none where calling is switched off."""
        return [] if self.tool_choice == "none" else [tool.function for tool in self.tools or ()]

    @property
    def form(self) -> tuple[str, Any] | None:
        """What holds the answer; None for free text."""
        if self.structured_outputs is not None:
            return self.structured_outputs.form
        if self.response_format is not None and self.response_format.schema_wanted is not None:
            return "json", self.response_format.schema_wanted
        if not self.offered:
            return None
        named = self.tool_choice.function.name if isinstance(self.tool_choice, ToolChoice) else None
        tools = [{"name": one.name, "parameters": one.parameters} for one in self.offered if named in (None, one.name)]
        required = named is not None or self.tool_choice == "required"
        # A function asked for by name is called once, as OpenAI does it.
        return "tools", {
            "tools": tools,
            "required": required,
            "parallel": self.parallel_tool_calls is not False and not named,
        }

    def job(self) -> dict[str, Any]:
        """The fields of a `worker.Job`."""
        tools = [{"type": "function", "function": one.model_dump(exclude_none=True)} for one in self.offered]
        turns = [message.plain() for message in self.messages]
        begun = str(turns.pop()["content"]) if self.continue_final_message else ""
        return {
            "messages": turns,
            "begun": begun,
            "tools": tools or None,
            "form": self.form,
            "logprobs": (self.top_logprobs or 0) if self.logprobs else None,
        }


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
    suffix: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] | None = None  # the answer fills the gap before it
    max_tokens: Annotated[int, Field(strict=True, ge=0, le=MAX_TOKENS)] | None = None  # 0: only score the prompt
    echo: bool | None = None
    best_of: Literal[1] | None = None
    logprobs: Annotated[int, Field(strict=True, ge=0, le=MAX_TOP)] | None = None

    @model_validator(mode="after")
    def _fields_that_belong_together(self) -> CompletionRequest:
        if self.stream and isinstance(self.prompt, list) and len(self.prompt) > 1:
            raise ValueError("a stream carries the answers to one prompt")
        if self.max_tokens == 0 and not self.echo:
            raise ValueError("max_tokens 0 comes with echo: there would be no answer")
        if self.suffix is not None and self.echo:
            raise ValueError("echo says what stands before an answer; a gap has something behind it too")
        return self

    def jobs(self) -> list[dict[str, Any]]:
        """The fields of a `worker.Job` for each prompt."""
        prompts = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        form = self.structured_outputs.form if self.structured_outputs is not None else None
        shared = {"suffix": self.suffix or "", "echo": bool(self.echo), "logprobs": self.logprobs, "form": form}
        return [{"text": prompt, **shared} for prompt in prompts]
