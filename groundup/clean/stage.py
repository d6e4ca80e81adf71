"""Stage 2, clean: every document through the steps of the recipe, in their order.

In: ``collect`` (its documents/). Out: ``documents/`` and ``dropped/`` with one shard for each shard that came in, and
``clean.json``: per step the counts, reasons and samples, and the data statement.

A step that needs the whole corpus cuts the story into passes: each pass applies the steps up to the next such step,
writes its shards to ``.work/PASS/`` and shows each document to that step on the way (`shard`); then the step decides
(``.work/decisions/STEP.npz``). Shards are worked on side by side (`engine`). A killed run goes on with the first shard
that is not written. Memory: a shard's documents in each worker, and here the hashes that steps keep.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup.clean.base import Step, make_step
from groundup.clean.engine import carry_out
from groundup.clean.options import CleanOptions
from groundup.clean.shard import Task, read_arrays, write_arrays, written_by
from groundup.clean.statement import Statement
from groundup.clean.tally import StepTally
from groundup.core.document import Dropped, read_dropped, shards_in, write_documents
from groundup.core.errors import DataError
from groundup.core.files import write_json
from groundup.core.stage import Context

WORK = ".work"
DECISIONS = "decisions"


def run(options: CleanOptions, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Clean what collect left. Returns counts; raises DataError when nothing is left."""
    shards = shards_in(inputs["collect"] / "documents")
    if not shards:
        raise DataError(f"{inputs['collect']} holds no documents to clean.")
    steps = [make_step(name, options) for name in options.steps]
    tallies = {step.name: StepTally() for step in steps}
    work = output / WORK
    for step in steps:
        if not step.needs_corpus:
            _decide(step, work)
    totals, statement = _Totals(), Statement()
    place = inputs["collect"] / "documents"
    passes = split_into_passes(steps)
    for number, (group, following) in enumerate(passes):
        target = work / str(number)
        tasks = _tasks(options, [place / shard.name for shard in shards], target, group, following)
        label = f"clean {number + 1}/{len(passes)}"
        carry_out(
            tasks,
            engine=options.engine,
            workers=options.workers,
            console=context.console,
            stop=context.stop,
            label=label,
        )
        for task in tasks:
            written = written_by(task)
            for step, values in zip(group, written["steps"], strict=True):
                tallies[step.name].merge(StepTally.from_json(values))
            totals.add(task.name, written)
            statement.merge(written.get("statement", {}))
            if following is not None:
                tallies[following.name].seconds += written["look_seconds"]
        if following is not None:
            _decide(following, work, [target / f"{task.name}.npz" for task in tasks])
        place = target / "documents"
    counts = {"documents_in": totals.documents_in, **totals.counts(), **_by_step(tallies)}
    _finish(work, place, [shard.stem for shard in shards], output)
    report = {
        **counts,
        "statement": statement.figures(counts["documents_in"], counts["dropped_by_step"]),
        "steps": [{"step": name, **tally.as_json()} for name, tally in tallies.items()],
    }
    for step in steps:
        summary = step.summary(_dropped_by(step.name, output / "dropped", tallies))
        if summary:
            report[step.name] = summary
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


def _tasks(
    options: CleanOptions, sources: list[Path], target: Path, group: list[Step], following: Step | None
) -> list[Task]:
    plain = options.model_dump(mode="json")
    return [
        Task(
            options=plain,
            source=str(source.absolute()),
            target=str(target.absolute()),
            steps=tuple(step.name for step in group),
            following=following.name if following is not None else "",
            decisions=str((target.parent / DECISIONS).absolute()),
            bytes=source.stat().st_size,
        )
        for source in sources
    ]


def _decide(step: Step, work: Path, facts: Sequence[Path] = ()) -> None:
    """Let a step decide and store the decision, unless a killed run had."""
    place = work / DECISIONS / f"{step.name}.npz"
    if place.exists():
        return
    for path in facts:
        step.take(read_arrays(path))
    write_arrays(place, step.settle())


def _dropped_by(step: str, folder: Path, tallies: Mapping[str, StepTally]) -> Iterator[Dropped]:
    """What one step dropped; nothing is read where it dropped nothing."""
    if tallies[step].dropped:
        yield from (item for item in read_dropped(folder) if item.step == step)


class _Totals:
    """Documents and bytes by source: what the last pass left, what all passes dropped."""

    def __init__(self) -> None:
        self.left: dict[str, dict[str, int]] = {}  # shard -> what its last pass wrote
        self.dropped: dict[str, int] = {}  # shard -> documents dropped in all passes

    def add(self, shard: str, written: Mapping[str, Any]) -> None:
        """One pass over one shard; passes come in order."""
        self.left[shard] = {name: written[name] for name in ("documents", "bytes", "repeats")}
        self.dropped[shard] = self.dropped.get(shard, 0) + written["dropped"]

    @property
    def documents_in(self) -> int:
        """What came into the stage."""
        return sum(left["documents"] for left in self.left.values()) + sum(self.dropped.values())

    def counts(self) -> dict[str, Any]:
        """The sums, whole and by source."""
        by_source: dict[str, dict[str, int]] = {}
        for shard, left in self.left.items():
            source = by_source.setdefault(
                shard.rsplit("-", 1)[0], dict.fromkeys(("documents", "bytes", "repeats", "dropped"), 0)
            )
            for name, value in (*left.items(), ("dropped", self.dropped[shard])):
                source[name] += value
        sums = {
            name: sum(source[name] for source in by_source.values())
            for name in ("documents", "bytes", "dropped", "repeats")
        }
        if not sums["repeats"]:  # nothing counts twice: no word about it
            for part in (sums, *by_source.values()):
                del part["repeats"]
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
    passes = sorted((path for path in work.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
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
