"""One thread that computes. The event loop hands it jobs and gets pieces back; it never waits for a token itself.

Jobs join and leave between any two tokens (the engine's continuous batching), so a short question does not wait
behind a long answer. Reading the prompt happens here too: a large prompt slows other answers, never the server.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from groundup.core.errors import GroundupError

if TYPE_CHECKING:
    from groundup.audit.content import ContentGuard


@dataclass(frozen=True)
class Said:
    """One token and how probable it was. top: the likeliest at its place, (bytes, log-probability).

    logprob: None where nothing stood before it. start: the character of the text it begins at.
    """

    text: bytes
    logprob: float | None
    top: tuple[tuple[bytes, float], ...] = ()
    start: int = 0


@dataclass(frozen=True)
class Piece:
    """Part of an answer. finish is "" until the last piece of answer `index`, which carries the counts.

    tokens: those behind this piece, where the job asks for their probabilities (a token may come before its text).
    call: a tool call that was completed, {"name", "arguments"}.
    """

    index: int = 0
    text: str = ""
    finish: str = ""  # "stop", "length", "cancelled", "content_filter"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tokens: tuple[Said, ...] = ()
    call: dict[str, Any] | None = None


class Late(GroundupError):
    """The time of a request was over before its turn came."""


class Busy(GroundupError):
    """Too many requests are in work or waiting."""


@dataclass
class Call:
    """One piece of work on an open model that is not an answer: vectors, probabilities.

    work is called in the worker's thread with the speaker; done with what it returned, or the exception.
    """

    model: str
    work: Callable[[Any], Any]
    done: Callable[[Any], None]


@dataclass
class Job:
    """One request. messages or text is the prompt; sampling are fields of `generate.sampling.Sampling`.

    emit is called in the worker's thread with each `Piece`, or with the exception that ended the job.
    """

    model: str
    sampling: dict[str, Any]
    emit: Callable[[Piece | BaseException], None]
    messages: list[dict[str, Any]] | None = None
    begun: str = ""  # what the assistant's turn says already; the answer goes on from there
    text: str = ""
    suffix: str = ""  # what stands behind the gap that the answer fills; needs `text`
    echo: bool = False  # say the prompt too, with its probabilities where `logprobs` is set
    logprobs: int | None = None  # tell each token's probability and so many others at its place
    form: tuple[str, Any] | None = None  # kind and value of a `generate.constrain.Form` the answer must follow
    tools: list[dict[str, Any]] | None = None  # functions the model is told of
    owner: str = ""  # the key it came with
    deadline: float = float("inf")  # time.monotonic()
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Nobody waits for it any more."""
        return self.cancelled.is_set() or time.monotonic() > self.deadline


