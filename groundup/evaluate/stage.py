"""Stage 6: ask the model every task, mark the answers, write scores that can be believed.

    run(options, inputs, output, context) -> counts

inputs: `model` (a model folder) and what the tasks need of `collect`, `clean`, `tokenizer`. output:

    scores.json             every score with interval, n, chance, baseline, protocol and the hash of what was asked
    items/TASK.jsonl.zst    every item: the prompt as shown, the answer, the gold answer, the marks

A task that is done is not asked again when a killed run continues: its scores wait in `.done/TASK.json`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError, Interrupted, UsageError
from groundup.core.files import atomic_writer, fingerprint, read_json, write_json
from groundup.core.randomness import python_random
from groundup.core.score import Score, write_scores
from groundup.core.stage import Context
from groundup.evaluate.base import KINDS_OF_MODEL, Data, Item, Outcome, Task, demand_fit, fits, hash_of, takes_shots
from groundup.evaluate.catalogue import find_task
from groundup.evaluate.contamination import Contamination
from groundup.evaluate.options import EvaluateOptions
from groundup.evaluate.scoring import rivals_of, scores_of
from groundup.evaluate.shots import draw_shots, shots_of
from groundup.evaluate.subject import Subject, load_subject
from groundup.evaluate.table import headline

LEAST_PER_SOURCE = 5  # taste: an interval of its own needs some
# Baselines learn from at most so many training items: some seconds on one core. Taste.
MOST_TRAINING_ITEMS = 10_000


def run(options: EvaluateOptions, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Score the model on every task; returns counts for the manifest."""
    chosen = [find_task(name) for name in options.tasks]  # an unknown name stops before the model is opened
    subject = load_subject(Path(inputs["model"]), device=context.device, format=options.format)
    scores: list[Score] = []
    if "tasks" not in options.model_fields_set:  # nobody asked for the default, so what does not fit is left out
        chosen = [task for task in chosen if fits(task, subject)]
        if not chosen:
            context.console.note(f"evaluate: name a task for {KINDS_OF_MODEL[subject.kind]}: tasks = ['mine.toml']")
    for task in chosen:
        demand_fit(task, subject)
    data = data_of(options, inputs, context.seed)
    contamination = Contamination.open(inputs)
    for task in chosen:
        for num_shots in options.shot_counts if takes_shots(task, subject) else [0]:
            if context.stop():
                raise Interrupted("Stopped between two tasks.", repair="Run the same command again to continue.")
            scores += _task_once(task, num_shots, subject, options, data, output, context, contamination)
    write_scores(output / "scores.json", scores)
    return {"tasks": len(chosen), "scores": len(scores), "items": sum(_items_by_task(scores).values())}


def _task_once(
    task: Task,
    num_shots: int,
    subject: Subject,
    options: EvaluateOptions,
    data: Data,
    output: Path,
    context: Context,
    contamination: Contamination | None,
) -> list[Score]:
    several = len(options.shot_counts) > 1 and takes_shots(task, subject)
    name = f"{task.name}.{num_shots}-shot" if several else task.name
    done = output / ".done" / f"{name}.json"
    items_file = output / "items" / f"{name}.jsonl.zst"
    if done.exists() and items_file.exists():
        return [Score(**row) for row in read_json(done)]
    start = time.monotonic()
    scores, outcomes = score_task(
        task, subject, data, num_shots=num_shots, limit=options.limit, contamination=contamination
    )
    write_items(items_file, outcomes)
    write_json(done, [asdict(score) for score in scores])
    seconds = round(time.monotonic() - start, 1)
    context.console.event("note", stage="evaluate", task=name, seconds=seconds, items=len(outcomes))
    context.console.note(f"evaluate: {name}: {headline(scores[0])}, {len(outcomes)} items in {seconds} s")
    return scores


def data_of(options: EvaluateOptions, inputs: Mapping[str, Path], seed: int) -> Data:
    """Where tasks look for their items."""
    folder = Path(options.data).expanduser() if options.data else None
    if folder is not None and not folder.is_dir():
        raise DataError(
            f"evaluate.data: {folder} is not a folder.", repair="Name the folder that holds the tasks' files."
        )
    return Data(inputs, folder, options.seed if options.seed is not None else seed)


