"""Tokens a second at the shape of GPT-2 (124M, random weights), beside transformers and llama.cpp, in turns.

    python -m benchmarks.generate [--rounds 3] [--threads 2] [--quick]

A row: what runs, batch, tokens a second end to end (prompt of 128 tokens, greedy), and for batch 1 the share of the
memory's bandwidth that is reached: bytes of the matrices a token reads, by the seconds it took, over the bandwidth
measured in the same run. Peers that are not installed (transformers, xllamacpp) are left out, and the table says so.
Every round runs all of them once; the best round counts, since what else runs on a machine can only slow it down.
`load` is the time from the start of a new process to its first token, Python's and torch's own start apart.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from groundup.generate import Engine, Sampling
from groundup.generate.flat import flatten
from groundup.model.bundle import Bundle, load, save
from groundup.model.config import ModelConfig
from groundup.model.convert import gpt2
from groundup.model.families.custom import Custom
from groundup.tokenizer import Tokenizer

PROMPT, NEW = 128, 64
SHAPE: dict[str, Any] = {
    **{"vocabulary_size": 50304, "depth": 12, "width": 768, "num_heads": 12, "num_kv_heads": 12, "head_dim": 64},
    **{"feedforward_width": 3072, "context_length": 1024},
}
BYTES = {"fp32": 4.0, "bf16": 2.0, "int8": 1.0, "int4": 0.625}  # a weight, scales included
START = """
import time; import torch
begun = time.perf_counter()
from pathlib import Path
from groundup.generate import Engine, Sampling
from groundup.generate.flat import flatten
from groundup.model.bundle import load
from dataclasses import replace
torch.set_num_threads({threads})
bundle = load(Path({folder!r}), device="cpu")
engine = Engine(replace(bundle, model=flatten(bundle.model)))
engine.generate([list(range(50, 66))], Sampling(max_tokens=1, ignore_end=True))
print(time.perf_counter() - begun)
"""


def make(folder: Path) -> Bundle:
    """A model of the shape with a small tokenizer, in its folder."""
    tokenizer = Tokenizer.train(["a fox in the old mill"] * 5, kind="bpe", vocabulary_size=300)
    torch.manual_seed(1)
    model = Custom(ModelConfig(family="custom", **SHAPE, **gpt2.PARTS)).eval()
    save(folder, model, tokenizer)
    return load(folder, device="cpu")


def ours(bundle: Bundle, weights: str) -> Callable[[int], float]:
    """Seconds for a batch."""
    engine = Engine(replace(bundle, model=flatten(bundle.model, weights)))

    def run(batch: int) -> float:
        prompts = [[(7 * row + place) % 250 + 30 for place in range(PROMPT)] for row in range(batch)]
        start = time.perf_counter()
        engine.generate(prompts, Sampling(max_tokens=NEW, ignore_end=True))
        return time.perf_counter() - start

    return run


def transformers_peer(folder: Path) -> Callable[[int], float] | None:
    """transformers' generate, fp32."""
    if importlib.util.find_spec("transformers") is None:
        return None
    import transformers

    transformers.logging.set_verbosity_error()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()

    def run(batch: int) -> float:
        ids = torch.arange(PROMPT).repeat(batch, 1) + 30
        start = time.perf_counter()
        with torch.inference_mode():
            model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, min_new_tokens=NEW, do_sample=False
            )
        return time.perf_counter() - start

    return run


def llama_peer(bundle: Bundle, folder: Path, kind: str, threads: int) -> Callable[[int], float] | None:
    """llama.cpp's server inside this process (xllamacpp), one slot a row."""
    if importlib.util.find_spec("xllamacpp") is None:
        return None
    import json
    from concurrent.futures import ThreadPoolExecutor
    from urllib.request import Request, urlopen

    import xllamacpp

    from groundup.model.convert.gguf import write_gguf

    path = folder / f"{kind}.gguf"
    if not path.exists():
        write_gguf(bundle, path, kind)
    servers: dict[int, Any] = {}

    def ask(address: str, row: int) -> None:
        ids = [(7 * row + place) % 250 + 30 for place in range(PROMPT)]
        body = {"prompt": ids, "n_predict": NEW, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
        request = Request(f"{address}/completion", json.dumps(body).encode(), {"content-type": "application/json"})
        with urlopen(request, timeout=600) as answer:
            assert json.load(answer)["tokens_predicted"] == NEW

    def run(batch: int) -> float:
        if batch not in servers:
            params = xllamacpp.CommonParams()
            params.model.path = str(path)
            params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 256 * batch, batch, threads
            params.cpuparams_batch.n_threads = threads
            params.verbosity = -1
            servers[batch] = xllamacpp.Server(params)
        start = time.perf_counter()
        with ThreadPoolExecutor(batch) as pool:
            list(pool.map(lambda row: ask(servers[batch].listening_address, row), range(batch)))
        return time.perf_counter() - start

    return run


def bandwidth() -> float:
    """Bytes a second that matrices are read with: the best of some products of one row with 400 MB."""
    weights = [torch.randn(4096, 4096) for _ in range(6)]
    row = torch.randn(1, 4096)
    best = 9.0
    for _ in range(6):
        start = time.perf_counter()
        for weight in weights:
            torch.sum(weight)
        best = min(best, time.perf_counter() - start)
    del row
    return sum(weight.numel() * 4 for weight in weights) / best


def main() -> int:
    """Run and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="batch 1 only")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        bundle = make(folder)
        runs: dict[str, Callable[[int], float] | None] = {"transformers fp32": transformers_peer(folder)}
        for kind in ("f32", "f16", "q8_0", "q4_0"):
            runs[f"llama.cpp {kind}"] = llama_peer(bundle, Path(name), kind, options.threads)
        for weights in ("fp32", "int8", "int4"):
            runs[f"groundup {weights}"] = ours(load(folder, device="cpu"), weights)
        best: dict[tuple[str, int], float] = {}
        speed = 0.0
        for _ in range(options.rounds):
            speed = max(speed, bandwidth())
            for label, run in runs.items():
                for batch in (1,) if options.quick else (1, 8):
                    if run is not None:
                        best[label, batch] = min(best.get((label, batch), 9e9), run(batch))
        start = START.format(folder=str(folder), threads=options.threads)
        seconds = [float(subprocess.check_output([sys.executable, "-c", start])) for _ in range(options.rounds)]
    print(f"{'':<20} batch   tok/s   share of {speed / 1e9:.0f} GB/s")
    for (label, batch), took in best.items():
        rate = batch * NEW / took
        kind = label.split()[1]
        size = {"f32": 4.0, "f16": 2.0, "q8_0": 1.0625, "q4_0": 0.5625, **BYTES}[kind]
        share = f"{rate * size * 123.6e6 / speed:6.0%}" if batch == 1 else ""
        print(f"{label:<20} {batch:>5} {rate:>7.1f}   {share}")
    for label, run in runs.items():
        if run is None:
            print(f"{label:<20} not installed")
    print(f"load to first token: {min(seconds):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
