"""The engine as the worker sees it: one scheduler a model, jobs in, pieces out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from groundup.core.errors import UsageError
from groundup.generate.constrain import Constrainer, Form
from groundup.generate.detokenize import TextStream
from groundup.generate.embed import embed
from groundup.generate.engine import Engine
from groundup.generate.prefixes import Prefixes
from groundup.generate.sampling import Sampling
from groundup.generate.scheduler import Request, Scheduler, Token
from groundup.generate.scoring import prompt_scores
from groundup.serve import looking
from groundup.serve.worker import Job, Piece, Said
from groundup.tokenizer.chat import parse
from groundup.tokenizer.special import TOOL_CALL, TOOL_END


class EngineSpeaker:
    """A model folder, opened, with a scheduler of its own. Used by one thread only."""

    def __init__(
        self,
        engine: Engine,
        bundle: Any,
        *,
        prefix_bytes: int = 0,
        guess: int = 0,
        whole: Callable[[], Any] | None = None,
    ) -> None:
        """prefix_bytes: memory for texts read before. guess: tokens looked up ahead (`Sampling.guess`). whole: opens
        the model with all its parts, where `bundle` holds one that was laid flat."""
        self.engine = engine
        self.whole = whole or (lambda: bundle)
        self.guess = guess
        self.bundle = bundle
        self._constrainer: Constrainer | None = None
        self.scheduler = Scheduler(engine.model, engine.tokenizer, max_rows=engine.max_rows, prefix_bytes=prefix_bytes)
        self._requests: dict[int, tuple[Job, list[Request], set[int]]] = {}

    @property
    def prefixes(self) -> Prefixes:
        """What it remembers of texts read before."""
        return self.scheduler.prefixes

    @property
    def jobs(self) -> list[Job]:
        """The jobs in work."""
        return [job for job, _, _ in self._requests.values()]

    def admit(self, job: Job) -> None:
        """Read the prompt as ids and queue one request for each of the n answers."""
        sampling = Sampling(**job.sampling, guess=self.guess, top_logprobs=job.logprobs or 0)
        vocabulary_size = self.engine.tokenizer.vocabulary_size
        strange = next((token for token in sampling.logit_bias if token >= vocabulary_size), None)
        if strange is not None:
            raise UsageError(f"logit_bias names token {strange}; the vocabulary has {vocabulary_size:,} tokens.")
        ids = self._ids(job, sampling)
        requests = []
        for index in range(sampling.n):
            teller = Teller(job, index, self.engine.tokenizer)
            allow = self._allow(job)
            requests.append(Request(ids, sampling, answer=index, on_token=teller, allow=allow, owner=job.owner))
        for request in requests:
            self.scheduler.submit(request)
        if job.echo:
            self._echo(job, ids, sampling.n)
        self._requests[id(job)] = (job, requests, set())
        self._report()

    def step(self) -> None:
        """End what nobody waits for, then one more token for the rest."""
        for job, requests, _ in self._requests.values():
            if job.is_over:
                for request in requests:
                    self.scheduler.cancel(request)
        self.scheduler.step()
        self._report()

    def embed(self, texts: list[str]) -> tuple[list[list[float]], int]:
        """A vector of length 1 for each text, and the tokens read. UsageError for a text without any."""
        if any(not text.strip() for text in texts):
            raise UsageError("A text to embed is empty.")
        limit = self.engine.context_length
        num_tokens = sum(min(limit, len(ids) + 1) for ids in self.engine.tokenizer.encode_batch(texts))
        return embed(self.bundle, texts).tolist(), num_tokens

    def look(self, text: str, temperature: float, top_p: float) -> dict[str, Any]:
        """A text as tokens, and what may come next. See `looking.look`."""
        return looking.look(self.engine, text, temperature, top_p)

    def look_deeper(self, text: str, layer: int, place: int) -> dict[str, Any]:
        """Heads and vectors. See `looking.look_deeper`."""
        return looking.look_deeper(self.engine, text, layer, place)

    def sureness(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """How probable each token of the last message was. See `looking.sureness`."""
        return looking.sureness(self.engine, messages)

    def why(self, question: str, answer: str) -> dict[str, Any]:
        """Which words made it answer so. See `looking.why`."""
        return looking.why(self.whole, question, answer)

    def _allow(self, job: Job) -> Any:
        if job.form is None:
            return None
        if self._constrainer is None:
            self._constrainer = Constrainer(self.engine.tokenizer)
        return self._constrainer.allow(Form(*job.form))

    def _ids(self, job: Job, sampling: Sampling) -> list[int]:
        if job.messages is not None:
            ids = self.engine.chat_prompt(job.messages, sampling, tools=job.tools)[0]
            return [*ids, *self.engine.tokenizer.encode(job.begun)]
        if job.suffix:
            return self.engine.gap_prompt(job.text, job.suffix)
        return [*self._start(), *self.engine.tokenizer.encode(job.text)]

    def _start(self) -> list[int]:
        """The border that every text begins with; some foreign tokenizers have none."""
        start = self.engine.tokenizer.special.get("<|endoftext|>")
        return [] if start is None else [start]

    def _echo(self, job: Job, ids: list[int], num_answers: int) -> None:
        """Say the prompt: its text, and with `logprobs` how probable each of its tokens was."""
        tokens: list[Said] = []
        if job.logprobs is not None:
            place = 0
            scored = prompt_scores(self.engine.model, ids, job.logprobs)
            for id_, (logprob, top) in list(zip(ids, scored, strict=True))[len(self._start()) :]:
                tokens.append(said(self.engine.tokenizer, id_, logprob, top, place))
                place += len(tokens[-1].text.decode("utf-8", "ignore"))
        for index in range(num_answers):
            job.emit(Piece(index, job.text, tokens=tuple(tokens)))

    def _report(self) -> None:
        """Tell of answers that ended since the last time; forget jobs whose answers all ended."""
        for key, (job, requests, told) in list(self._requests.items()):
            for index, request in enumerate(requests):
                if request.finish and index not in told:
                    told.add(index)
                    num_prompt, num_answer = len(request.prompt_ids), len(request.ids)
                    job.emit(Piece(index, "", request.finish, num_prompt, num_answer))
            if len(told) == len(requests):
                del self._requests[key]


class Teller:
    """Hands an answer's tokens on as pieces. Where tools are offered, calls are taken out of the text."""

    def __init__(self, job: Job, index: int, tokenizer: Any) -> None:
        self.job, self.index, self.tokenizer = job, index, tokenizer
        self._opening = tokenizer.special.get(TOOL_CALL) if job.tools else None
        self._closing = tokenizer.special.get(TOOL_END)
        self._call: list[int] | None = None  # the ids of the call that is being written
        self._text = TextStream(tokenizer, job.sampling.get("stop", ()))  # what is said besides calls
        self._place = len(job.text) if job.echo else 0

    def __call__(self, token: Token) -> None:
        text, call = (token.text, None) if self._opening is None else self._sorted(token)
        tokens: tuple[Said, ...] = ()
        if self.job.logprobs is not None and token.id >= 0:
            tokens = (said(self.tokenizer, token.id, token.logprob, token.top, self._place),)
            self._place += len(tokens[0].text.decode("utf-8", "ignore"))
        if text or tokens or call:
            self.job.emit(Piece(self.index, text, tokens=tokens, call=call))

    def _sorted(self, token: Token) -> tuple[str, dict[str, Any] | None]:
        """(text to show, call that is complete now)"""
        if token.id < 0:  # the end: what was held back
            return ("" if self._call is not None else self._text.finish()), None
        if token.id == self._opening:
            self._call = [token.id]
            return self._text.finish(), None
        if self._call is None:
            return self._text.push(token.id), None
        self._call.append(token.id)
        if token.id != self._closing:
            return "", None
        calls = parse(self.tokenizer, self._call).tool_calls
        self._call, self._text = None, TextStream(self.tokenizer, self.job.sampling.get("stop", ()))
        return "", (calls[0] if calls else None)


def said(tokenizer: Any, id_: int, logprob: float | None, top: dict[int, float], start: int) -> Said:
    """A token as clients see it; a special token by its name."""
    names = {number: name for name, number in tokenizer.special.items()}

    def text(number: int) -> bytes:
        return names[number].encode("utf-8") if number in names else bytes(tokenizer.token_bytes(number))

    others = tuple((text(number), value) for number, value in top.items() if number < tokenizer.vocabulary_size)
    return Said(text(id_), logprob, others, start)
