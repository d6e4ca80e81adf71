"""Stage 2, clean: every document through the steps of the recipe, in their order.

In: ``collect`` (its documents/). Out: ``documents/`` and ``dropped/`` with one shard for each shard that came in, and
``clean.json``: per step the counts, reasons and samples, and the data statement.

A step that needs the whole corpus cuts the story into passes: each pass applies the steps up to the next such step,
writes its shards to ``.work/PASS/`` and shows each document to that step on the way. A killed run goes on with the first
shard that is not written. Memory: a batch of documents, and the hashes that steps keep.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from groundup.clean.base import Step, make_step
from groundup.clean.options import CleanOptions
from groundup.clean.statement import Statement
from groundup.clean.tally import StepTally
from groundup.core.document import Document, Dropped, read_documents, read_dropped, shards_in, write_documents
from groundup.core.errors import DataError, Interrupted
from groundup.core.files import read_json, write_json
from groundup.core.stage import Context

WORK = ".work"
SHOWN = 300  # characters of a dropped document in a sample; taste


def run(options: CleanOptions, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Clean what collect left. Returns counts; raises DataError when nothing is left."""
    shards = shards_in(inputs["collect"] / "documents")
    if not shards:
        raise DataError(f"{inputs['collect']} holds no documents to clean.")
    steps = [make_step(name, options) for name in options.steps]
    passes = split_into_passes(steps)
    tallies = {step.name: StepTally() for step in steps}
    work = output / WORK
    totals, statement = _Totals(), Statement()
    place = inputs["collect"] / "documents"
    for number, (group, following) in enumerate(passes):
        target = work / str(number)
        for shard in shards:
            name, shown = shard.stem, False
            source = place / f"{name}.parquet"
            if group or following is None:
                shown = _clean_shard(source, target, name, group, following, context)
                source = target / "documents" / f"{name}.parquet"
                written = read_json(target / f"{name}.json")
                for step, values in zip(group, written["steps"], strict=True):
                    tallies[step.name].merge(StepTally.from_json(values))
                totals.add(name, written)
                statement.merge(written.get("statement", {}))
            if following is not None and not shown:
                _show(source, following, context, tallies[following.name])
        if following is not None:
            following.settle()
        if group or following is None:
            place = target / "documents"
    counts = {"documents_in": totals.documents_in, **totals.counts(), **_by_step(tallies)}
    _finish(work, place, [shard.stem for shard in shards], output)
    report = {
        **counts,
        "statement": statement.figures(counts["documents_in"], counts["dropped_by_step"]),
        "steps": [{"step": name, **tally.as_json()} for name, tally in tallies.items()],
    }
    write_json(output / "clean.json", report)
    shutil.rmtree(work)
    _tell(counts, tallies, context)
    if not counts["documents"]:
        reasons = ", ".join(f"{name} {sum(tally.dropped.values())}" for name, tally in tallies.items() if tally.dropped)
        raise DataError(
            f"Cleaning dropped all {counts['documents_in']} documents ({reasons}).",
            repair="Look at clean.json for the reasons; relax [clean.quality] or leave steps out.",
        )
    return counts


def split_into_passes(steps: list[Step]) -> list[tuple[list[Step], Step | None]]:
    """(steps to apply, the corpus step to show the result to) per pass; the last pass shows to none."""
    passes: list[tuple[list[Step], Step | None]] = []
    group: list[Step] = []
    for step in steps:
        if step.needs_corpus:
            passes.append((group, step))
            group = []
        group.append(step)
    return [*passes, (group, None)]


def _clean_shard(
    source: Path, target: Path, name: str, steps: list[Step], following: Step | None, context: Context
) -> bool:
    """One shard through one pass, shown to the `following` corpus step on its way; returns whether it was shown.

    Its three files are written in this order, the tally last.
    """
    if (target / f"{name}.json").exists():
        return False  # a killed run had finished it
    for step in steps:
        step.counts.clear()
    tallies = [StepTally() for _ in steps]
    dropped: list[Dropped] = []
    totals = {"documents": 0, "bytes": 0}
    documents = _applied(read_documents(source), steps, tallies, dropped, totals, context)
    statement = Statement()
    look = following.look if following is not None else statement.add  # the last pass tells what the corpus is
    write_documents(target / "documents" / f"{name}.parquet", _shown(documents, look))
    write_documents(target / "dropped" / f"{name}.parquet", dropped)
    for step, tally in zip(steps, tallies, strict=True):
        tally.found.update(step.counts)
    rows = [tally.as_json() for tally in tallies]
    facts = {"statement": statement.as_json()} if following is None else {}
    write_json(target / f"{name}.json", {"steps": rows, "dropped": len(dropped), **totals, **facts})
    return True


