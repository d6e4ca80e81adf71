"""Bits per byte of held-out documents after some minutes of training: a plain GPT as most would train it, and ours.

    python -m benchmarks.time_to_quality --data FOLDER --work FOLDER [--runs baseline:10 ours:4 ...] [--seeds 0 1]

--data: a folder with pretrain_books_en/ and pretrain_wikipedia_en/ (JSON lines, gzip). --work: where tokens and results lie
(results.jsonl); what is there already is not run again, so a long list of runs may be stopped and started at will.
VARIANT:MINUTES is one run; the variants are below. Every twentieth document (by hash) is held out; looks at 200 kB of each
source do not count as time. Bits per byte are of the raw text, so the tokenizer is free. Schedules follow the share of the
time that has passed. Run it on an idle machine: time is what is measured.

The baseline is nanoGPT's model and loop (benchmarks.train), its size, rate and batch the best of six settings: 4 layers of
128, vocabulary 4,096, context 256, batch 16, AdamW, peak rate 4e-3, cosine; about 1.81 (books) and 2.21 (Wikipedia) after
ten minutes of two cores. It computes in fp32 as nanoGPT does on CPUs; baseline_bf16 in bf16, which is faster on some.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.train import plain_gpt2
from groundup.model.device import autocast, settle_precision
from groundup.model.families import build
from groundup.model.presets import SPEEDRUN, from_depth
from groundup.pretrain.batches import PackedBatches
from groundup.tokenizer import Tokenizer
from groundup.tokenizer.shards import ShardWriter, TokenShards
from groundup.train.memory import keep_freed_memory
from groundup.train.objectives import causal, token_losses
from groundup.train.optim import make_optimizer
from groundup.train.options import OptimizerOptions
from groundup.train.schedules import schedule

SOURCES = {"books": "pretrain_books_en/books.jsonl.gz", "wikipedia": "pretrain_wikipedia_en/wiki_en.jsonl.gz"}
LOOK_BYTES = 200_000  # of each source
LOOK_EVERY = 30.0  # seconds of training
MOMENTS = 10_000  # a schedule's steps: the share of the time in ten thousandths

# What a variant changes of "ours"; model: fields of ModelConfig, train: of OptimizerOptions.
OURS: dict[str, Any] = {
    "vocabulary": 4096,
    "context": 256,
    "batch": 16,
    "depth": 4,
    "model": {},
    "train": {"warmup_steps": 200, "decay_share": 0.65, "final_share": 0.0},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "adamw": {"train": {"optimizer": "adamw"}},
    "no_qk_norm": {"model": {"family": "custom", "qk_norm": False}},
    "gelu": {"model": {"family": "custom", "feedforward": "gelu_tanh"}},
    "relu2": {"model": {"family": "custom", "feedforward": "relu2"}},
    "softcap15": {"model": {"family": "custom", "logit_softcap": 15.0}},
    "untied": {"model": {"tied": False}},
    "batch8": {"batch": 8},
    "batch32": {"batch": 32},
    "context128": {"context": 128, "batch": 32},
    "fp32": {"train": {"precision": "fp32"}},
    "speedrun": {"model": {"family": "speedrun", **SPEEDRUN, "extras": tuple(SPEEDRUN["extras"])}},
    "vocabulary2048": {"vocabulary": 2048},
    "vocabulary8192": {"vocabulary": 8192},
    "depth3": {"depth": 3},
    "depth5": {"depth": 5},
    "depth6_width128": {"depth": 6, "model": {"width": 128}},
    "width192": {"model": {"width": 192}},
    "rate_low": {"train": {"matrix_learning_rate": 0.01, "learning_rate": 0.01}},
    "rate_high": {"train": {"matrix_learning_rate": 0.04, "learning_rate": 0.03}},
    "decay_all": {"train": {"decay_share": 1.0}},
    "decay_third": {"train": {"decay_share": 0.35}},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--runs", nargs="*", default=["baseline:10", "ours:4", "ours:10"], metavar="VARIANT:MINUTES")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    keep_freed_memory()
    given.work.mkdir(parents=True, exist_ok=True)
    results = given.work / "results.jsonl"
    for seed in given.seeds:
        for run in given.runs:
            name, _, minutes = run.partition(":")
            key = {"variant": name, "minutes": float(minutes), "seed": seed, "threads": given.threads}
            if any(all(row[k] == v for k, v in key.items()) for row in read(results)):
                continue
            print(f"{name}, {minutes} minutes, seed {seed}", file=sys.stderr, flush=True)
            row = {**key, **carry_out(name, float(minutes) * 60, seed, given)}
            with open(results, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    print_table(read(results))
    return 0


def read(path: Path) -> list[dict[str, Any]]:
    """The runs that are done."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def print_table(rows: list[dict[str, Any]]) -> None:
    """Means over seeds, the best first."""
    groups: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["variant"], row["minutes"]), []).append(row)
    print(f"{'variant':<20}{'minutes':>8}{'seeds':>6}{'books':>8}{'wiki':>8}{'spread':>8}{'tok/s':>9}{'params':>12}")
    for (name, minutes), group in sorted(groups.items(), key=lambda item: (item[0][1], item[1][0]["books"])):
        books, wiki = ([row[source] for row in group] for source in SOURCES)
        spread = statistics.stdev(books) if len(books) > 1 else float("nan")
        speed = statistics.mean(row["tokens_per_second"] for row in group)
        print(
            f"{name:<20}{minutes:>8g}{len(group):>6}{statistics.mean(books):>8.4f}{statistics.mean(wiki):>8.4f}"
            f"{spread:>8.4f}{speed:>9,.0f}{group[0]['parameters']:>12,}"
        )


