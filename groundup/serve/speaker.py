"""The engine as the worker sees it: one scheduler a model, jobs in, pieces out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from groundup.core.errors import UsageError
from groundup.generate.embed import embed
from groundup.generate.engine import Engine
from groundup.generate.sampling import Sampling, apply_temperature, keep_top_p
from groundup.generate.scheduler import Request, Scheduler, Token
from groundup.model.bundle import load
from groundup.serve.constrain import Constrainer
from groundup.serve.worker import Job, Piece

NUM_NEXT = 12  # bars of next tokens; taste: what fits a screen
MAX_LOOKED = 2000  # characters of a text looked into


class EngineSpeaker:
    """A model folder, opened, with a scheduler of its own. Used by one thread only."""

    def __init__(self, engine: Engine, bundle: Any) -> None:
        self.engine = engine
        self.bundle = bundle
        self._constrainer: Constrainer | None = None
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
        requests = [
            Request(ids, sampling, answer=index, on_token=_teller(job, index), allow=self._allow(job))
            for index in range(sampling.n)
        ]
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

    def embed(self, texts: list[str]) -> tuple[list[list[float]], int]:
        """A vector of length 1 for each text, and the tokens read. UsageError for a text without any."""
        if any(not text.strip() for text in texts):
            raise UsageError("A text to embed is empty.")
        limit = self.engine.context_length
        num_tokens = sum(min(limit, len(ids) + 1) for ids in self.engine.tokenizer.encode_batch(texts))
        return embed(self.bundle, texts).tolist(), num_tokens

    def look(self, text: str, temperature: float, top_p: float) -> dict[str, Any]:
        """tokens: [{id, text, logprob}] (logprob: how expected it was, null where unknown). next: the likeliest
        [{id, text, probability, chosen}]: the model's own probability, and that after temperature and top-p.
        kept: how many tokens top-p leaves; vocabulary: of how many. Only the last context of tokens is read."""
        start = self.engine.tokenizer.special.get("<|endoftext|>")
        ids = [*([start] if start is not None else []), *self.engine.tokenizer.encode(text[:MAX_LOOKED])]
        read = ids[-self.engine.context_length :]
        if not read:
            raise UsageError("The text has no tokens.")
        logprobs_T = self.engine.token_logprobs(read)
        tokens = [
            {"id": id_, "text": self._word(id_), "logprob": None if np.isnan(value) else round(float(value), 4)}
            for id_, value in zip(read, logprobs_T, strict=True)
        ]
        own_V = torch.from_numpy(self.engine.next_token_probabilities(read))
        if temperature == 0:
            chosen_V = torch.nn.functional.one_hot(own_V.argmax(), len(own_V)).float()
        else:
            warmed_BV = apply_temperature(own_V.clamp_min(1e-30).log()[None], temperature)
            chosen_V = keep_top_p(warmed_BV, top_p)[0].softmax(-1)
        best = torch.argsort(own_V, descending=True, stable=True)[:NUM_NEXT].tolist()
        following = [
            {
                "id": id_,
                "text": self._word(id_),
                "probability": round(float(own_V[id_]), 6),
                "chosen": round(float(chosen_V[id_]), 6),
            }
            for id_ in best
        ]
        return {"tokens": tokens, "next": following, "kept": int((chosen_V > 0).sum()), "vocabulary": len(own_V)}

    def _word(self, id_: int) -> str:
        names = {number: name for name, number in self.engine.tokenizer.special.items()}
        return names.get(id_) or self.engine.tokenizer.token_bytes(id_).decode("utf-8", "backslashreplace")

    def _allow(self, job: Job) -> Any:
        if job.schema is None:
            return None
        if self._constrainer is None:
            self._constrainer = Constrainer(self.engine.tokenizer)
        return self._constrainer.allow(job.schema)

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
    return EngineSpeaker(Engine(bundle), bundle)


def _teller(job: Job, index: int) -> Any:
    def tell(token: Token) -> None:
        if token.text:
            job.emit(Piece(index, token.text))

    return tell
