"""Continuous batching: requests join and leave a running batch between any two tokens.

The idea of Orca (Yu et al., OSDI 2022): schedule by the token, not by the request. `Scheduler.step()` first admits
waiting requests (first come, first served; among several owners the one with the fewest running) by reading their
prompts, then computes one more token for every running one. Rows have their own lengths (see `cache`), so a short
request never waits for a long one. Prompt tokens read per step are bounded, so that one long prompt does not hold up
all streams for long. Beginnings read before are not read again (see `prefixes`), and tokens that stood in the text
before are guessed (see `lookup`). Left out: preemption (a row keeps its place to the end) and paging (Kwon et al.
2023): rows are contiguous.

Legend: B rows, T time, D width, V vocabulary.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from groundup.core.errors import UsageError
from groundup.generate.cache import KVCache, cache_for, forward
from groundup.generate.detokenize import TextStream
from groundup.generate.lookup import Lookup
from groundup.generate.prefixes import Prefixes
from groundup.generate.sampling import Draws, Sampler, Sampling

MAX_ROWS = 32  # taste: on 2 cores the gain per row flattens before
GUESS_ROWS = 4  # with more rows than these the passes are busy enough; guesses that fail would cost; taste
PREFILL_TOKENS = 2048  # prompt tokens read per step, padding included; taste: a fraction of a second for 124M


@dataclass(frozen=True)
class Token:
    """One token of an answer. text: what may be shown because of it. logprob: under the model, before sampling rules.

    top: the most probable tokens at this place, id -> log-probability (as many as `Sampling.top_logprobs`).
    """

    id: int
    text: str
    logprob: float
    top: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Generated:
    """One answer. ids are all tokens drawn but the end token; text ends before a stop string.

    finish: "stop" (end token or stop string), "length" (max_tokens or the context is full), "cancelled".
    """

    ids: list[int]
    text: str
    logprobs: list[float]
    finish: str
    top: list[dict[int, float]] = field(default_factory=list)
    num_prompt_tokens: int = 0


class Request:
    """One answer in the making. answer: its number among `sampling.n`.

    on_token is called with each `Token`; once more, with id -1, when text was held back until the end.
    allow: for constrained decoding; called with the ids so far and how many tokens may still come, returns a BoolTensor
    (V,) of what may come next, or None. owner: whose it is; owners share the rows fairly and never see each other's
    prefixes.
    """

    def __init__(
        self,
        prompt_ids: Sequence[int],
        sampling: Sampling,
        *,
        answer: int = 0,
        on_token: Callable[[Token], None] | None = None,
        allow: Callable[[list[int], int], Tensor | None] | None = None,
        owner: str = "",
    ) -> None:
        self.prompt_ids = list(prompt_ids)
        self.sampling = sampling
        self.on_token = on_token
        self.allow = allow
        self.owner = owner
        self.lookup = Lookup(prompt_ids) if sampling.guess else None
        self.draws = Draws(sampling.seed, answer)
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.top: list[dict[int, float]] = []
        self.finish = ""  # "" while it runs
        self.max_tokens = sampling.max_tokens
        self.text_stream: TextStream | None = None
        self.counts_V: Tensor | None = None
        self.seen_V: Tensor | None = None

    def result(self) -> Generated:
        """The answer as it stands."""
        text = self.text_stream.text if self.text_stream else ""
        return Generated(self.ids, text, self.logprobs, self.finish, self.top, len(self.prompt_ids))


class Scheduler:
    """Runs many requests on one model. Single-threaded: whoever owns it calls `submit`, `cancel` and `step`."""

    def __init__(self, model: Any, tokenizer: Any, *, max_rows: int = MAX_ROWS, prefix_bytes: int = 0) -> None:
        """prefix_bytes: memory for beginnings read before; 0 keeps none."""
        self.model = model
        self.prefixes = Prefixes(prefix_bytes)
        self.tokenizer = tokenizer
        self.max_rows = max_rows
        self.context_length: int = model.config.context_length
        self.device = next(model.parameters()).device
        ends = (tokenizer.special.get(name) for name in ("<|endoftext|>", "<|end|>"))
        self.end_ids = {token for token in ends if token is not None}  # a foreign tokenizer may lack one
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []  # running[b] is row b of the cache
        self._cache: KVCache | None = None
        self._sampler: Sampler | None = None

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing runs."""
        return not self.waiting and not self.running

    def submit(self, request: Request) -> None:
        """Queue a request. UsageError when its prompt is empty or leaves no room for an answer."""
        num_prompt = len(request.prompt_ids)
        if num_prompt == 0:
            raise UsageError("The prompt has no tokens.", repair="Begin with <|endoftext|>, as every text does.")
        if num_prompt >= self.context_length:
            raise UsageError(
                f"The prompt has {num_prompt:,} tokens; the model reads {self.context_length:,}, answer included.",
                repair="Shorten the prompt.",
            )
        request.max_tokens = min(request.sampling.max_tokens, self.context_length - num_prompt)
        request.text_stream = TextStream(self.tokenizer, request.sampling.stop)
        if request.max_tokens == 0:
            request.finish = "length"
        else:
            self.waiting.append(request)

    @torch.inference_mode()
    def cancel(self, request: Request) -> None:
        """Stop a request now and free its row; what it has so far stays in it. Finished ones are left as they are."""
        if request.finish:
            return
        if request in self.waiting:
            self.waiting.remove(request)
        self._end(request, "cancelled")
        self._leave()

    @torch.inference_mode()
    def step(self) -> None:
        """Admit who waits, then one more token for everybody running."""
        if self.waiting and len(self.running) < self.max_rows:
            self._admit()
        if not self.running:
            return
        guesses = self._guesses()
        if any(guesses):
            self._step_with(guesses)
            return
        assert self._cache is not None
        ids_B1 = torch.tensor([[request.ids[-1]] for request in self.running], device=self.device)
        hidden_B1D = forward(self.model, ids_B1, self._cache)
        self._choose(self.running, self.model.logits(hidden_B1D)[:, -1], self._current_sampler())
        self._leave()

    def _guesses(self) -> list[list[int]]:
        """For each running request the tokens that may follow its last one; none where none are wanted or there is
        no room for them."""
        if len(self.running) > GUESS_ROWS or self._cache is None:
            return []
        room = self.context_length - self._cache.length - 1
        return [
            request.lookup.guess(min(request.sampling.guess, room, request.max_tokens - len(request.ids) - 1))
            if request.lookup is not None
            else []
            for request in self.running
        ]

    def _step_with(self, guesses: list[list[int]]) -> None:
        """One pass over last tokens and guesses; each request takes tokens as long as its guess agrees."""
        assert self._cache is not None
        held = self._cache.lengths
        rows = [[request.ids[-1], *guess] for request, guess in zip(self.running, guesses, strict=True)]
        hidden_BTD = forward(self.model, right_padded(rows).to(self.device), self._cache)
        logits_BTV = self.model.logits(hidden_BTD)
        read = [1] * len(rows)  # tokens of each row that count
        going = list(range(len(rows)))
        for place in range(hidden_BTD.shape[1]):
            going = [row for row in going if place < len(rows[row])]
            requests = [self.running[row] for row in going]
            if not requests:
                break
            self._choose(requests, logits_BTV[going, place], Sampler([one.sampling for one in requests], self.device))
            for row in going:
                read[row] = place + 1
            going = [
                row
                for row in going
                if not self.running[row].finish
                and place + 1 < len(rows[row])
                and self.running[row].ids[-1] == rows[row][place + 1]
            ]
        self._cache.set_lengths([before + new for before, new in zip(held, read, strict=True)])
        self._leave()

    def _admit(self) -> None:
        """Read the prompts of as many waiting requests as fit; each gets its first token and a row."""
        group: list[Request] = []
        longest = 0
        while self.waiting and len(self.running) + len(group) < self.max_rows:
            request = self._next(group)
            found = self.prefixes.find(request.owner, request.prompt_ids)
            if found is not None:
                if group:
                    break  # those taken so far are read first; this one's turn is the next step
                self.waiting.remove(request)
                self._read([request], *found)
                return
            longest = max(longest, len(request.prompt_ids))
            if group and longest * (len(group) + 1) > PREFILL_TOKENS:
                break
            self.waiting.remove(request)
            group.append(request)
        self._read(group)

    def _next(self, group: list[Request]) -> Request:
        """Who is next: the first of the owner who has the fewest answers in work."""
        busy = Counter(request.owner for request in (*self.running, *group))
        return min(self.waiting, key=lambda request: busy[request.owner])  # min takes the first of equals

    def _read(self, group: list[Request], known: KVCache | None = None, num_known: int = 0) -> None:
        """Read prompts, all but the first `num_known` tokens that `known` holds (then the group is one request)."""
        # Answers to one prompt (n > 1, or the same question twice) read it once.
        prompts = list(dict.fromkeys(tuple(request.prompt_ids) for request in group))
        row_of = {prompt: row for row, prompt in enumerate(prompts)}
        lengths = [len(prompt) for prompt in prompts]
        if known is None:
            cache = cache_for(self.model, len(prompts), max(lengths))
        else:
            cache = cache_for(self.model, 0, max(lengths))
            cache.add_row(known, 0, num_known)
        last_BD = read_prompts(self.model, [prompt[num_known:] for prompt in prompts], cache)
        rows = [row_of[tuple(request.prompt_ids)] for request in group]
        logits_BV = self.model.logits(last_BD[:, None])[:, 0][torch.tensor(rows, device=self.device)]
        self._choose(group, logits_BV, Sampler([request.sampling for request in group], self.device))
        if self._cache is None:
            self._cache = cache_for(self.model, 0, max(lengths) + 1)
        for request, row in zip(group, rows, strict=True):
            if not request.finish:
                self._cache.add_row(cache, row, lengths[row])
                self.running.append(request)
        self._sampler = None

    def _choose(self, requests: list[Request], logits_BV: Tensor, sampler: Sampler) -> None:
        """The next token of each request from its logits; finishes those that end."""
        logits_BV = logits_BV.float()
        seen_BV = counts_BV = None
        if sampler.any_counts:
            for request in requests:
                self._start_counts(request, logits_BV.shape[-1])
            seen_BV = torch.stack([request.seen_V for request in requests if request.seen_V is not None])
            counts_BV = torch.stack([request.counts_V for request in requests if request.counts_V is not None])
        chosen_B = sampler(
            self._marked(requests, logits_BV),
            [request.draws for request in requests],
            seen_BV=seen_BV,
            counts_BV=counts_BV,
            allowed_BV=self._allowed(requests, logits_BV),
        )
        logprob_B = logits_BV.gather(-1, chosen_B[:, None])[:, 0] - logits_BV.logsumexp(-1)
        for row, (request, token, logprob) in enumerate(
            zip(requests, chosen_B.tolist(), logprob_B.tolist(), strict=True)
        ):
            self._take(request, token, logprob, logits_BV[row])

    def _take(self, request: Request, token: int, logprob: float, logits_V: Tensor) -> None:
        """Add one token to a request and see whether it ends."""
        if token in self.end_ids and not request.sampling.ignore_end:
            self._end(request, "stop")
            return
        top: dict[int, float] = {}
        if request.sampling.top_logprobs:
            best = logits_V.log_softmax(-1).topk(request.sampling.top_logprobs)
            top = dict(zip(best.indices.tolist(), best.values.tolist(), strict=True))
            request.top.append(top)
        request.ids.append(token)
        request.logprobs.append(logprob)
        if request.lookup is not None:
            request.lookup.extend([token])
        if request.counts_V is not None and request.seen_V is not None:
            request.counts_V[token] += 1
            request.seen_V[token] = True
        assert request.text_stream is not None
        text = request.text_stream.push(token)
        if request.on_token:
            request.on_token(Token(token, text, logprob, top))
        if request.text_stream.stopped:
            self._end(request, "stop")
        elif len(request.ids) >= request.max_tokens:
            self._end(request, "length")

    def _end(self, request: Request, finish: str) -> None:
        request.finish = finish
        rest = request.text_stream.finish() if request.text_stream else ""
        if rest and request.on_token:
            request.on_token(Token(-1, rest, 0.0))

    def _leave(self) -> None:
        """Free the rows of finished requests, last first, so that a moved row is never a finished one."""
        for row in range(len(self.running) - 1, -1, -1):
            if self.running[row].finish:
                assert self._cache is not None
                ended = self.running[row]
                held = self._cache.lengths[row]
                self.prefixes.keep(ended.owner, [*ended.prompt_ids, *ended.ids][:held], self._cache, row)
                self._cache.remove_row(row)
                self.running[row] = self.running[-1]
                self.running.pop()
                self._sampler = None

    def _current_sampler(self) -> Sampler:
        if self._sampler is None:
            self._sampler = Sampler([request.sampling for request in self.running], self.device)
        return self._sampler

    def _start_counts(self, request: Request, vocabulary_size: int) -> None:
        """Token counts for penalties; a request without penalties that joined earlier gets them now."""
        if request.counts_V is None:
            ids = torch.tensor([*request.prompt_ids, *request.ids], device=self.device)
            request.seen_V = torch.zeros(vocabulary_size, dtype=torch.bool, device=self.device)
            request.seen_V[ids] = True
            answer = torch.tensor(request.ids, dtype=torch.long, device=self.device)
            request.counts_V = torch.bincount(answer, minlength=vocabulary_size).float()

    def _marked(self, requests: list[Request], logits_BV: Tensor) -> Tensor:
        """The logits with the green lists of watermarked requests pushed up."""
        if not any(request.sampling.watermark for request in requests):
            return logits_BV
        logits_BV = logits_BV.clone()
        for row, request in enumerate(requests):
            mark = request.sampling.watermark
            before = [*request.prompt_ids[-mark.width :], *request.ids[-mark.width :]] if mark else []
            green_V = mark.green_mask(before, logits_BV.shape[-1]) if mark else None
            if mark and green_V is not None:
                logits_BV[row, torch.from_numpy(green_V).to(logits_BV.device)] += mark.push
        return logits_BV

    def _allowed(self, requests: list[Request], logits_BV: Tensor) -> Tensor | None:
        if not any(request.allow for request in requests):
            return None
        allowed_BV = torch.ones_like(logits_BV, dtype=torch.bool)
        for row, request in enumerate(requests):
            mask_V = request.allow(request.ids, request.max_tokens - len(request.ids)) if request.allow else None
            if mask_V is not None:
                allowed_BV[row, : len(mask_V)] = mask_V
                allowed_BV[row, len(mask_V) :] = False  # a vocabulary filled up to a round number
        return allowed_BV


def read_prompts(model: Any, prompts: Sequence[Sequence[int]], cache: KVCache) -> Tensor:
    """Read prompts of any lengths into a cache of as many rows, empty or not; returns the last hidden states (B, D).

    Shorter ones are filled up on the right: in a causal model nothing before the filling can see it, and the cache
    is told the true lengths afterwards.
    """
    device = next(model.parameters()).device
    ids_BT = right_padded(prompts).to(device)
    held = cache.lengths
    hidden_BTD = forward(model, ids_BT, cache)
    lengths = [len(prompt) for prompt in prompts]
    cache.set_lengths([before + length for before, length in zip(held, lengths, strict=True)])
    last_B = torch.tensor(lengths, device=device) - 1
    return hidden_BTD[torch.arange(len(prompts), device=device), last_B]


def right_padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """LongTensor (B, T) of rows filled up with 0 on the right."""
    longest = max(len(row) for row in rows)
    ids_BT = torch.zeros(len(rows), longest, dtype=torch.long)
    for number, row in enumerate(rows):
        ids_BT[number, : len(row)] = torch.tensor(list(row), dtype=torch.long)
    return ids_BT