def score_task(
    task: Task,
    subject: Subject,
    data: Data,
    *,
    num_shots: int = 0,
    limit: int | str = "all",
    contamination: Contamination | None = None,
) -> tuple[list[Score], list[Outcome]]:
    """Draw the items, ask, mark, compare with the rivals. The main path of evaluation in one place."""
    asked, shots, train = draw(task, data, num_shots=num_shots, limit=limit)
    cut_before = subject.truncated
    outcomes = task.answer(subject, asked, shots)
    rivals = rivals_of(task, train, outcomes)
    scores = scores_of(
        task,
        outcomes,
        rivals,
        protocol=task.protocol(subject, num_shots),
        data_hash=hash_of(asked),
        seed=data.seed,
        meta={
            "prompts_cut": subject.truncated - cut_before,
            "baselines": sorted(rivals),
            "prompt_hash": fingerprint([outcome.prompt for outcome in outcomes])[:16],
            **({} if contamination is None else {"contamination": contamination.of(asked)}),
        },
    )
    return scores, outcomes


def draw(task: Task, data: Data, *, num_shots: int, limit: int | str) -> tuple[list[Item], list[Item], list[Item]]:
    """(asked, shots, training items), the same for the same seed whatever model is asked.

    Tasks without a training split (rows of a benchmark) lend their shots and training items from the rows that
    are not asked; with limit = "all" only the shots are kept back.
    """
    if hasattr(task, "draw"):
        return task.draw(data, limit), [], []
    held_out = task.items(data)
    if not held_out:
        raise DataError(f"The task '{task.name}' has no item to ask.")
    python_random(data.seed, "evaluate", task.name).shuffle(held_out)
    train = task.items(data, "train")
    python_random(data.seed, "evaluate training", task.name).shuffle(train)
    if train:
        shots, train = draw_shots(train, num_shots)
    else:
        shots, held_out = draw_shots(held_out, num_shots)
    asked = held_out if limit == "all" else every_source(held_out)[: int(limit)]
    if not asked or any(len(shots_of(item, shots)) < num_shots for item in asked[:1]):
        raise UsageError(
            f"The task '{task.name}' has too few items for {num_shots} shots.", repair="Ask for fewer shots."
        )
    if not train:
        taken = {item.id for item in asked}
        train = [item for item in held_out if item.id not in taken]
    return asked, shots, train[:MOST_TRAINING_ITEMS]


def every_source(items: Sequence[Item]) -> list[Item]:
    """Those items first that make LEAST_PER_SOURCE of each source: a few books do not vanish among many short pages."""
    seen: dict[str, int] = {}
    first: list[Item] = []
    rest: list[Item] = []
    for item in items:
        seen[item.source] = seen.get(item.source, 0) + 1
        (first if seen[item.source] <= LEAST_PER_SOURCE else rest).append(item)
    return [*first, *rest]


def write_items(path: Path, outcomes: Sequence[Outcome]) -> None:
    """items/TASK.jsonl.zst: one JSON object per item."""
    import zstandard

    with atomic_writer(path) as file, zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False) as stream:
        for outcome in outcomes:
            row = {
                "id": outcome.item.id,
                "document_id": outcome.item.document_id,
                "source": outcome.item.source,
                "prompt": outcome.prompt,
                "answer": outcome.answer,
                "gold": outcome.item.gold,
                "choices": list(outcome.item.choices),
                "marks": outcome.marks,
            }
            stream.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "replace"))


def read_items(path: Path) -> Iterator[dict[str, Any]]:
    """What `write_items` wrote."""
    import io

    import zstandard

    if not path.exists():
        raise DataError(f"No items at {path}.")
    with open(path, "rb") as file:
        stream: Any = zstandard.ZstdDecompressor().stream_reader(file)
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            yield json.loads(line)


def _items_by_task(scores: Sequence[Score]) -> dict[str, int]:
    return {score.task: score.n for score in scores if not score.source}