def carry_out(name: str, seconds: float, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train one variant for `seconds` and look at it now and then."""
    torch.manual_seed(seed)
    settings = merged(VARIANTS.get(name, {}))
    shards, looks = data_of(given.data, given.work, settings["vocabulary"])
    batches = PackedBatches(shards, batch_size=settings["batch"], context_length=settings["context"], seed=seed)
    module, step, losses_of = BASELINES.get(name, ours)(settings, batches, seed)
    curve, trained, steps, next_look = [], 0.0, 0, LOOK_EVERY
    while trained < seconds:
        start = time.perf_counter()
        step(trained / seconds)
        trained += time.perf_counter() - start
        steps += 1
        if trained >= min(next_look, seconds):
            next_look += LOOK_EVERY
            bits = {source: look(losses_of, pieces, settings["context"]) for source, pieces in looks.items()}
            curve.append({"seconds": round(trained, 1), **bits})
            print(f"  {trained:6.0f} s  " + "  ".join(f"{k} {v:.4f}" for k, v in bits.items()), file=sys.stderr)
    return {
        **{source: curve[-1][source] for source in SOURCES},
        "steps": steps,
        "tokens_per_second": round(steps * settings["batch"] * settings["context"] / trained),
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "settings": settings,
        "curve": curve,
    }


def merged(changes: dict[str, Any]) -> dict[str, Any]:
    """OURS with changes; tables one level deep."""
    return {
        name: {**value, **changes.get(name, {})} if isinstance(value, dict) else changes.get(name, value)
        for name, value in OURS.items()
    }


Contender = tuple[Any, Callable[[float], None], Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]


def ours(settings: dict[str, Any], batches: PackedBatches, seed: int) -> Contender:
    """Our model and step; step(share of the time that has passed)."""
    config = from_depth(
        settings["depth"], settings["vocabulary"], context_length=settings["context"], **settings["model"]
    )
    module: Any = build(config, seed)
    options = OptimizerOptions(steps=MOMENTS, **settings["train"])
    device = torch.device("cpu")
    precision = settle_precision(options.precision, device)  # as the trainer does: a short matmul decides
    optimizer = make_optimizer(module, options)

    def step(passed: float) -> None:
        batch = batches.next()
        optimizer.zero_grad()
        with autocast(precision, device):
            loss = causal(module, batch)
        loss.loss.backward()
        grads = optimizer.gradients()
        norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))) / loss.count
        torch._foreach_mul_(grads, min(1.0, options.clip / norm) / loss.count)
        optimizer.step(schedule(options, min(MOMENTS - 1, int(passed * MOMENTS)), MOMENTS))

    return module, step, lambda ids, targets: token_losses(module.eval(), ids, targets)


def baseline_bf16(settings: dict[str, Any], batches: PackedBatches, seed: int) -> Contender:
    """The same in bf16 autocast."""
    return baseline(settings, batches, seed, precision="bf16")


def baseline(settings: dict[str, Any], batches: PackedBatches, seed: int, precision: str = "fp32") -> Contender:
    """nanoGPT's structure and loop at the best of six settings."""
    from torch.nn import functional as F

    shape = {"depth": 4, "width": 128, "heads": 4, "vocabulary": settings["vocabulary"], "context": settings["context"]}
    module = plain_gpt2(shape)
    matrices = [p for p in module.parameters() if p.dim() == 2]
    vectors = [p for p in module.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=4e-3, betas=(0.9, 0.95))

    def step(passed: float) -> None:
        batch = batches.next()
        rate = 4e-3 * min(1.0, passed / 0.02) * (0.1 + 0.9 * (1 + math.cos(math.pi * passed)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with autocast(precision, torch.device("cpu")):
            logits = module.logits(batch["ids_BT"])
            loss = F.cross_entropy(logits.flatten(0, 1), batch["targets_BT"].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def losses(ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(module.logits(ids).flatten(0, 1), targets.flatten(), reduction="none").view(ids.shape)

    return module, step, losses


BASELINES = {"baseline": baseline, "baseline_bf16": baseline_bf16}


@torch.no_grad()
def look(losses_of: Callable[..., torch.Tensor], pieces: list[tuple[np.ndarray, int]], context: int) -> float:
    """Bits per byte: every document from its start, in windows of the context."""
    nats, num_bytes = 0.0, 0
    for ids, size in pieces:
        num_bytes += size
        windows = [ids[at : at + context + 1].astype(np.int64) for at in range(0, len(ids) - 1, context)]
        full = [window for window in windows if len(window) == context + 1]
        rest = [window for window in windows if len(window) != context + 1]
        for group in [full[at : at + 16] for at in range(0, len(full), 16)] + [[window] for window in rest]:
            rows = torch.from_numpy(np.stack(group))
            nats += float(losses_of(rows[:, :-1].contiguous(), rows[:, 1:].contiguous()).sum())
    return nats / math.log(2) / num_bytes


def data_of(data: Path, work: Path, vocabulary: int) -> tuple[TokenShards, dict[str, list[tuple[np.ndarray, int]]]]:
    """Training tokens, and for each source held-out documents as (ids, bytes of the text); made once a vocabulary."""
    folder = work / f"tokens_{vocabulary}"
    if not (folder / "tokenizer" / "tokenizer.json").exists():
        kept = (text for held, _, text in documents(data) if not held)
        Tokenizer.train(kept, kind="bpe", vocabulary_size=vocabulary).save(folder / "tokenizer")
    tokenizer = Tokenizer.load(folder / "tokenizer")
    start = tokenizer.special["<|endoftext|>"]
    if not (folder / "tokens" / "tokens.json").exists():
        with ShardWriter(folder / "tokens", vocabulary_size=tokenizer.vocabulary_size, start_id=start) as writer:
            for number, (held, source, text) in enumerate(documents(data)):
                split = "test" if held else "train"
                size = len(text.encode("utf-8"))
                writer.add(split, tokenizer.encode(text), num_bytes=size, id=str(number), source=source)
    looks: dict[str, list[tuple[np.ndarray, int]]] = {}
    seen = dict.fromkeys(SOURCES, 0)
    for held, source, text in documents(data):
        if held and seen[source] < LOOK_BYTES:
            text = text[: LOOK_BYTES // 3]  # of several books, the beginnings
            size = len(text.encode("utf-8"))
            looks.setdefault(source, []).append((np.array([start, *tokenizer.encode(text)]), size))
            seen[source] += size
    return TokenShards.open(folder / "tokens", "train"), looks


def documents(data: Path) -> Iterator[tuple[bool, str, str]]:
    """(held out?, source, text), those with at least 200 characters; one in twenty by the hash of its text is held out."""
    for source, name in SOURCES.items():
        with gzip.open(data / name, "rt", encoding="utf-8") as file:
            for line in file:
                text = json.loads(line)["text"]
                if len(text) >= 200:
                    yield hashlib.sha256(text.encode("utf-8")).digest()[0] < 13, source, text


if __name__ == "__main__":
    sys.exit(main())