def _shown(documents: Iterator[Document], look: Callable[[Document], None]) -> Iterator[Document]:
    for document in documents:
        look(document)
        yield document


def _applied(
    documents: Iterator[Document],
    steps: list[Step],
    tallies: list[StepTally],
    dropped: list[Dropped],
    totals: dict[str, int],
    context: Context,
) -> Iterator[Document]:
    clock = time.perf_counter
    for number, document in enumerate(documents):
        if number % 256 == 0 and context.stop():
            raise Interrupted("Stopped while cleaning; run the same command again to go on.")
        item: Document | Dropped = document
        for step, tally in zip(steps, tallies, strict=True):
            assert isinstance(item, Document)
            before = item
            start = clock()
            item = step.apply(before)
            tally.seconds += clock() - start
            _count(step, tally, before, item)
            if isinstance(item, Dropped):
                dropped.append(item)
                break
        else:
            assert isinstance(item, Document)
            totals["documents"] += 1
            totals["bytes"] += len(item.text.encode("utf-8", "replace"))
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


def _show(source: Path, step: Step, context: Context, tally: StepTally) -> None:
    start = time.perf_counter()
    for number, document in enumerate(read_documents(source)):
        if number % 256 == 0 and context.stop():
            raise Interrupted("Stopped while cleaning; run the same command again to go on.")
        step.look(document)
    tally.seconds += time.perf_counter() - start


class _Totals:
    """Documents and bytes by source: what the last pass left, what all passes dropped."""

    def __init__(self) -> None:
        self.left: dict[str, dict[str, int]] = {}  # shard -> what its last pass wrote
        self.dropped: dict[str, int] = {}  # shard -> documents dropped in all passes

    def add(self, shard: str, written: Mapping[str, Any]) -> None:
        """One pass over one shard; passes come in order."""
        self.left[shard] = {"documents": written["documents"], "bytes": written["bytes"]}
        self.dropped[shard] = self.dropped.get(shard, 0) + written["dropped"]

    @property
    def documents_in(self) -> int:
        """What came into the stage."""
        return sum(left["documents"] for left in self.left.values()) + sum(self.dropped.values())

    def counts(self) -> dict[str, Any]:
        """The sums, whole and by source."""
        by_source: dict[str, dict[str, int]] = {}
        for shard, left in self.left.items():
            source = by_source.setdefault(shard.rsplit("-", 1)[0], {"documents": 0, "bytes": 0, "dropped": 0})
            for name, value in (*left.items(), ("dropped", self.dropped[shard])):
                source[name] += value
        sums = {name: sum(source[name] for source in by_source.values()) for name in ("documents", "bytes", "dropped")}
        return {**sums, "by_source": by_source}


def _by_step(tallies: Mapping[str, StepTally]) -> dict[str, Any]:
    return {
        "dropped_by_step": {
            name: dict(tally.dropped.most_common()) for name, tally in tallies.items() if tally.dropped
        },
        "changed_by_step": {name: tally.changed for name, tally in tallies.items() if tally.changed},
        "masked": dict(tallies["privacy"].found) if "privacy" in tallies else {},
    }


def _finish(work: Path, place: Path, names: list[str], output: Path) -> None:
    """Write documents/ from the last pass and dropped/ from all passes."""
    passes = sorted((path for path in work.iterdir() if path.is_dir()), key=lambda path: int(path.name))
    (output / "documents").mkdir(parents=True, exist_ok=True)
    for name in names:
        dropped = (item for folder in passes for item in read_dropped(folder / "dropped" / f"{name}.parquet"))
        write_documents(output / "dropped" / f"{name}.parquet", dropped)
        shutil.copy2(place / f"{name}.parquet", output / "documents" / f"{name}.parquet")


def _tell(counts: Mapping[str, Any], tallies: Mapping[str, StepTally], context: Context) -> None:
    for name, tally in tallies.items():
        if tally.dropped or tally.changed:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in tally.dropped.most_common(3))
            dropped = f", dropped {sum(tally.dropped.values()):,} ({reasons})" if reasons else ""
            context.console.note(f"clean {name}: changed {tally.changed:,}{dropped}")
    context.console.note(
        f"clean: {counts['documents_in']:,} -> {counts['documents']:,} documents, {counts['bytes'] / 1e6:.1f} MB"
    )
