"""The unit costs behind docs/scale.md, measured on one core of this machine: python -m benchmarks.units [--write]

Every rate is per CPU second (user and system, children too), so that a busy machine changes it little. `--write` keeps
the result in benchmarks/results/units.json, which scripts/scale.py reads. About a minute on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "units.json"
STORIES = 4000  # 2.5 MB of text: every stage then works for seconds
WRITTEN_BYTES = 256_000_000  # of the disk's rate; written to the end (fsync)


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of `work`, with those of the processes it started, and its result."""
    before = _cpu()
    result = work()
    return _cpu() - before, result


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def text_units(folder: Path) -> dict[str, float]:
    """Bytes a second of collecting, cleaning and tokenizing, through the stages' own front doors."""
    from groundup.core.console import Console
    from groundup.core.stage import Context
    from groundup.stages import recipe_from_text, stage_named, stage_options

    recipe = recipe_from_text(
        f'name = "units"\n[collect.stories]\nfrom = "samples:stories"\ncount = {STORIES}\nexamples = []\n'
        "[tokenizer]\nvocabulary_size = 2000\n"
    )
    seconds: dict[str, float] = {}
    places: dict[str, Path] = {}
    for name in ("collect", "clean", "tokenizer"):
        stage = stage_named(name)
        places[name] = folder / stage.folder
        places[name].mkdir()
        inputs = {key: places[key] for key in stage.inputs}
        context = Context(seed=1, console=Console(quiet=True))
        options = stage_options(recipe, name)
        seconds[name], _ = cpu_seconds(
            lambda s=stage, o=options, i=inputs, p=places[name], c=context: s.run(o, i, p, c)
        )
    clean = places["clean"] / "documents"
    from groundup.core.document import read_documents

    text_bytes = sum(len(document.text.encode()) for document in read_documents(clean))
    stored = sum(path.stat().st_size for path in clean.rglob("*.parquet"))
    tokens = (
        sum(
            path.stat().st_size for path in (places["tokenizer"] / "tokens").glob("*.bin") if "borders" not in path.name
        )
        / 2
    )
    index = sum(path.stat().st_size for path in (places["tokenizer"] / "trace").rglob("*") if path.is_file())
    return {
        "clean_text_bytes_per_second": text_bytes / seconds["clean"],
        "tokenize_bytes_per_second": text_bytes / seconds["tokenizer"],  # learning, encoding and the index together
        "stored_bytes_per_text_byte": stored / text_bytes,
        "index_bytes_per_token": index / tokens,
    }


def model_units() -> dict[str, float]:
    """What one core computes: in bare matrix products, in training steps; and in writing text."""
    import torch

    from groundup.core.randomness import numpy_random
    from groundup.model import build, from_depth
    from groundup.model.plan import count
    from groundup.train import OptimizerOptions, causal
    from groundup.train.optim import make_optimizer

    torch.set_num_threads(1)
    side, rounds = 768, 12
    a, b = torch.randn(side, side), torch.randn(side, side)
    a @ b
    matmul, _ = cpu_seconds(lambda: [a @ b for _ in range(rounds)])
    config = from_depth(6, vocabulary_size=4096)
    module = build(config, seed=1)
    optimizer = make_optimizer(module, OptimizerOptions(steps=10))
    ids_BT = torch.from_numpy(numpy_random(1, "units").integers(0, 4096, (8, config.context_length + 1)))

    def steps(number: int) -> None:
        for _ in range(number):
            optimizer.zero_grad()
            loss = causal(module, {"ids_BT": ids_BT[:, :-1], "targets_BT": ids_BT[:, 1:]})
            (loss.loss / loss.count).backward()
            optimizer.step(share=1.0)

    steps(1)
    training, _ = cpu_seconds(lambda: steps(4))
    tokens = 4 * 8 * config.context_length
    peak = 2 * side**3 * rounds / matmul
    return {
        "core_matmul_flops": peak,
        "core_training_flops": count(config).flops_per_token * tokens / training,
        "training_share_of_matmul": count(config).flops_per_token * tokens / training / peak,
    }


def disk_units(folder: Path) -> dict[str, float]:
    """Bytes a second that reach the disk, by the clock: a checkpoint is written by one process."""
    block = os.urandom(16_000_000)
    start = time.perf_counter()
    with open(folder / "written", "wb") as file:
        for _ in range(WRITTEN_BYTES // len(block)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return {"disk_write_bytes_per_second": WRITTEN_BYTES / (time.perf_counter() - start)}


def main() -> int:
    """Measure, print as JSON, and with --write keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"keep the result in {RESULT.name}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        units = {**text_units(folder), **model_units(), **disk_units(folder)}
    about = {"command": "python -m benchmarks.units --write", "date": datetime.now(UTC).date().isoformat()}
    about |= {"machine": f"{os.cpu_count()} cores, {platform.machine()}, one used", "seed": 1}
    text = json.dumps({**about, "units": {key: float(f"{value:.4g}") for key, value in units.items()}}, indent=1) + "\n"
    print(text, end="")
    if given.write:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