class Speaker(Protocol):
    """A model that answers jobs, one token of each per `step`. It emits the pieces and the finish of its jobs."""

    def admit(self, job: Job) -> None:
        """Take a job in; errors of the request (too long, unknown role) are raised here."""

    def step(self) -> None:
        """One more token for every job; jobs that are over are ended."""

    def embed(self, texts: list[str]) -> tuple[list[list[float]], int]:
        """A vector of length 1 for each text, and the tokens read."""

    def look(self, text: str, temperature: float, top_p: float) -> dict[str, Any]:
        """A text as tokens, and what may come next. This and the three below: see `looking`."""

    def look_deeper(self, text: str, layer: int, place: int) -> dict[str, Any]:
        """What each head of a layer looks at, and one token's vectors."""

    def sureness(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """How probable each token of the last message was."""

    def why(self, question: str, answer: str) -> dict[str, Any]:
        """Which words of the question made it answer so."""

    @property
    def jobs(self) -> list[Job]:
        """The jobs in work."""


class Worker:
    """Owns the speakers and the only thread that calls them. find(name) opens a model; it may raise GroundupError.
    guard: what every request and answer must pass; None lets all through."""

    def __init__(
        self,
        find: Callable[[str], Speaker],
        *,
        max_waiting: int = 32,
        max_open: int = 2,
        guard: ContentGuard | None = None,
    ) -> None:
        self.find = find
        self.guard = guard
        self.max_waiting = max_waiting
        self.max_open = max_open  # models kept in memory; taste: two, for a comparison side by side
        self.speakers: dict[str, Speaker] = {}
        self._inbox: queue.SimpleQueue[Job | Call | None] = queue.SimpleQueue()
        self._in_work = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="groundup worker", daemon=True)
        self._thread.start()

    @property
    def in_work(self) -> int:
        """Requests in work or waiting."""
        return self._in_work

    @property
    def is_alive(self) -> bool:
        """The thread that computes runs."""
        return self._thread.is_alive()

    def submit(self, job: Job | Call) -> None:
        """Queue a job. Raises Busy when enough are in work."""
        with self._lock:
            if self._in_work >= self.max_waiting:
                raise Busy("The model is busy with other questions.", repair="Try again in a few seconds.")
            self._in_work += 1
        self._inbox.put(job)

    async def ask(self, model: str, work: Callable[[Any], Any]) -> Any:
        """What `work(speaker)` returns, computed in the worker's thread between two tokens of the answers in work."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def settle(value: Any) -> None:
            if answer.done():
                return
            if isinstance(value, BaseException):
                answer.set_exception(value)
            else:
                answer.set_result(value)

        def done(value: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, value)

        self.submit(Call(model, work, done))
        return await answer

    async def answer(self, job_fields: dict[str, Any], *, deadline_seconds: float) -> AsyncIterator[Piece]:
        """Submit a job and yield its pieces. Leaving the loop early cancels it."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Piece | BaseException] = asyncio.Queue()

        def emit(piece: Piece | BaseException) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        job = Job(emit=emit, deadline=time.monotonic() + deadline_seconds, **job_fields)
        if self.guard is not None:
            from groundup.serve.screening import Screening

            screening = Screening(self.guard, job)
            if refusal := list(screening.refused()):
                for said in refusal:
                    yield said
                return
            job = screening.watch()
        self.submit(job)
        open_answers = int(job.sampling.get("n", 1))
        try:
            while open_answers:
                piece = await pieces.get()
                if isinstance(piece, BaseException):
                    raise piece
                open_answers -= bool(piece.finish)
                yield piece
        finally:
            job.cancelled.set()

    def close(self) -> None:
        """End the thread after the token it is computing."""
        self._inbox.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            busy = [name for name, speaker in self.speakers.items() if speaker.jobs]
            try:
                job = self._inbox.get(block=not busy)
            except queue.Empty:
                job = None
            else:
                if job is None:
                    return
                if isinstance(job, Call):
                    self._call(job)
                else:
                    self._admit(job)
                continue  # take in all that wait before the next token
            for name in busy:
                self._step(name)

    def _admit(self, job: Job) -> None:
        try:
            if job.is_over:
                raise Late("The time of this request was over before its turn came.", repair="Try again later.")
            speaker = self._open(job.model)
            before = len(speaker.jobs)
            speaker.admit(job)
            if len(speaker.jobs) == before:
                self._done(1)  # answered at once
        except BaseException as error:  # whatever it is, the waiting client must hear of it
            job.emit(error)
            self._done(1)

    def _call(self, call: Call) -> None:
        try:
            call.done(call.work(self._open(call.model)))
        except BaseException as error:
            call.done(error)
        self._done(1)

    def _open(self, name: str) -> Speaker:
        if name not in self.speakers:
            self._make_room()
            self.speakers[name] = self.find(name)
        speaker = self.speakers.pop(name)
        self.speakers[name] = speaker  # the last one used stands last
        return speaker

    def _step(self, name: str) -> None:
        speaker = self.speakers[name]
        before = len(speaker.jobs)
        try:
            speaker.step()
            self._done(before - len(speaker.jobs))
        except BaseException as error:  # a broken speaker is closed; its jobs hear why
            for job in speaker.jobs:
                job.emit(error)
            del self.speakers[name]
            self._done(before)

    def _make_room(self) -> None:
        idle = [name for name, speaker in self.speakers.items() if not speaker.jobs]
        for name in idle[: max(0, len(self.speakers) - self.max_open + 1)]:
            del self.speakers[name]

    def _done(self, count: int) -> None:
        with self._lock:
            self._in_work -= count
