"""Multiple choice scored by us and by lm-evaluation-harness: the same model, rows, prompts, CPU and threads.

    python -m benchmarks.evaluate [--model FOLDER] [--rows FILE.jsonl] [--limit 200] [--shots 0,5] [--repeats 3]

Ours is `score_task` (`groundup evaluate` without opening the model), theirs `simple_evaluate` with their HFLM on the same
folder at its automatic batch size rule's fixed 16, from when the model is open. Both read the same text: the worked
examples are the same rows in the same order, joined alike, and both open with the border token. Printed: the best of the
repeats of each, the ratio, and whether the two pick the same choice on every item.

Needs lm-eval (pip install 'groundup[lm-eval]') and its transformers; nothing is downloaded. Without --model a small model
in the Qwen3 layout with random weights is made: speed does not depend on what it knows. Without --rows: made-up questions
of the length of ARC's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TEMPLATE = "{query}"
SEPARATOR = " "


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rows", type=Path, help="JSONL with query, choices, gold")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--shots", default="0,5")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16, help="the harness's batch size")
    options = parser.parse_args()
    try:
        import lm_eval  # noqa: F401
    except ImportError:
        print("evaluate: skipped, lm-eval is not installed (pip install 'groundup[lm-eval]')", file=sys.stderr)
        return 0
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory() as place:
        folder = options.model or _model(Path(place) / "model")
        rows = _rows(options.rows, options.limit + 10)
        print("| shots | items | ours, s | lm-eval, s | ratio | same choices |\n|---|---|---|---|---|---|")
        for shots in map(int, options.shots.split(",")):
            ours, mine = best(lambda: ask_ours(folder, rows, shots, Path(place)), options.repeats)  # noqa: B023
            theirs, them = best(lambda: ask_harness(folder, rows, shots, Path(place), options.batch), options.repeats)  # noqa: B023
            same = sum(a == b for a, b in zip(mine, them, strict=True))
            line = (
                f"| {shots} | {len(mine)} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f} | {same} of {len(mine)} |"
            )
            print(line, flush=True)
    return 0


def best(ask: Any, repeats: int) -> tuple[float, list[int]]:
    """The shortest time of some repeats, and the picked choices."""
    found = [ask() for _ in range(repeats)]
    return min(seconds for seconds, _ in found), found[0][1]


def ask_ours(folder: Path, rows: list[dict[str, Any]], shots: int, place: Path) -> tuple[float, list[int]]:
    """Seconds, and the place of the likeliest choice of every asked row."""
    from groundup.evaluate.base import Item
    from groundup.evaluate.choice import ChoiceTask
    from groundup.evaluate.subject import load_subject

    items = [
        Item(
            str(n), row["query"].rstrip(), row["choices"][row["gold"]], choices=tuple(row["choices"]), label=row["gold"]
        )
        for n, row in enumerate(rows)
    ]
    task = ChoiceTask("bench", lambda data, split: items, separator=SEPARATOR)
    subject = load_subject(folder, device="cpu", format="plain")
    start = time.perf_counter()
    outcomes = task.answer(subject, items[shots:], items[:shots])
    seconds = time.perf_counter() - start
    return seconds, [outcome.item.choices.index(outcome.answer) for outcome in outcomes]


def ask_harness(
    folder: Path, rows: list[dict[str, Any]], shots: int, place: Path, batch: int
) -> tuple[float, list[int]]:
    """The same by lm-evaluation-harness with its own transformers model."""
    import logging

    from lm_eval.evaluator import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    logging.disable(logging.WARNING)
    before = "".join(row["query"].rstrip() + SEPARATOR + row["choices"][row["gold"]] + "\n\n" for row in rows[:shots])
    asked = place / f"asked-{shots}.jsonl"
    asked.write_text(
        "".join(json.dumps({**row, "query": before + row["query"].rstrip()}) + "\n" for row in rows[shots:])
    )
    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=batch, add_bos_token=True)
    tasks = [harness_task(asked, place)]
    start = time.perf_counter()
    result = simple_evaluate(model, tasks=tasks, bootstrap_iters=0, log_samples=True)
    seconds = time.perf_counter() - start
    samples = sorted(result["samples"]["bench"], key=lambda sample: sample["doc_id"])
    return seconds, [likeliest(sample) for sample in samples]


def harness_task(rows: Path, place: Path) -> dict[str, Any]:
    """A task of the harness over local rows; the worked examples already stand in the query."""
    return {
        "task": "bench",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(rows)}, "cache_dir": str(place / "cache")},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{query}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{gold}}",
        "target_delimiter": SEPARATOR,
        "metric_list": [{"metric": "acc"}],
    }


def likeliest(sample: dict[str, Any]) -> int:
    """The place of the choice with the highest summed log-probability in a logged sample of the harness."""
    sums = [
        float(response[0] if not isinstance(response[0], (list, tuple)) else response[0][0])
        for response in sample["filtered_resps"]
    ]
    return sums.index(max(sums))


def _rows(path: Path | None, count: int) -> list[dict[str, Any]]:
    if path is not None:
        from groundup.evaluate.rows import read_rows

        return list(read_rows(path))[:count]
    rng = random.Random(1)
    words = [
        "the",
        "a",
        "river",
        "bread",
        "lamp",
        "garden",
        "of",
        "heats",
        "which",
        "metal",
        "light",
        "plant",
        "when",
        "stone",
        "water",
        "is",
        "cold",
        "in",
    ]

    def text(length: int) -> str:
        return " ".join(rng.choices(words, k=length))

    return [
        {"query": f"Question: {text(rng.randint(15, 40))}?\nAnswer:", "choices": [text(rng.randint(2, 8)) for _ in range(4)],
         "gold": rng.randrange(4)}
        for _ in range(count)
    ]  # fmt: skip


def _model(folder: Path) -> Path:
    """Depth 6, width 288, context 1,024, random weights; a tokenizer trained on the made-up rows."""
    from groundup.model import bundle
    from groundup.model.families import build
    from groundup.model.presets import from_depth
    from groundup.tokenizer import Tokenizer

    tokenizer = Tokenizer.train([json.dumps(row) for row in _rows(None, 500)], vocabulary_size=1000)
    module = build(from_depth(6, tokenizer.vocabulary_size, context_length=1024), seed=1)
    bundle.save(folder, module, tokenizer)
    return folder


if __name__ == "__main__":
    sys.exit(main())
