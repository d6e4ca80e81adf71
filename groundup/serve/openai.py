"""/v1: OpenAI's models, chat completions, completions and embeddings, with usage and errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response, StreamingResponse

from groundup.core.errors import UsageError
from groundup.serve.metrics import Metrics
from groundup.serve.models import Models
from groundup.serve.options import ServeOptions
from groundup.serve.requests import ChatRequest, CompletionRequest, EmbeddingRequest, Wanted
from groundup.serve.worker import Piece, Worker

# What an answer may hold when the client names no limit; taste: a paragraph. OpenAI's old default of 16 surprises.
DEFAULT_MAX_TOKENS = 256
FINISH = {"stop": "stop", "length": "length", "cancelled": "length"}  # OpenAI has no word for a passed deadline


def error_body(
    message: str, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> Any:
    """OpenAI's error shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def routes(worker: Worker, models: Models, options: ServeOptions, metrics: Metrics) -> APIRouter:
    """The /v1 routes over one worker."""
    router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])

    @router.get("/models")
    def list_models() -> dict[str, Any]:
        """Every model that can be named in a request."""
        return {"object": "list", "data": [_model(name) for name in models.model_ids()]}

    @router.get("/models/{name}")
    def one_model(name: str) -> Response:
        """One model."""
        if name not in models.model_ids():
            return _unknown_model(name)
        return JSONResponse(_model(name))

    @router.post("/chat/completions")
    async def chat(request: ChatRequest) -> Response:
        """The assistant's next turn."""
        fields: dict[str, Any] = {"messages": [message.plain() for message in request.messages]}
        if request.response_format is not None:
            fields["schema"] = request.response_format.schema_wanted
        shape = _Shape("chatcmpl-", "chat.completion", request.model, metrics)
        return await _respond(worker, models, options, request, [fields], shape)

    @router.post("/completions")
    async def completions(request: CompletionRequest) -> Response:
        """The text that follows a prompt."""
        prompts = [request.prompt] if isinstance(request.prompt, str) else request.prompt
        shape = _Shape("cmpl-", "text_completion", request.model, metrics)
        return await _respond(worker, models, options, request, [{"text": prompt} for prompt in prompts], shape)

    @router.post("/embeddings")
    async def embeddings(request: EmbeddingRequest) -> Response:
        """A vector of length 1 for each text: the mean of the model's last states (no model tuned for search)."""
        try:
            models.model_folder(request.model)
        except UsageError:
            return _unknown_model(request.model)
        texts = request.texts
        vectors, num_tokens = await worker.ask(request.model, lambda speaker: speaker.embed(texts))
        metrics.tokens("prompt", num_tokens)
        written: list[Any] = vectors
        if request.encoding_format == "base64":  # little-endian float32, as OpenAI's client reads it
            written = [base64.b64encode(np.asarray(one, dtype="<f4").tobytes()).decode("ascii") for one in vectors]
        data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(written)]
        usage = {"prompt_tokens": num_tokens, "total_tokens": num_tokens}
        return JSONResponse({"object": "list", "data": data, "model": request.model, "usage": usage})

    return router


class _Shape:
    """How OpenAI writes an answer: whole and in chunks, chat and completion."""

    def __init__(self, prefix: str, kind: str, model: str, metrics: Metrics) -> None:
        self.metrics = metrics
        self.id = prefix + secrets.token_hex(12)
        self.kind = kind
        self.model = model
        self.created = int(time.time())
        self.is_chat = kind == "chat.completion"

    def envelope(self, choices: list[Any], **more: Any) -> dict[str, Any]:
        return {"id": self.id, "created": self.created, "model": self.model, "choices": choices, **more}

    def whole(self, texts: list[str], finishes: list[str], usage: dict[str, int]) -> dict[str, Any]:
        choices = []
        for index, (text, finish) in enumerate(zip(texts, finishes, strict=True)):
            said = (
                {"message": {"role": "assistant", "content": text, "refusal": None}} if self.is_chat else {"text": text}
            )
            choices.append({"index": index, **said, "logprobs": None, "finish_reason": FINISH[finish]})
        return self.envelope(choices, object=self.kind, usage=usage)

    def chunk(self, piece: Piece, *, first: bool) -> str:
        finish = FINISH[piece.finish] if piece.finish else None
        if self.is_chat:
            delta: dict[str, Any] = {"role": "assistant", "content": ""} if first else {}
            if piece.text:
                delta["content"] = piece.text
            said: dict[str, Any] = {"delta": delta}
        else:
            said = {"text": piece.text}
        choice = {"index": piece.index, **said, "logprobs": None, "finish_reason": finish}
        return self.line(self.envelope([choice], object="chat.completion.chunk" if self.is_chat else self.kind))

    @staticmethod
    def line(value: Any) -> str:
        return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


