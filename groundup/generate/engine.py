"""The engine: one model, everything that reads or writes text with it.

    engine = Engine(bundle)
    engine.generate([ids, ...], Sampling(max_tokens=20))     many prompts at once (continuous batching inside)
    engine.stream(ids, Sampling(...))                        text as it comes
    engine.chat([{"role": "user", "content": "Hello"}])      the chat template around generate
    engine.fill_gap(before, after)                           what belongs between two texts
    engine.score([(context_ids, continuation_ids), ...])     log-probabilities of given continuations
    engine.token_logprobs(ids)                               log-probability of every token of a text

A prompt that leaves no room for an answer is an error; an answer that fills the context ends with finish "length".
`chat` leaves out the oldest turns instead, as long as the last one fits, and says how many.

Legend: B rows, T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from groundup.core.errors import UsageError
from groundup.generate.constrain import Allow
from groundup.generate.sampling import Sampling
from groundup.generate.scheduler import MAX_ROWS, Generated, Request, Scheduler, Token
from groundup.generate.scoring import Scored, score_pairs, token_logprobs
from groundup.tokenizer.special import END_OF_TEXT, FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX

Messages = Sequence[dict[str, Any]]


class Engine:
    """Reads and writes text with a model and its tokenizer (a `model.bundle.Bundle`). Calls do not share state.

    max_rows: how many answers are computed side by side.
    """

    def __init__(self, bundle: Any, *, max_rows: int = MAX_ROWS) -> None:
        self.model = bundle.model.eval()
        self.tokenizer = bundle.tokenizer
        self.max_rows = max_rows
        self.context_length: int = bundle.model.config.context_length

    def generate(
        self,
        prompts_ids: Sequence[Sequence[int]],
        sampling: Sampling | Sequence[Sampling] = Sampling(),
        on_token: Callable[[int, Token], None] | None = None,
        stop: Callable[[], bool] | None = None,
        *,
        allow: Callable[[int], Allow] | None = None,
    ) -> list[Generated]:
        """Answers in the order of the prompts; with `sampling.n` > 1 the answers to one prompt stand together.

        sampling: one for all, or one a prompt. on_token(number of the answer, token) is called as tokens come.
        stop() is asked before every token; True ends all answers there ("cancelled"), and what they have is returned.
        allow(number of the answer) gives the hook that holds this answer to a form (see `constrain.Constrainer`).
        Raises UsageError for a prompt that is empty or leaves no room for an answer.
        """
        each = [sampling] * len(prompts_ids) if isinstance(sampling, Sampling) else list(sampling)
        if len(each) != len(prompts_ids):
            raise UsageError(f"{len(prompts_ids)} prompts came with {len(each)} samplings.")
        requests: list[Request] = []
        for prompt_ids, one in zip(prompts_ids, each, strict=True):
            for answer in range(one.n):
                tell = None if on_token is None else _numbered(on_token, len(requests))
                held = None if allow is None else allow(len(requests))
                requests.append(Request(prompt_ids, one, answer=answer, on_token=tell, allow=held))
        scheduler = Scheduler(self.model, self.tokenizer, max_rows=self.max_rows)
        for request in requests:
            scheduler.submit(request)
        while not scheduler.is_idle:
            if stop is not None and stop():
                for request in requests:
                    scheduler.cancel(request)
                break
            scheduler.step()
        return [request.result() for request in requests]

    def stream(
        self,
        prompt_ids: Sequence[int],
        sampling: Sampling = Sampling(),
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[str]:
        """The text of one answer in pieces, never part of a stop string. Closing the iterator ends the work."""
        if sampling.n != 1:
            raise UsageError("A stream carries one answer; n must be 1.")
        pieces: list[str] = []
        scheduler = Scheduler(self.model, self.tokenizer)
        request = Request(prompt_ids, sampling, on_token=lambda token: pieces.append(token.text))
        scheduler.submit(request)
        while not scheduler.is_idle:
            if stop is not None and stop():
                scheduler.cancel(request)
            else:
                scheduler.step()
            yield from (piece for piece in pieces if piece)
            pieces.clear()

    def chat(
        self,
        messages: Messages,
        sampling: Sampling = Sampling(),
        *,
        tools: Sequence[dict[str, Any]] | None = None,
        on_token: Callable[[int, Token], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Generated:
        """The assistant's next turn. See `chat_prompt` for what happens when the conversation is too long."""
        ids, _ = self.chat_prompt(messages, sampling, tools=tools)
        return self.generate([ids], replace(sampling, n=1), on_token, stop)[0]

    def chat_prompt(
        self, messages: Messages, sampling: Sampling = Sampling(), *, tools: Sequence[dict[str, Any]] | None = None
    ) -> tuple[list[int], int]:
        """The ids of a conversation, ready for the assistant's turn, and how many old turns were left out to fit.

        Turns are left out oldest first, system turns and the last turn never, until a quarter of the context or
        max_tokens (whichever is less) is free for the answer. UsageError when the last turn alone is too long.
        """
        from groundup.tokenizer.chat import render

        room = min(sampling.max_tokens, max(1, self.context_length // 4))  # taste: a quarter for the answer
        kept = list(messages)
        left_out = 0
        while True:
            ids = render(self.tokenizer, kept, tools=tools, add_generation_prompt=True).ids
            if len(ids) + room <= self.context_length:
                return ids, left_out
            oldest = next((n for n, turn in enumerate(kept[:-1]) if turn.get("role") != "system"), None)
            if oldest is None:
                raise UsageError(
                    f"The last message makes {len(ids):,} tokens; the model reads {self.context_length:,}, "
                    "answer included.",
                    repair="Shorten the message.",
                )
            del kept[oldest]
            left_out += 1

    def gap_prompt(self, before: str, after: str) -> list[int]:
        """The ids of a text with a gap, so that the model writes what belongs into it (fill in the middle, Bavarian
        et al. 2022, prefix first). UsageError for a tokenizer without the tokens for it."""
        special, encode = self.tokenizer.special, self.tokenizer.encode
        names = (END_OF_TEXT, FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE)
        if any(name not in special for name in names):
            raise UsageError("This model's tokenizer has no tokens for filling a gap.", repair="Leave out the suffix.")
        start, prefix, suffix, middle = (special[name] for name in names)
        return [start, prefix, *encode(before), suffix, *encode(after), middle]

    def fill_gap(self, before: str, after: str, sampling: Sampling = Sampling()) -> Generated:
        """What belongs between two texts. Only a model whose training text had gaps of this kind does it well."""
        return self.generate([self.gap_prompt(before, after)], replace(sampling, n=1))[0]

    def score(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Scored]:
        """The log-probability of each continuation after its context, in order. See `scoring.score_pairs`."""
        return score_pairs(self.model, self.tokenizer, pairs)

    def token_logprobs(self, ids: Sequence[int]) -> np.ndarray:
        """(T,) float64: log p(ids[t] | ids[:t]); the first is nan. See `scoring.token_logprobs` for long texts."""
        return token_logprobs(self.model, ids)

    @torch.inference_mode()
    def next_token_probabilities(self, ids: Sequence[int]) -> np.ndarray:
        """(V,) float32: how probable each token is after `ids` (at most a context of them)."""
        if not 0 < len(ids) <= self.context_length:
            raise UsageError(f"Between 1 and {self.context_length:,} tokens are needed; came: {len(ids):,}.")
        ids_BT = torch.tensor([list(ids)], device=next(self.model.parameters()).device)
        hidden_BTD = self.model(ids_BT)
        probabilities: np.ndarray = self.model.logits(hidden_BTD[:, -1:])[0, 0].float().softmax(-1).cpu().numpy()
        return probabilities


def _numbered(on_token: Callable[[int, Token], None], number: int) -> Callable[[Token], None]:
    return lambda token: on_token(number, token)
