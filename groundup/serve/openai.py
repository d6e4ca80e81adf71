"""/v1: OpenAI's models, chat completions, completions and embeddings, with usage and errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from groundup.core.errors import UsageError
from groundup.serve.answers import Choice, Shape, Usage, error_body, line
from groundup.serve.limits import SPENT, Limits, Spent, owner_of
from groundup.serve.metrics import Metrics
from groundup.serve.models import Models
from groundup.serve.options import ServeOptions
from groundup.serve.requests import ChatRequest, CompletionRequest, EmbeddingRequest, Wanted
from groundup.serve.worker import Piece, Worker

# What an answer may hold when the client names no limit; taste: a paragraph. OpenAI's old default of 16 surprises.
DEFAULT_MAX_TOKENS = 256


def routes(worker: Worker, models: Models, options: ServeOptions, metrics: Metrics, limits: Limits) -> APIRouter:
    """The /v1 routes over one worker."""
    router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])
    house = House(worker, models, options, metrics, limits)

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
    async def chat(request: ChatRequest, asked: Request) -> Response:
        """The assistant's next turn."""
        shape = Shape("chat.completion", request.model, logprobs=bool(request.logprobs))
        return await house.answer(request, [request.job()], shape, asked)

    @router.post("/completions")
    async def completions(request: CompletionRequest, asked: Request) -> Response:
        """The text that follows a prompt, fills its gap (suffix), or how probable the prompt is (echo, logprobs)."""
        shape = Shape("text_completion", request.model, logprobs=request.logprobs is not None)
        return await house.answer(request, request.jobs(), shape, asked)

    @router.post("/embeddings")
    async def embeddings(request: EmbeddingRequest, asked: Request) -> Response:
        """A vector of length 1 for each text: the mean of the model's last states (no model tuned for search)."""
        if not house.knows(request.model):
            return _unknown_model(request.model)
        texts = request.texts
        spent = limits.admit(owner_of(asked), sum(map(cost_of_text, texts)))
        asked.scope[SPENT] = spent
        vectors, num_tokens = await worker.ask(request.model, lambda speaker: speaker.embed(texts))
        spent.settle(num_tokens)
        metrics.tokens("prompt", num_tokens)
        written: list[Any] = vectors
        if request.encoding_format == "base64":  # little-endian float32, as OpenAI's client reads it
            written = [base64.b64encode(np.asarray(one, dtype="<f4").tobytes()).decode("ascii") for one in vectors]
        data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(written)]
        usage = {"prompt_tokens": num_tokens, "total_tokens": num_tokens}
        return JSONResponse({"object": "list", "data": data, "model": request.model, "usage": usage})

    return router


class House:
    """What answering needs, held together."""

    def __init__(self, worker: Worker, models: Models, options: ServeOptions, metrics: Metrics, limits: Limits) -> None:
        self.worker, self.models, self.options, self.metrics, self.limits = worker, models, options, metrics, limits

    def knows(self, name: str) -> bool:
        """Is there a model of that name?"""
        try:
            self.models.model_folder(name)
        except UsageError:
            return False
        return True

    async def answer(self, request: Wanted, prompts: list[dict[str, Any]], shape: Shape, asked: Request) -> Response:
        """Answer every prompt, whole or as a stream. The most it can cost is known before it is let in."""
        if not self.knows(request.model):
            return _unknown_model(request.model)
        sampling = request.sampling(DEFAULT_MAX_TOKENS)
        owner = owner_of(asked)
        spent = self.limits.admit(owner, cost_of(prompts, sampling))
        asked.scope[SPENT] = spent  # the guard closes it, whatever becomes of the request
        usage = Usage(self.metrics)
        streams = [
            self.worker.answer(
                {"model": request.model, "sampling": sampling, "owner": owner, **prompt},
                deadline_seconds=self.options.deadline_seconds,
            )
            for prompt in prompts
        ]
        if request.stream:
            # The first piece is awaited here: what is wrong with the request is then an error, not a broken stream.
            first = await anext(streams[0])
            with_usage = bool(request.stream_options and request.stream_options.include_usage)
            body = _stream(first, streams[0], shape, usage, with_usage, spent)
            return StreamingResponse(body, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        choices = await _collect(streams, sampling["n"], usage)
        spent.settle(usage.total)
        return JSONResponse(shape.whole(choices, usage.value()))


def cost_of(prompts: list[dict[str, Any]], sampling: dict[str, Any]) -> int:
    """About as many tokens as a request can take at most: its texts, and all that may be answered."""
    texts = 0
    for prompt in prompts:
        turns = prompt.get("messages") or ()
        texts += sum(cost_of_text(prompt.get(name, "")) for name in ("text", "suffix", "begun"))
        texts += sum(cost_of_text(str(turn.get("content") or "")) for turn in turns)
    return texts + len(prompts) * int(sampling["max_tokens"]) * int(sampling["n"])


def cost_of_text(text: str) -> int:
    """Tokens of a text, estimated before anything reads it: three bytes each, about what small vocabularies reach."""
    return len(text.encode("utf-8", "replace")) // 3 + 1


async def _collect(streams: list[AsyncIterator[Piece]], num_answers: int, usage: Usage) -> list[Choice]:
    choices = [Choice() for _ in range(len(streams) * num_answers)]
    for number, pieces in enumerate(await _side_by_side(streams)):
        for piece in pieces:
            choices[number * num_answers + piece.index].add(piece)
            usage.add(piece, number)
    return choices


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


async def _stream(
    first: Piece, rest: AsyncIterator[Piece], shape: Shape, usage: Usage, with_usage: bool, spent: Spent
) -> AsyncIterator[str]:
    met: set[int] = set()
    try:
        piece: Piece | None = first
        while piece is not None:
            usage.add(piece, 0)
            if shape.is_chat and piece.index not in met:
                met.add(piece.index)
                yield shape.chunk(Piece(piece.index), first=True)
            yield shape.chunk(piece)
            piece = await anext(rest, None)
        if with_usage:
            yield shape.usage_chunk(usage.value())
        yield "data: [DONE]\n\n"
    except Exception as error:  # the headers are sent: the error goes where the client reads
        yield line(error_body(str(error), "server_error"))
    finally:
        spent.settle(usage.total)
        await rest.aclose()  # type: ignore[attr-defined]


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "groundup"}


def _unknown_model(name: str) -> Response:
    message = f"The model '{name[:100]}' does not exist here."
    return JSONResponse(error_body(message, param="model", code="model_not_found"), status_code=404)
