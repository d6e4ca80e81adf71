"""One request under a content guard: refused before the model reads it, or screened piece by piece while it is answered.

Everything the client sent is read, earlier turns too: they are the client's to write, so that a refused question put into
the assistant's mouth stays refused. What is hidden never leaves the server: a stream holds back what is still to be judged
(`audit.content.Screened`), and probabilities of tokens, which spell the answer once more, are not told at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from groundup.audit.content import ContentGuard, Screened
from groundup.core.errors import UsageError
from groundup.serve.worker import Job, Piece

FILTERED = "content_filter"  # OpenAI's word for an answer that was withheld


class Screening:
    """The guard over one job. `refused()` gives the pieces of a refusal, if it is one; else the job goes on through `watch`."""

    def __init__(self, guard: ContentGuard, job: Job) -> None:
        if job.logprobs is not None:
            raise UsageError("This server has a content guard and tells no logprobs: they would spell what it hides.")
        self.guard, self.job = guard, job
        self._emit: Callable[[Piece | BaseException], None] = job.emit
        self._streams: dict[int, Screened] = {}

    def refused(self) -> Iterator[Piece]:
        """What is said instead of each answer; nothing where the request may go on."""
        message = self.guard.refusal("\n".join(_texts(self.job)))
        if message is not None:
            for index in range(int(self.job.sampling.get("n", 1))):
                yield Piece(index, message)
                yield Piece(index, finish=FILTERED)

    def watch(self) -> Job:
        """The job, whose pieces pass through the guard."""
        self.job.emit = self._screened
        return self.job

    def _screened(self, piece: Piece | BaseException) -> None:
        if isinstance(piece, BaseException):
            self._emit(piece)
            return
        stream = self._streams.setdefault(piece.index, self.guard.stream())
        shown = stream.push(piece.text) if piece.text else ""
        if piece.finish:
            shown += stream.finish()
            if shown:
                self._emit(Piece(piece.index, shown))
            self._emit(replace(piece, text=""))
        elif shown or piece.call is not None:
            self._emit(replace(piece, text=shown, call=_clean(piece.call, self.guard)))


def _texts(job: Job) -> Iterator[str]:
    """All that the client sent and the model would read."""
    for turn in job.messages or ():
        yield str(turn.get("content") or "")
        for call in turn.get("tool_calls") or ():
            yield str(call["function"].get("arguments") or "")
    yield from (job.text, job.suffix, job.begun)
    for tool in job.tools or ():
        yield str(tool["function"].get("description") or "")


def _clean(value: Any, guard: ContentGuard) -> Any:
    """The same value with every text in it screened: the arguments of a call."""
    if isinstance(value, str):
        return guard.screen(value)[0]
    if isinstance(value, Mapping):
        return {_clean(key, guard): _clean(one, guard) for key, one in value.items()}
    return [_clean(one, guard) for one in value] if isinstance(value, list) else value
