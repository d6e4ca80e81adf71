"""Stage 1, collect: every [collect.NAME] table becomes shards of documents.

In: the sources of the recipe. Out: ``documents/SOURCE-00000.parquet`` (about 20,000 documents or 64 MB of text each),
``examples/SOURCE/KIND.jsonl.zst`` for samples with gold examples, ``planted.jsonl.zst`` (the truth about planted
dirt) and ``problems.jsonl`` (what was skipped, and why).

Each source is finished on its own: a run that was killed goes on with the first source that is not done.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from groundup.collect.base import Problem
from groundup.collect.files import documents_of
from groundup.collect.options import SourceOptions
from groundup.core.document import Document, write_documents
from groundup.core.errors import DataError, Interrupted, RecipeError, near
from groundup.core.example import write_examples
from groundup.core.files import atomic_writer, read_json, write_json
from groundup.core.randomness import seed_for
from groundup.core.stage import Context

SHARD_DOCUMENTS = 20_000  # taste: a shard of stories is 8 MB, read in a second
SHARD_CHARACTERS = 64_000_000
SAMPLE_COUNT = 40_000  # the demo's number of stories, when a sample's count is not given
WORK = ".sources"  # notes on finished sources; hidden, so that no manifest lists it


def run(
    options: Mapping[str, SourceOptions], inputs: Mapping[str, Path], output: Path, context: Context
) -> dict[str, Any]:
    """Collect every source. Returns counts: documents, bytes, problems, by source.

    Raises DataError when a source's folder is missing or when no usable document was found at all.
    """
    if not options:
        raise DataError("The recipe has no source.", repair='Add one: [collect.mine] with from = "FOLDER".')
    by_source = {}
    for name, source in options.items():
        done = output / WORK / name / "done.json"
        if not done.exists():
            counts = _collect_source(name, source, output, context)
            write_json(done, counts)
        by_source[name] = read_json(done)
        _tell(name, by_source[name], context)
    if not any(counts["documents"] for counts in by_source.values()):
        raise DataError(
            f"No usable document in {', '.join(options)}: {_first_problems(output, list(options))}",
            repair="Point [collect.NAME] from = ... at files with text, or relax include, exclude and text_column.",
        )
    _merge_notes(output, list(options))
    shutil.rmtree(output / WORK)
    return {
        "documents": sum(counts["documents"] for counts in by_source.values()),
        "bytes": sum(counts["bytes"] for counts in by_source.values()),
        "problems": sum(sum(counts["problems"].values()) for counts in by_source.values()),
        "by_source": by_source,
    }


class _Notes:
    """Counts and writes what comes beside the documents of one source: problems and planted truth."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.problems: Counter[str] = Counter()
        self.planted: Counter[str] = Counter()
        self._problems = open(folder / "problems.jsonl", "w", encoding="utf-8")  # noqa: SIM115
        self._planted = open(folder / "planted.jsonl", "w", encoding="utf-8")  # noqa: SIM115

    def problem(self, problem: Problem, source: str) -> None:
        self.problems[problem.problem] += 1
        row = {"source": source, "path": problem.path, "problem": problem.problem, "detail": problem.detail}
        self._problems.write(json.dumps(row, ensure_ascii=True) + "\n")

    def truth(self, record: Mapping[str, Any]) -> None:
        self.planted[str(record["effect"])] += 1
        self._planted.write(json.dumps(dict(record), ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._problems.close()
        self._planted.close()


def _collect_source(name: str, source: SourceOptions, output: Path, context: Context) -> dict[str, Any]:
    for shard in (output / "documents").glob(f"{name}-[0-9]*.parquet"):
        shard.unlink()  # left by a killed run; made again below, byte for byte
    notes = _Notes(output / WORK / name)
    kinds: Counter[str] = Counter()
    try:
        examples = _write_examples(name, source, output, context)
        documents = (
            _sample_documents(name, source, context, notes)
            if source.sample
            else _found_documents(name, source, output / WORK / name / "web", context, notes)
        )
        tally = {"documents": 0, "bytes": 0}
        stream = _counted(
            context.console.progress(documents, f"collect {name}", total=source.count), tally, kinds, context
        )
        shards = _write_shards(name, stream, output)
    finally:
        notes.close()
    counts = {**tally, "shards": shards, "kinds": dict(kinds), "problems": dict(notes.problems)}
    if notes.planted:
        counts["planted"] = dict(notes.planted)
    if examples:
        counts["examples"] = examples
    return counts


def _found_documents(
    name: str, source: SourceOptions, folder: Path, context: Context, notes: _Notes
) -> Iterator[Document]:
    """From files, standard input or the web; what was skipped goes to the notes. folder: for the crawler's journal."""
    if source.is_web:
        from groundup.collect.web import documents_of_site

        items = documents_of_site(name, source, folder, context.stop)
    elif source.is_git:
        from groundup.collect.git import documents_of_repository

        items = documents_of_repository(name, source)
    elif source.is_remote:
        from groundup.collect.remote import documents_of_remote

        items = documents_of_remote(name, source)
    else:
        items = documents_of(name, source)
    seen: set[str] = set()
    for item in items:
        if isinstance(item, Problem):
            notes.problem(item, name)
        elif item.id in seen:
            notes.problem(Problem(item.path, "same_path", "two texts under one path; the first is kept"), name)
        else:
            seen.add(item.id)
            yield item


def _sample_documents(name: str, source: SourceOptions, context: Context, notes: _Notes) -> Iterator[Document]:
    from groundup.collect.samples import SAMPLES, plant

    seed = seed_for(context.seed, "collect", name)
    count = source.count or SAMPLE_COUNT
    documents = SAMPLES.get(source.sample).documents(name, count, seed, source.licence)
    if not source.plant:
        yield from documents
        return
    yield from plant(documents, list(source.plant), seed, source.plant_rate, notes.truth)


def _write_examples(name: str, source: SourceOptions, output: Path, context: Context) -> dict[str, int]:
    if not source.sample:
        return {}
    from groundup.collect.samples import SAMPLES

    seed = seed_for(context.seed, "collect", name)
    examples = SAMPLES.get(source.sample).examples(name, source.count or SAMPLE_COUNT, seed)
    wanted = tuple(examples) if source.examples is None else source.examples
    for kind in wanted:
        if kind not in examples:
            raise RecipeError(f"'{source.from_}' makes no examples of the kind '{kind}'.", repair=near(kind, examples))
    return {kind: write_examples(output / "examples" / name / f"{kind}.jsonl.zst", examples[kind]) for kind in wanted}


def _counted(
    documents: Iterator[Document], tally: dict[str, int], kinds: Counter[str], context: Context
) -> Iterator[Document]:
    for document in documents:
        tally["documents"] += 1
        tally["bytes"] += len(document.text.encode("utf-8", "replace"))
        kinds[str(document.meta.get("kind", "prose"))] += 1
        if tally["documents"] % 256 == 0 and context.stop():
            raise Interrupted("Stopped while collecting; run the same command again to go on.")
        yield document


def _write_shards(name: str, documents: Iterator[Document], output: Path) -> int:
    """Write the stream shard by shard; returns their number (a source without documents has none)."""
    number = 0
    pending = next(documents, None)
    while pending is not None:
        first, pending = pending, None

        def shard(first: Document = first) -> Iterator[Document]:
            nonlocal pending
            yield first
            rows, size = 1, len(first.text)
            for document in documents:
                if rows >= SHARD_DOCUMENTS or size + len(document.text) > SHARD_CHARACTERS:
                    pending = document
                    return
                rows += 1
                size += len(document.text)
                yield document

        # Few rows a batch: long texts must not pile up in memory
        write_documents(output / "documents" / f"{name}-{number:05d}.parquet", shard(), batch=500)
        number += 1
    return number


def _merge_notes(output: Path, names: list[str]) -> None:
    import zstandard

    with atomic_writer(output / "problems.jsonl") as file:
        for name in names:
            file.write((output / WORK / name / "problems.jsonl").read_bytes())
    with atomic_writer(output / "planted.jsonl.zst") as file:
        stream = zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False)
        for name in names:
            stream.write((output / WORK / name / "planted.jsonl").read_bytes())
        stream.close()


def _first_problems(output: Path, names: list[str]) -> str:
    rows = []
    for name in names:
        with open(output / WORK / name / "problems.jsonl", encoding="utf-8") as file:
            rows += [json.loads(line) for line, _ in zip(file, range(3), strict=False)]
    shutil.rmtree(output / WORK)  # nothing here is worth going on from
    return "; ".join(f"{row['path']}: {row['problem']} ({row['detail']})" for row in rows[:3]) or "no files at all"


def _tell(name: str, counts: Mapping[str, Any], context: Context) -> None:
    problems = sum(counts["problems"].values())
    skipped = f", {problems} problems (problems.jsonl)" if problems else ""
    context.console.note(f"collect {name}: {counts['documents']:,} documents, {counts['bytes'] / 1e6:.1f} MB{skipped}")
