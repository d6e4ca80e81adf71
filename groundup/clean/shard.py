"""One shard through one pass: the unit of work that processes and machines share out.

In: a `Task`, plain values. Out: files under its target, the tally last, so that a finished shard can be told from one
that was cut off: ``documents/NAME.parquet``, ``dropped/NAME.parquet``, ``NAME.npz`` (facts for the next corpus step) and
``NAME.json``. The same task gives the same bytes wherever it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundup.clean.base import Step, make_step
from groundup.clean.options import CleanOptions
from groundup.clean.statement import Statement
from groundup.clean.tally import StepTally
from groundup.core.document import Document, Dropped, read_documents, write_documents
from groundup.core.errors import Interrupted
from groundup.core.files import atomic_writer, read_json, write_json
from groundup.core.split import split_of

if TYPE_CHECKING:
    from groundup.clean.base import Arrays

SHOWN = 300  # characters of a dropped document in a sample; taste
REPEAT = "repeat"  # in meta: how often a document of the train split stands in the clean corpus (step "mixture")


@dataclass(frozen=True)
class Task:
    """steps: applied to the shard, in order. following: the corpus step shown the result, "" in the last pass.

    decisions: folder with ``STEP.npz``, what the corpus steps decided.
    """

    options: dict[str, Any]
    source: str
    target: str
    steps: tuple[str, ...]
    following: str
    decisions: str
    bytes: int = field(default=0)  # of the source: how much of the pass this is, for the bar

    @property
    def name(self) -> str:
        """The shard's name, as in ``stories-00000``."""
        return Path(self.source).stem

    @property
    def is_done(self) -> bool:
        """Whether an earlier run finished it."""
        return (Path(self.target) / f"{self.name}.json").exists()

    def as_json(self) -> dict[str, Any]:
        """Plain values; ``Task(**values)`` reads them back."""
        return asdict(self)


def clean_shard(task: Task, stop: Callable[[], bool] = lambda: False) -> None:
    """Do one task. Raises Interrupted when `stop` says so; nothing of the shard counts then."""
    options = CleanOptions.model_validate(task.options)
    steps = [make_step(name, options) for name in task.steps]
    for step in steps:
        step.adopt(read_arrays(Path(task.decisions) / f"{step.name}.npz"))
    following = make_step(task.following, options) if task.following else None
    target, name = Path(task.target), task.name
    work = _Work(steps, stop)
    statement = Statement()
    look = following.look if following is not None else statement.add  # the last pass tells what the corpus is
    start = time.perf_counter()
    documents = work.shown(read_documents(Path(task.source)), look)
    if following is None:
        documents = _with_repeats(documents, work)
    write_documents(target / "documents" / f"{name}.parquet", documents)
    write_documents(target / "dropped" / f"{name}.parquet", work.dropped)
    for step, tally in zip(steps, work.tallies, strict=True):
        tally.found.update(step.counts)
    facts: dict[str, Any] = {"statement": statement.as_json()} if following is None else {}
    if following is not None:
        write_arrays(target / f"{name}.npz", following.seen())
        facts["look_seconds"] = round(work.look_seconds, 2)
    rows = [tally.as_json() for tally in work.tallies]
    seconds = round(time.perf_counter() - start, 2)
    write_json(
        target / f"{name}.json",
        {"steps": rows, "dropped": len(work.dropped), **work.totals, "seconds": seconds, **facts},
    )


class _Work:
    """The counts of one shard on its way through the steps."""

    def __init__(self, steps: Sequence[Step], stop: Callable[[], bool]) -> None:
        self.steps = steps
        self.stop = stop
        self.tallies = [StepTally() for _ in steps]
        self.dropped: list[Dropped] = []
        self.totals = {"documents": 0, "bytes": 0, "repeats": 0}
        self.look_seconds = 0.0

    def shown(self, documents: Iterator[Document], look: Callable[[Document], None]) -> Iterator[Document]:
        """What the steps leave, each shown to `look`."""
        clock = time.perf_counter
        for document in self._applied(documents):
            start = clock()
            look(document)
            self.look_seconds += clock() - start
            yield document

    def _applied(self, documents: Iterator[Document]) -> Iterator[Document]:
        clock = time.perf_counter
        for number, document in enumerate(documents):
            if number % 256 == 0 and self.stop():
                raise Interrupted("Stopped while cleaning; run the same command again to go on.")
            item: Document | Dropped = document
            for step, tally in zip(self.steps, self.tallies, strict=True):
                assert isinstance(item, Document)
                before = item
                start = clock()
                item = step.apply(before)
                tally.seconds += clock() - start
                _count(step, tally, before, item)
                if isinstance(item, Dropped):
                    self.dropped.append(item)
                    break
            else:
                assert isinstance(item, Document)
                self.totals["documents"] += 1
                self.totals["bytes"] += len(item.text.encode("utf-8", "replace"))
                yield item


def _count(step: Step, tally: StepTally, before: Document, item: Document | Dropped) -> None:
    tally.documents_in += 1
    tally.characters_in += len(before.text)
    if isinstance(item, Dropped):
        tally.dropped[item.reason] += 1
        if tally.wants_sample(item.reason):
            shown = item.document.text[:SHOWN]
            tally.add_sample(item.reason, before.id, before.path, shown, "", item.detail)
        return
    tally.documents_out += 1
    tally.characters_out += len(item.text)
    if item is not before and item.text != before.text:
        tally.changed += 1
        if tally.wants_sample("changed"):
            tally.add_sample("changed", before.id, before.path, *step.show(before, item))


def _with_repeats(documents: Iterator[Document], work: _Work) -> Iterator[Document]:
    """Documents that count more than once come again behind the shard's others, never side by side.

    Only those that train: a held-out document measures once.
    """
    again: list[tuple[int, Document]] = []
    for document in documents:
        times = int(document.meta.get(REPEAT, 1))
        if times > 1 and split_of(document.id) == "train":
            again.append((times, document))
        yield document
    for turn in range(2, max((times for times, _ in again), default=1) + 1):
        for times, document in again:
            if times >= turn:
                work.totals["repeats"] += 1
                yield document


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Store what a corpus step passes on, atomically; nothing to pass on leaves no file."""
    if arrays:
        with atomic_writer(path) as file:
            plain: Any = dict(arrays)
            np.savez(file, **plain)


def read_arrays(path: Path) -> Arrays:
    """What `write_arrays` stored; empty where nothing was."""
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def written_by(task: Task) -> dict[str, Any]:
    """The facts that a finished task left."""
    return dict(read_json(Path(task.target) / f"{task.name}.json"))