async def _respond(
    worker: Worker, models: Models, options: ServeOptions, request: Wanted, prompts: list[dict[str, Any]], shape: _Shape
) -> Response:
    try:
        models.model_folder(request.model)
    except UsageError:
        return _unknown_model(request.model)
    sampling = request.sampling(DEFAULT_MAX_TOKENS)
    streams = [
        worker.answer(
            {"model": request.model, "sampling": sampling, **prompt}, deadline_seconds=options.deadline_seconds
        )
        for prompt in prompts
    ]
    if request.stream:
        # The first piece is awaited here: what is wrong with the request is then an error, not a broken stream.
        first = await anext(streams[0])
        with_usage = bool(request.stream_options and request.stream_options.include_usage)
        body = _stream(first, streams[0], shape, with_usage)
        return StreamingResponse(body, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
    num_answers = sampling["n"]
    texts, finishes = [""] * (len(prompts) * num_answers), [""] * (len(prompts) * num_answers)
    usage = _Usage(shape.metrics)
    for number, pieces in enumerate(await _side_by_side(streams)):
        for piece in pieces:
            place = number * num_answers + piece.index
            texts[place] += piece.text
            finishes[place] = piece.finish or finishes[place]
            usage.add(piece, number)
    return JSONResponse(shape.whole(texts, finishes, usage.value()))


async def _side_by_side(streams: list[AsyncIterator[Piece]]) -> list[list[Piece]]:
    """All pieces of several streams that run at once; the first error ends them all."""

    async def whole(stream: AsyncIterator[Piece]) -> list[Piece]:
        return [piece async for piece in stream]

    tasks = [asyncio.create_task(whole(stream)) for stream in streams]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stream(first: Piece, rest: AsyncIterator[Piece], shape: _Shape, with_usage: bool) -> AsyncIterator[str]:
    usage = _Usage(shape.metrics)
    met: set[int] = set()
    try:
        piece: Piece | None = first
        while piece is not None:
            usage.add(piece, 0)
            if shape.is_chat and piece.index not in met:
                met.add(piece.index)
                yield shape.chunk(Piece(piece.index), first=True)
            yield shape.chunk(piece, first=False)
            piece = await anext(rest, None)
        if with_usage:
            kind = "chat.completion.chunk" if shape.is_chat else shape.kind
            yield shape.line(shape.envelope([], object=kind, usage=usage.value()))
        yield "data: [DONE]\n\n"
    except Exception as error:  # the headers are sent: the error goes where the client reads
        yield shape.line(error_body(str(error), "server_error"))
    finally:
        await rest.aclose()  # type: ignore[attr-defined]


class _Usage:
    """Tokens of a request: each prompt counted once, every answer's own added."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.prompts: dict[int, int] = {}
        self.completion = 0

    def add(self, piece: Piece, prompt: int) -> None:
        if piece.finish:
            if prompt not in self.prompts:
                self.metrics.tokens("prompt", piece.prompt_tokens)
            self.metrics.tokens("completion", piece.completion_tokens)
            self.prompts[prompt] = piece.prompt_tokens
            self.completion += piece.completion_tokens

    def value(self) -> dict[str, int]:
        prompt = sum(self.prompts.values())
        return {"prompt_tokens": prompt, "completion_tokens": self.completion, "total_tokens": prompt + self.completion}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "groundup"}


def _unknown_model(name: str) -> Response:
    message = f"The model '{name[:100]}' does not exist here."
    return JSONResponse(error_body(message, param="model", code="model_not_found"), status_code=404)
