"""The engine as the worker sees it: one scheduler a model, jobs in, pieces out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundup.core.errors import UsageError
from groundup.generate.engine import Engine
from groundup.generate.sampling import Sampling
from groundup.generate.scheduler import Request, Scheduler, Token
from groundup.model.bundle import load
from groundup.serve.worker import Job, Piece


class EngineSpeaker:
    """A model folder, opened, with a scheduler of its own. Used by one thread only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.scheduler = Scheduler(engine.model, engine.tokenizer, max_rows=engine.max_rows)
        self._requests: dict[int, tuple[Job, list[Request], set[int]]] = {}

    @property
    def jobs(self) -> list[Job]:
        """The jobs in work."""
        return [job for job, _, _ in self._requests.values()]

    def admit(self, job: Job) -> None:
        """Read the prompt as ids and queue one request for each of the n answers."""
        sampling = Sampling(**job.sampling)
        vocabulary_size = self.engine.tokenizer.vocabulary_size
        strange = next((token for token in sampling.logit_bias if token >= vocabulary_size), None)
        if strange is not None:
            raise UsageError(f"logit_bias names token {strange}; the vocabulary has {vocabulary_size:,} tokens.")
        ids = self._ids(job, sampling)
        requests = [Request(ids, sampling, answer=index, on_token=_teller(job, index)) for index in range(sampling.n)]
        for request in requests:
            self.scheduler.submit(request)
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

    def _ids(self, job: Job, sampling: Sampling) -> list[int]:
        if job.messages is not None:
            return self.engine.chat_prompt(job.messages, sampling)[0]
        start = self.engine.tokenizer.special.get("<|endoftext|>")
        return [*([start] if start is not None else []), *self.engine.tokenizer.encode(job.text)]

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


def open_model(folder: Path) -> EngineSpeaker:
    """The speaker of a model folder. Raises ArtifactError for a damaged one, UsageError for one without a tokenizer."""
    bundle = load(folder)
    if bundle.tokenizer is None:
        raise UsageError(f"{folder} holds no tokenizer: it cannot read or write text.")
    return EngineSpeaker(Engine(bundle))


def _teller(job: Job, index: int) -> Any:
    def tell(token: Token) -> None:
        if token.text:
            job.emit(Piece(index, token.text))

    return tell
