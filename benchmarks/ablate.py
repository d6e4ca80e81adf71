"""Which ingredients of the family speedrun pay: each one left out of all, and each one alone, on real text.

    python -m benchmarks.ablate --data FOLDER --work FOLDER [--runs all -smear ...] [--seeds 0 1] [--steps 600] [--list]

--data, --work: as in benchmarks.time_to_quality (its tokens and its held-out documents). All runs see the same tokens in the
same order, so that bits per byte at the end do not depend on how busy the machine is; seconds a step do, and count only
from an idle one. What is in results.jsonl is not run again: the list may be stopped and started at will.

    all       the family's ingredients (groundup.model.presets.SPEEDRUN)
    -NAME     all but one          +NAME     none but one          none      none of them: the plain decoder
    gpt       the default model

Screen with two seeds, confirm what looks best with five: the spread between seeds is in the table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.time_to_quality import SOURCES, data_of, look
from groundup.model.families import build
from groundup.model.options import ModelOptions
from groundup.model.presets import SPEEDRUN, resolve
from groundup.model.rules import EXTRAS
from groundup.pretrain.batches import PackedBatches
from groundup.train.objectives import causal, token_losses
from groundup.train.optim import make_optimizer
from groundup.train.options import OptimizerOptions
from groundup.train.schedules import schedule

VOCABULARY, CONTEXT, BATCH, DEPTH = 4096, 256, 16, 4
ALL: list[str] = SPEEDRUN["extras"]
# Ingredients that are fields of the table: what stands for "without".
FIELDS: dict[str, dict[str, Any]] = {
    "relu2": {"feedforward": "swiglu"},
    "rms_bare": {"norm": "rms"},
    "qk_norm": {"qk_norm": False},
    "softcap": {"logit_softcap": 0.0},
    "untied": {"tied": True},
    "windows": {"window": 0, "global_every": 0},
}
WITHOUT = {name: value for table in FIELDS.values() for name, value in table.items()}
NAMES = (*FIELDS, *EXTRAS)
RUNS = ("gpt", "none", "all", *(f"-{name}" for name in (*FIELDS, *ALL)), *(f"+{name}" for name in NAMES))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--runs", nargs="*", default=list(RUNS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--list", action="store_true", help="only print what is there")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.work.mkdir(parents=True, exist_ok=True)
    results = given.work / "ablations.jsonl"
    for seed in [] if given.list else given.seeds:
        for name in given.runs:
            key = {"run": name, "steps": given.steps, "seed": seed}
            if not any(all(row[k] == v for k, v in key.items()) for row in read(results)):
                row = {**key, **carry_out(name, given.steps, seed, given)}
                with open(results, "a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(row, file=sys.stderr, flush=True)
    print_table(read(results))
    return 0


def read(path: Path) -> list[dict[str, Any]]:
    """The runs that are done."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def table_of(name: str) -> dict[str, Any]:
    """The [model] table of a run."""
    table: dict[str, Any] = {"depth": DEPTH, "context_length": CONTEXT}
    if name == "gpt":
        return table
    table["family"] = "speedrun"
    if name == "all":
        return table
    one = name[1:]
    if name.startswith("-"):
        return {**table, **FIELDS.get(one, {}), "extras": [extra for extra in ALL if extra != one]}
    table |= {**WITHOUT, "extras": [one] if one in EXTRAS else []}
    for field in FIELDS.get(one, {}):  # as the family has it
        table.pop(field)
    return table


def carry_out(name: str, steps: int, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train one run and look at the held-out documents at its end."""
    shards, looks = data_of(given.data, given.work, VOCABULARY)
    batches = PackedBatches(shards, batch_size=BATCH, context_length=CONTEXT, seed=seed)
    module: Any = build(resolve(ModelOptions(**table_of(name)), VOCABULARY), seed)
    options = OptimizerOptions(steps=steps, warmup_steps=100, final_share=0.0)
    optimizer = make_optimizer(module, options)
    took = []
    for step in range(steps):
        start = time.perf_counter()
        made = causal(module, batches.next())
        made.loss.backward()
        grads = optimizer.gradients()
        norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))) / made.count
        torch._foreach_mul_(grads, min(1.0, options.clip / norm) / made.count)
        optimizer.step(schedule(options, step, steps))
        optimizer.zero_grad()
        took.append(time.perf_counter() - start)
    module.eval()
    bits = {source: look(lambda *rows: token_losses(module, *rows), looks[source], CONTEXT) for source in SOURCES}
    return {**bits, "seconds_a_step": statistics.median(took), "parameters": module.num_parameters()}


def print_table(rows: list[dict[str, Any]]) -> None:
    """Means over seeds, the best first; difference: of both sources' mean to `all`, at the same seeds and steps."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["steps"], row["run"]), []).append(row)
    print(
        f"{'run':<20}{'steps':>6}{'seeds':>6}{'books':>8}{'wiki':>8}{'spread':>8}{'to all':>8}{'s/step':>8}{'params':>12}"
    )

    def mean(group: list[dict[str, Any]], *names: str) -> float:
        return statistics.mean(row[name] for row in group for name in names)

    for (steps, name), group in sorted(groups.items(), key=lambda item: (item[0][0], mean(item[1], *SOURCES))):
        both = [mean([row], *SOURCES) for row in group]
        spread = statistics.stdev(both) if len(both) > 1 else float("nan")
        base = {row["seed"]: row for row in groups.get((steps, "all"), [])}
        pairs = [mean([row], *SOURCES) - mean([base[row["seed"]]], *SOURCES) for row in group if row["seed"] in base]
        print(
            f"{name:<20}{steps:>6}{len(group):>6}{mean(group, 'books'):>8.4f}{mean(group, 'wikipedia'):>8.4f}{spread:>8.4f}"
            f"{statistics.mean(pairs) if pairs else float('nan'):>8.4f}{mean(group, 'seconds_a_step'):>8.3f}"
            f"{group[0]['parameters']:>12,}"
        )


if __name__ == "__main__":
    sys.exit(main())
