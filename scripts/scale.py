"""Scale on paper: what six sizes of a run would take, from 60 MB to 15 trillion tokens. Writes docs/scale.md.

    python scripts/scale.py            prints the page
    python scripts/scale.py --write    writes docs/scale.md (make docs does)
    python scripts/scale.py --check    exits 1 when the page is stale

Every line is a unit cost times a quantity. The units measured here come from benchmarks/results/units.json (command: python -m
benchmarks.units --write); those of GPUs are taken from published benchmarks and named. Nothing is fitted to the
runs that the page is checked against (three trainings, one record of faults).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from groundup.model.config import ModelConfig
from groundup.model.plan import Counts, count
from groundup.model.presets import from_depth
from groundup.model.shapes import shape_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "scale.md"
UNITS = ROOT / "benchmarks" / "results" / "units.json"
DAY = 86_400.0
GENERATED = "<!-- Written by scripts/scale.py; change the program, then run: make docs -->"

# ---- units that are not ours to measure, each with where it comes from
H100_FLOPS = 989e12  # bf16, dense: NVIDIA's data sheet
A100_FLOPS = 312e12  # the same
GPU_BYTES = 80e9  # memory of either
GPU_BYTES_PER_SECOND = 3.35e12  # H100 SXM, the same data sheet
# Share of the peak that training reaches. Two published benchmarks, none of them a check below: Llama 3.1 8B on 8 H100
# 6,667 tokens/s a GPU (torchtitan) is 0.35 by our count, MPT-7B on 128 H100 0.457 (llm-foundry). Their mean.
GPU_SHARE = 0.40
# Share of the memory's speed that writing text reaches: llama.cpp and others on a CPU reach 0.6 to 0.8. Taste within.
DECODE_SHARE = 0.6
BYTES_PER_TOKEN = 3.95  # 32,768 merges on prose and code, measured with peers' encoders on 10 MB
# HTML per byte of text that is kept: 53 real pages gave 6 MB of HTML and 0.26 MB of main text, and the published
# chain of quality rules kept 201 of 865 pages.
HTML_PER_TEXT = 6.0 / 0.26 * 865 / 201
HTML_BYTES_PER_CORE_SECOND = 40e6  # our extractor on 92 real pages (docs/log.md)
# Failures of a node of 8 GPUs a day: two research clusters over 11 months, 6.50 and 2.34 per thousand node-days (Kokolis
# et al. 2024, arXiv:2410.21680); their geometric mean.
NODE_FAULTS_PER_DAY = math.sqrt(6.50e-3 * 2.34e-3)
RESTART_SECONDS = 600.0  # find the fault, start again, read the checkpoint: taste, minutes in published accounts
CORES_PER_NODE = 96  # of a machine that cleans, or of a node of 8 GPUs


@dataclass(frozen=True)
class Rung:
    """One size: how much text, which model, on what, in how many days at most."""

    name: str
    tokens: float
    config: ModelConfig
    gpus: int  # 0: on CPU cores
    engine: str
    web: bool = False  # text comes out of HTML


def llama(depth: int, width: int, heads: int, inner: int, vocabulary: int, *, kv: int, context: int) -> ModelConfig:
    """A shape of the Llama kind: untied, no QK-norm."""
    return from_depth(
        depth, vocabulary, family="custom", width=width, num_heads=heads, num_kv_heads=kv, head_dim=width // heads,
        feedforward_width=inner, context_length=context, tied=False, qk_norm=False, rope_theta=5e5,
    )  # fmt: skip


RUNGS = (
    Rung("60 MB, a laptop", 60e6 / BYTES_PER_TOKEN, from_depth(5, 4096), 0, "one process"),
    Rung("2 GB, a workstation", 2e9 / BYTES_PER_TOKEN, from_depth(8, 16_384), 1, "one GPU"),
    Rung("10 billion tokens, one node", 10e9, from_depth(12, 50_304), 8, "FSDP2 on 8 GPUs; clean on all cores", True),
    Rung("200 billion, 8 nodes", 200e9, llama(24, 2048, 16, 5632, 65_536, kv=8, context=4096), 64, "FSDP2; Ray cleans", True),
    Rung("2 trillion, 64 nodes", 2e12, llama(32, 4096, 32, 14_336, 128_256, kv=8, context=8192), 512, "FSDP2 and DCP; Ray; vLLM", True),
    Rung("15 trillion, 1,024 nodes", 15e12, llama(80, 8192, 64, 28_672, 128_256, kv=8, context=8192), 8192, "not by this house alone", True),
)  # fmt: skip


# ---- lines


@dataclass(frozen=True)
class Lines:
    """What one rung takes. Seconds are of one core or one GPU unless the name says otherwise; bytes are bytes."""

    text_bytes: float
    html_bytes: float
    collect_core_seconds: float
    clean_core_seconds: float
    tokenize_core_seconds: float
    stored_bytes: float
    index_bytes: float
    checkpoint_bytes: float
    flops: float
    train_seconds: float  # by the clock, without faults
    state_bytes_per_gpu: float
    weight_bytes: float  # bf16, as served
    single_stream_tokens_per_second: float
    serve_gpus: int


def lines_of(rung: Rung, units: dict[str, float]) -> Lines:
    """Quantities times unit costs."""
    text = rung.tokens * BYTES_PER_TOKEN
    html = text * HTML_PER_TEXT if rung.web else 0.0
    cost = count(rung.config)
    flops = rung.tokens * cost.flops_per_token
    speed = rung.gpus * H100_FLOPS * GPU_SHARE if rung.gpus else 2 * units["core_training_flops"]
    weights = 2.0 * cost.parameters
    memory = GPU_BYTES_PER_SECOND if rung.gpus else 30e9  # 30 GB/s: two cores reading memory, measured
    wide = 1 if rung.tokens < 2**31 else 2  # places of 4 bytes, then of 8
    return Lines(
        text_bytes=text,
        html_bytes=html,
        collect_core_seconds=html / HTML_BYTES_PER_CORE_SECOND,
        # before the rules drop anything the chain reads what came out of the pages
        clean_core_seconds=text * (865 / 201 if rung.web else 1) / units["clean_text_bytes_per_second"],
        tokenize_core_seconds=text / units["tokenize_bytes_per_second"],
        stored_bytes=text * units["stored_bytes_per_text_byte"] + rung.tokens * (2 if rung.config.vocabulary_size <= 65_536 else 4),
        index_bytes=rung.tokens * units["index_bytes_per_token"] * wide,
        checkpoint_bytes=state_bytes(cost),
        flops=flops,
        train_seconds=flops / speed,
        state_bytes_per_gpu=(state_bytes(cost) + cost.gradient_bytes) / max(1, rung.gpus),
        weight_bytes=weights,
        single_stream_tokens_per_second=memory * DECODE_SHARE * serve_gpus(weights) / weights,
        serve_gpus=serve_gpus(weights) if rung.gpus else 0,
    )  # fmt: skip


def state_bytes(cost: Counts) -> float:
    """Weights and optimizer in fp32: what a checkpoint holds (AdamW: 12 bytes a parameter)."""
    return float(cost.weight_bytes + cost.optimizer_bytes)


def serve_gpus(weight_bytes: float) -> int:
    """GPUs that hold the weights and leave a third of their memory to caches: 1, 2, 4 or 8."""
    return 2 ** max(0, math.ceil(math.log2(weight_bytes / (GPU_BYTES * 2 / 3))))


# ---- faults


@dataclass(frozen=True)
class Faults:
    """What failures do to a training. Hours; shares of the clock."""

    between_hours: float
    write_seconds: float
    interval_seconds: float
    happened: float  # mean number in the whole training
    lost_share: float  # work done twice, restarts, and writing checkpoints


def faults_of(rung: Rung, lines: Lines, units: dict[str, float], *, trials: int = 40, seed: int = 1) -> Faults:
    """The interval by Young's rule, and a simulation of the training with it; each node writes its share alone."""
    nodes = max(1, rung.gpus // 8)
    between = DAY / (nodes * NODE_FAULTS_PER_DAY)
    write = lines.checkpoint_bytes / (nodes * units["disk_write_bytes_per_second"])
    interval = max(60.0, math.sqrt(2 * write * between))  # Young 1974; never more often than every minute
    draw = random.Random(seed)
    runs = [simulate(lines.train_seconds, between, write, interval, draw) for _ in range(trials)]
    clock = sum(clock for clock, _ in runs) / trials
    happened = sum(number for _, number in runs) / trials
    return Faults(between / 3600, write, interval, happened, 1 - lines.train_seconds / clock)


def simulate(work: float, between: float, write: float, interval: float, draw: random.Random) -> tuple[float, int]:
    """(seconds by the clock, faults) of one training of `work` seconds: faults come at random, each costs what was done since
    the last finished checkpoint, and a restart. A fault during the restart starts it anew."""
    clock, saved, number = 0.0, 0.0, 0
    next_fault = draw.expovariate(1 / between)
    while saved < work:
        piece = min(interval, work - saved)
        needed = piece + (write if saved + piece < work else 0.0)
        if clock + needed <= next_fault:
            clock, saved = clock + needed, saved + piece
            continue
        number += 1
        clock = next_fault + RESTART_SECONDS
        next_fault = clock + draw.expovariate(1 / between)
    return clock, number


# ---- checks


@dataclass(frozen=True)
class Check:
    """A published run and what we would have said."""

    name: str
    what: str
    published: float
    ours: float


def checks() -> list[Check]:
    """Three trainings and one record of faults, none of which any unit was fitted to."""
    smol = from_depth(
        36, 128_256, family="custom", width=2048, num_heads=16, num_kv_heads=4, head_dim=128, feedforward_width=11_008,
        context_length=4096, qk_norm=False,
    )  # fmt: skip
    gpt2 = from_depth(vocabulary_size=50_257, **shape_of("gpt2"))
    old = llama(80, 8192, 64, 22_016, 32_000, kv=64, context=2048)
    return [
        Check("SmolLM3 3B: 11T tokens on 384 H100", "days", 24, days(smol, 11e12, 384, H100_FLOPS)),
        Check("llm.c, GPT-2 124M: 10B tokens on 8 H100", "minutes", 45, days(gpt2, 10e9, 8, H100_FLOPS) * 1440),
        Check("LLaMA 65B: 1.4T tokens on 2,048 A100", "days", 21, days(old, 1.4e12, 2048, A100_FLOPS)),
        Check("Llama 3 405B: 16,384 H100, 419 faults in 54 days", "hours between faults", 54 * 24 / 419,
              24 / (16_384 / 8 * NODE_FAULTS_PER_DAY)),
    ]  # fmt: skip


def days(config: ModelConfig, tokens: float, gpus: int, peak: float) -> float:
    """Days of a training without faults."""
    return tokens * count(config).flops_per_token / (gpus * peak * GPU_SHARE) / DAY


# ---- the page


def page() -> str:
    """docs/scale.md"""
    measured = json.loads(UNITS.read_text())
    units = measured["units"]
    made = [(rung, lines_of(rung, units)) for rung in RUNGS]
    faults = [(rung, lines, faults_of(rung, lines, units)) for rung, lines in made if rung.gpus]
    parts = [
        GENERATED,
        "# Scale on paper",
        "What would a thousand, a million times more take? Six sizes, from a laptop's evening to the largest open runs: a quantity "
        "times a unit cost, line by line. It is a plan, not a promise: the checks at the end say how far it was off where others have "
        "published what really happened.",
        "## The six sizes",
        table(
            ["size", "tokens", "parameters", "FLOPs in training", "computes on", "carried by"],
            [[r.name, short(r.tokens), short(count(r.config).parameters), f"{x.flops:.1e}", f"{r.gpus:,} H100" if r.gpus else "2 cores", r.engine]
             for r, x in made],
        ),
        "## Documents",
        "Core-days, to be divided by the cores at hand. From 10 billion tokens on, the text is taken to come out of web pages: "
        f"{HTML_PER_TEXT:.0f} bytes of HTML for a byte that is kept.",
        table(
            ["size", "raw pages", "to text", "clean", "tokens and index", "text and tokens stored", "index"],
            [[r.name, size(x.html_bytes), core(x.collect_core_seconds), core(x.clean_core_seconds), core(x.tokenize_core_seconds),
              size(x.stored_bytes), size(x.index_bytes)] for r, x in made],
        ),
        "## Training",
        table(
            ["size", "time without faults", "GPU-hours", "state a GPU", "one checkpoint"],
            [[r.name, span(x.train_seconds), f"{x.train_seconds / 3600 * r.gpus:,.0f}" if r.gpus else "none", size(x.state_bytes_per_gpu),
              size(x.checkpoint_bytes)] for r, x in made],
        ),
        "## Faults",
        "A machine that fails once in two years is reliable; a thousand of them fail twice a day. Simulated, 40 trainings each: faults "
        "come at random, each costs the work since the last checkpoint and ten minutes; checkpoints at the interval that Young (1974) "
        "found best.",
        table(
            ["size", "time between faults", "checkpoint written in", "every", "faults in all", "of the time lost"],
            [[r.name, span(f.between_hours * 3600), span(f.write_seconds), span(f.interval_seconds), f"{f.happened:,.1f}", f"{f.lost_share:.1%}"]
             for r, _, f in faults],
        ),
        "## Serving",
        "One answer at a time is bound by reading the weights for every token; many at a time share that reading, which is what a fleet of "
        "vLLM workers is for.",
        table(
            ["size", "weights", "GPUs that hold them", "tokens a second, one stream (at most)"],
            [[r.name, size(x.weight_bytes), str(x.serve_gpus) if r.gpus else "none", f"{x.single_stream_tokens_per_second:,.0f}"] for r, x in made],
        ),
        "## What breaks first",
        breaks(units),
        "## Checked against what others published",
        table(
            ["run", "unit", "published", "this page", "off by"],
            [[c.name, c.what, f"{c.published:.1f}", f"{c.ours:.1f}", f"{c.ours / c.published - 1:+.0%}"] for c in checks()],
        ),
        "So a plan from this page is good within about a third. SmolLM3 lost time this page does not know of (other stages, longer "
        "contexts, restarts); LLaMA ran on older GPUs, which are easier to keep busy than the ones the share was taken from. The rate of "
        "faults comes from other clusters than the run it is compared with. Facts: the repositories of SmolLM3 and "
        "modded-nanogpt (which took llm.c's run as its baseline), Touvron et al. 2023, Llama Team 2024.",
        "## The unit costs",
        f"Measured by `{measured['command']}` on {measured['date']} ({measured['machine']}; seed {measured['seed']}), per CPU second:",
        table(["unit", "value"], [[key.replace("_", " "), f"{value:,.4g}"] for key, value in units.items()]),
        "Not measured here, since no GPU was at hand; replace them by your own:",
        table(["unit", "value", "from"], [
            ["share of a GPU's peak in training", f"{GPU_SHARE}", "mean of torchtitan (Llama 3.1 8B, 8 H100: 0.35) and llm-foundry (MPT-7B, 128 H100: 0.457)"],
            ["H100, bf16 dense", f"{H100_FLOPS:.0f} FLOP/s".replace("989000000000000", "9.89e14"), "data sheet"],
            ["failures of a node of 8 GPUs", f"{1000 * NODE_FAULTS_PER_DAY:.1f} per thousand days", "Kokolis et al. 2024, two clusters"],
            ["restart", f"{RESTART_SECONDS:.0f} s", "taste"],
            ["share of the memory's speed when writing text", f"{DECODE_SHARE}", "peers on a CPU: 0.6 to 0.8"],
            ["bytes a token", f"{BYTES_PER_TOKEN}", "peers' encoders, 32,768 merges, prose and code"],
        ]),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def breaks(units: dict[str, float]) -> str:
    """At which size each limit is met, smallest first."""
    core_day = units["clean_text_bytes_per_second"] * DAY
    rows = [
        (32e9 / (units["index_bytes_per_token"] * 2), "tokens", "the index of the training text is sorted in memory: 32 GB are full (build it by part)"),
        (2 * core_day / BYTES_PER_TOKEN, "tokens", "cleaning on 2 cores takes a day: all cores of a machine, then Ray"),
        (32e9 / 512 * 2000 / BYTES_PER_TOKEN, "tokens", "signatures of near duplicates (128 numbers a document of 2 kB) fill 32 GB: cluster by shard"),
        (1e12 / (BYTES_PER_TOKEN * units["stored_bytes_per_text_byte"] + 2), "tokens", "text and tokens fill a disk of 1 TB: files on other machines (fsspec)"),
    ]  # fmt: skip
    lines = [f"- {short(value)} {unit}: {words}." for value, unit, words in sorted(rows)]
    shared = [
        (20e6, "parameters: 2 cores no longer see enough tokens in a day: one GPU"),
        (
            GPU_BYTES * 0.8 / 16,
            "parameters: weights, gradients and AdamW (16 bytes each) no longer fit one GPU of 80 GB: FSDP2",
        ),
        (8 * GPU_BYTES * 0.8 / 16, "parameters: nor 8 of them: several nodes, where the network decides"),
    ]
    lines += [f"- {short(value)} {words}." for value, words in shared]
    hours = [nodes for nodes in (2**n for n in range(14)) if 24 / (nodes * NODE_FAULTS_PER_DAY) < 24]
    lines.append(f"- {hours[0]:,} nodes: a fault a day: checkpoints every few minutes, spare nodes, a person on duty.")
    return "\n".join(lines)


def short(number: float) -> str:
    """1.2 million"""
    for limit, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= limit:
            return f"{number / limit:.3g} {word}"
    return f"{number:,.0f}"


def size(number: float) -> str:
    """1.2 GB; none for 0."""
    for limit, word in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if number >= limit:
            return f"{number / limit:.3g} {word}"
    return "none" if not number else f"{number / 1e3:.3g} kB"


def span(seconds: float) -> str:
    """90 s, 12 min, 5 h, 3 days"""
    for limit, word in ((DAY, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * limit:
            return f"{seconds / limit:,.3g} {word}"
    return f"{seconds:.3g} s"


def core(seconds: float) -> str:
    """Core-days, or less where it is less."""
    return (
        "none" if not seconds else f"{seconds / DAY:,.3g} core-days" if seconds > DAY else f"{span(seconds)} of a core"
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def main() -> int:
    """Print the page, write it, or check that it is fresh."""
    parser = argparse.ArgumentParser(description="Scale on paper.")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    text = page()
    if given.write:
        PAGE.write_text(text, encoding="utf-8")
    elif given.check:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print("" if fresh else "stale: docs/scale.md. Run: make docs", file=sys.stderr, end="")
        return 0 if fresh else 1
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
