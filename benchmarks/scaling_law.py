"""A scaling law from a ladder of small models, and how well it foretells the next size.

    python -m benchmarks.scaling_law --data FOLDER --work FOLDER [--depths 2 3 4] [--tokens 4e5 8e5 16e5] [--next 6:32e5]

Trains every depth on every number of tokens (each with its own schedule to the end), fits

    loss = E + A / N^a + B / D^b        N parameters, D tokens (Hoffmann et al. 2022, section 3.3)

writes the prediction for --next into results.jsonl before that model is trained, then trains it and shows the error.
Loss: bits per byte of held-out books and Wikipedia, the mean of the two (benchmarks.time_to_quality has data and looks).
Runs that are done are not done again, so the ladder may be stopped and started at will. About 12 minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.time_to_quality import MOMENTS, data_of, look, merged, ours, read
from groundup.model.presets import from_depth
from groundup.pretrain.batches import PackedBatches
from groundup.train.memory import keep_freed_memory

EXPONENTS = np.linspace(0.05, 1.5, 146)
TUNED_WIDTH = 128  # of the rates (pretrain.stage): wider models want smaller steps, by the root


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--depths", nargs="*", type=int, default=[2, 3, 4])
    parser.add_argument("--tokens", nargs="*", type=float, default=[4e5, 8e5, 16e5])
    parser.add_argument("--next", default="6:32e5", metavar="DEPTH:TOKENS")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    keep_freed_memory()
    given.work.mkdir(parents=True, exist_ok=True)
    results = given.work / "scaling.jsonl"
    for depth in given.depths:
        for tokens in given.tokens:
            result_of(results, depth, int(tokens), given)
    rungs = [row for row in read(results) if row["kind"] == "rung" and row["depth"] in given.depths]
    law = fit([(row["parameters"], row["tokens"], row["loss"]) for row in rungs])
    fitted = [predict(law, row["parameters"], row["tokens"]) / row["loss"] - 1 for row in rungs]
    print("loss = {:.3f} + {:.4g} / N^{:.2f} + {:.4g} / D^{:.2f}".format(*law))
    print(f"{len(rungs)} rungs, mean error of the fit {statistics.mean(map(abs, fitted)):.2%}")
    depth, tokens = int(given.next.split(":")[0]), int(float(given.next.split(":")[1]))
    parameters = sum(p.numel() for p in model_of(depth, tokens, given.seed, None)[0].parameters())
    foretold = predict(law, parameters, tokens)
    keep(results, {"kind": "prediction", "law": law, "parameters": parameters, "tokens": tokens, "loss": foretold})
    found = result_of(results, depth, tokens, given)["loss"]
    print(f"depth {depth}, {parameters:,} parameters, {tokens:,} tokens: foretold {foretold:.4f}, ", end="")
    print(f"measured {found:.4f}, error {foretold / found - 1:+.2%}")
    return 0


def result_of(results: Path, depth: int, tokens: int, given: argparse.Namespace) -> dict[str, Any]:
    """One trained model's row; what is done is read."""
    key = {"kind": "rung", "depth": depth, "tokens": tokens, "seed": given.seed}
    for row in read(results):
        if all(row.get(name) == value for name, value in key.items()):
            return row
    row = {**key, **trained(depth, tokens, given)}
    keep(results, row)
    print(f"depth {depth}, {tokens:,} tokens: {row['loss']:.4f}", file=sys.stderr, flush=True)
    return row


def keep(results: Path, row: dict[str, Any]) -> None:
    """One more line."""
    with open(results, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def model_of(depth: int, tokens: int, seed: int, batches: Any) -> Any:
    """(module, step, losses_of) of our trainer, its rates fitted to the width."""
    settings = merged({"depth": depth})
    share = (TUNED_WIDTH / from_depth(depth, settings["vocabulary"]).width) ** 0.5
    steps = tokens // (settings["batch"] * settings["context"])
    settings["train"] |= {"learning_rate": 0.02 * share, "warmup_steps": MOMENTS * 40 // max(200, steps)}
    return ours(settings, batches, seed)


def trained(depth: int, tokens: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train one rung to the end of its schedule and look once."""
    torch.manual_seed(given.seed)
    settings = merged({"depth": depth})
    shards, looks = data_of(given.data, given.work, settings["vocabulary"])
    batches = PackedBatches(shards, batch_size=settings["batch"], context_length=settings["context"], seed=given.seed)
    module, step, losses_of = model_of(depth, tokens, given.seed, batches)
    steps = tokens // (settings["batch"] * settings["context"])
    for number in range(steps):
        step(number / steps)
    bits = {source: look(losses_of, pieces, settings["context"]) for source, pieces in looks.items()}
    return {"parameters": sum(p.numel() for p in module.parameters()), **bits, "loss": statistics.mean(bits.values())}


def fit(points: list[tuple[int, int, float]]) -> list[float]:
    """[E, A, a, B, b] of (parameters, tokens, loss): for every pair of exponents the other three follow from linear least
    squares of the relative error; the best pair whose three are not negative is taken."""
    sizes, tokens, losses = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    best, law = np.inf, [float(losses.min()), 0.0, 1.0, 0.0, 1.0]
    for a in EXPONENTS:
        for b in EXPONENTS:
            # Divided by typical sizes, so that the three columns are of one order.
            columns = np.stack([np.ones_like(sizes), (sizes / sizes[0]) ** -a, (tokens / tokens[0]) ** -b], 1)
            found, *_ = np.linalg.lstsq(columns / losses[:, None], np.ones_like(losses), rcond=None)
            error = float(np.square(columns @ found / losses - 1).sum())
            if error < best and (found >= 0).all():
                best = error
                law = [found[0], found[1] * sizes[0] ** a, a, found[2] * tokens[0] ** b, b]
    return [float(value) for value in law]


def predict(law: list[float], parameters: int, tokens: int) -> float:
    """The law's loss."""
    E, A, a, B, b = law
    return E + A / parameters**a + B / tokens**b


if __name__ == "__main__":
    sys.exit(main())
