"""Training step beside the peers: tokens a second, tokens a CPU-second, peak memory; same work, same run, ratios.

    python -m benchmarks.train --peers PYTHON [--shapes 10m 124m] [--threads 2] [--rounds 5] [--out FILE]

Every contender lives in its own process with its model ready; rounds are interleaved, so that another job on the machine
hits all alike. Work: 6 or 12 layers with the same matrix parameters (12 width^2 a layer; ours gated with 8/3 width, the
others 4 width), the same vocabulary, context and batch; random tokens; forward, backward, clip to 1, AdamW.

    ours-adamw, ours-muon   groundup.train's own step (chunked loss, fused AdamW, allocator settings)
    nanogpt                 the structure of nanoGPT's loop: LayerNorm, GELU, learned positions, full logits, AdamW
    litgpt, hf-llama, hf-gpt2   where PYTHON has them; each with its own model class and torch.optim.AdamW

Each runs in fp32 and in bf16 autocast (`--dtypes`); a peer's best dtype is what we are compared with. PYTHON: an
interpreter with torch, transformers and litgpt (default: this one). Results are appended to --out as JSON lines.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHAPES = {
    "10m": {"depth": 6, "width": 384, "heads": 6, "vocabulary": 8192, "context": 256, "batch": 8},
    "124m": {"depth": 12, "width": 768, "heads": 12, "vocabulary": 50304, "context": 512, "batch": 2},
}
CONTENDERS = ("ours-adamw", "ours-muon", "nanogpt", "litgpt", "hf-llama", "hf-gpt2")
PEERS = CONTENDERS[2:]
Step = Callable[[], float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has litgpt and transformers")
    parser.add_argument("--shapes", nargs="*", default=["10m"], choices=SHAPES)
    parser.add_argument("--contenders", nargs="*", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--dtypes", nargs="*", default=["fp32", "bf16"], choices=["fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3, help="steps of a round")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child.split(","))
        return 0
    for shape in given.shapes:
        rows = compare(shape, given)
        print_table(shape, given.threads, rows)
        if given.out:
            with open(given.out, "a", encoding="utf-8") as file:
                file.writelines(json.dumps({"shape": shape, "threads": given.threads, **row}) + "\n" for row in rows)
    return 0


def compare(shape: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Interleaved rounds of every contender and dtype; one row each."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(given.threads), "MKL_NUM_THREADS": str(given.threads)}
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)  # a peer may bring a package "benchmarks" of its own
    running: dict[str, Any] = {}
    for name in given.contenders:
        for dtype in given.dtypes:
            python = given.peers if name in PEERS else sys.executable
            command = [python, __file__, "--child", f"{name},{shape},{dtype},{given.threads}"]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
            line = process.stdout.readline()
            if line.strip() == b"ready":
                running[f"{name} {dtype}"] = process
            else:
                print(f"{name} {dtype}: not there, left out", file=sys.stderr)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in running}
    for _ in range(given.rounds):
        for name, process in running.items():
            process.stdin.write(f"{given.steps}\n".encode())
            process.stdin.flush()
            results[name].append(json.loads(process.stdout.readline()))
    for process in running.values():
        process.stdin.close()
        process.wait()
    sizes = SHAPES[shape]
    tokens = sizes["batch"] * sizes["context"] * given.steps
    return [
        {
            "contender": name,
            "tokens_per_second": round(statistics.median(tokens / row["seconds"] for row in rounds)),
            "best": round(max(tokens / row["seconds"] for row in rounds)),
            "tokens_per_cpu_second": round(statistics.median(tokens / row["cpu_seconds"] for row in rounds)),
            "peak_mb": round(max(row["peak_mb"] for row in rounds)),
            "loss": round(rounds[-1]["loss"], 3),
        }
        for name, rounds in results.items()
    ]


def print_table(shape: str, threads: int, rows: list[dict[str, Any]]) -> None:
    """One line a contender, and ours over the best peer."""
    print(f"\n{shape}, {threads} threads\n{'contender':<18}{'tok/s':>8}{'best':>8}{'tok/cpu-s':>11}{'peak MB':>9}")
    for row in rows:
        values = [row[name] for name in ("tokens_per_second", "best", "tokens_per_cpu_second", "peak_mb")]
        print(f"{row['contender']:<18}{values[0]:>8,}{values[1]:>8,}{values[2]:>11,}{values[3]:>9,}")
    ours = [row for row in rows if row["contender"].startswith("ours-adamw")]
    peers = [row for row in rows if not row["contender"].startswith("ours")]
    for name, best in (("tokens_per_second", max), ("best", max), ("tokens_per_cpu_second", max), ("peak_mb", min)):
        if ours and peers:
            mine, theirs = best(row[name] for row in ours), best(row[name] for row in peers)
            print(f"ours-adamw over the best peer, {name.replace('_', ' ')}: {mine / theirs:.2f}x")


def child(name: str, shape: str, dtype: str, threads: str) -> None:
    """Build, warm up, say so; then for every number on stdin do as many steps and tell how long they took."""
    import torch

    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    step = {"ours-adamw": ours, "ours-muon": ours, "nanogpt": nanogpt, "litgpt": litgpt}.get(name, transformers)(
        name, SHAPES[shape], dtype
    )
    for _ in range(2):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        start, used = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            loss = step()
        print(
            json.dumps(
                {
                    "seconds": time.perf_counter() - start,
                    "cpu_seconds": time.process_time() - used,
                    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                    "loss": loss,
                }
            ),
            flush=True,
        )


def ours(name: str, shape: dict[str, int], dtype: str) -> Step:
    """groundup.train's step, as the loop does it (without log and checkpoints)."""
    import torch

    from groundup.model.config import ModelConfig
    from groundup.model.device import autocast
    from groundup.model.families import build
    from groundup.train.memory import keep_freed_memory
    from groundup.train.objectives import causal
    from groundup.train.optim import make_optimizer
    from groundup.train.options import OptimizerOptions

    keep_freed_memory()
    config = ModelConfig(
        vocabulary_size=shape["vocabulary"],
        depth=shape["depth"],
        width=shape["width"],
        num_heads=shape["heads"],
        num_kv_heads=shape["heads"],
        head_dim=shape["width"] // shape["heads"],
        feedforward_width=shape["width"] * 8 // 3,
        context_length=shape["context"],
    )
    module = build(config, seed=0)
    options = OptimizerOptions(steps=1, optimizer=name.removeprefix("ours-"), learning_rate=1e-3)
    optimizer = make_optimizer(module, options)
    batches, device = tokens_of(shape), torch.device("cpu")

    def step() -> float:
        ids, targets = next(batches)
        optimizer.zero_grad()
        with autocast(dtype, device):
            loss = causal(module, {"ids_BT": ids, "targets_BT": targets})
        loss.loss.backward()
        grads = optimizer.gradients()
        norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))) / loss.count
        torch._foreach_mul_(grads, min(1.0, 1.0 / norm) / loss.count)
        optimizer.step(1.0)
        return float(loss.loss.detach()) / loss.count

    return step


def tokens_of(shape: dict[str, int]) -> Any:
    """Endless (ids, targets)."""
    import torch

    generator = torch.Generator().manual_seed(1)
    while True:
        ids = torch.randint(shape["vocabulary"], (shape["batch"], shape["context"] + 1), generator=generator)
        yield ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def loop_of(module: Any, loss_of: Callable[[Any, Any], Any], shape: dict[str, int], dtype: str, **adamw: Any) -> Step:
    """The loop all peers share: autocast, backward, clip, AdamW."""
    import contextlib

    import torch

    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, **adamw)
    batches = tokens_of(shape)
    module.train()

    def step() -> float:
        ids, targets = next(batches)
        with torch.autocast("cpu", dtype=torch.bfloat16) if dtype == "bf16" else contextlib.nullcontext():
            loss = loss_of(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    return step


def nanogpt(name: str, shape: dict[str, int], dtype: str) -> Step:
    """A plain GPT-2 in PyTorch's own layers, trained as nanoGPT trains on a CPU."""
    from torch.nn import functional as F

    module = plain_gpt2(shape)
    loss_of = lambda ids, targets: F.cross_entropy(module.logits(ids).flatten(0, 1), targets.flatten())  # noqa: E731
    return loop_of(module, loss_of, shape, dtype)


def plain_gpt2(shape: dict[str, int]) -> Any:
    """The structure of nanoGPT: learned positions, LayerNorm and no biases, GELU, tied; `logits(ids)`."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    width, heads = shape["width"], shape["heads"]

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
            self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
            self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

        def forward(self, x: Any) -> Any:
            B, T, _ = x.shape
            q, k, v = (part.view(B, T, heads, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(B, T, width))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class GPT2(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(shape["vocabulary"], width)
            self.places = nn.Embedding(shape["context"], width)
            self.layers = nn.ModuleList(Layer() for _ in range(shape["depth"]))
            self.norm = nn.LayerNorm(width, bias=False)
            for name, parameter in self.named_parameters():
                if parameter.dim() == 2:  # the residual projections are smaller by the root of their number
                    small = name.endswith(("out.weight", "down.weight"))
                    nn.init.normal_(parameter, std=0.02 / (2 * shape["depth"]) ** 0.5 if small else 0.02)

        def logits(self, ids: Any) -> Any:
            x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
            for layer in self.layers:
                x = layer(x)
            return F.linear(self.norm(x), self.tokens.weight)

    return GPT2()


def litgpt(name: str, shape: dict[str, int], dtype: str) -> Step:
    """litgpt's GPT in the Llama layout, with its own chunked cross-entropy."""
    from litgpt import GPT, Config
    from litgpt.utils import chunked_cross_entropy

    config = Config(
        block_size=shape["context"],
        vocab_size=shape["vocabulary"],
        padded_vocab_size=shape["vocabulary"],
        n_layer=shape["depth"],
        n_head=shape["heads"],
        n_embd=shape["width"],
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=False,
        norm_class_name="RMSNorm",
        mlp_class_name="LLaMAMLP",
        intermediate_size=shape["width"] * 8 // 3,
    )
    module = GPT(config)
    module.max_seq_length = shape["context"]
    return loop_of(module, lambda ids, targets: chunked_cross_entropy(module(ids), targets), shape, dtype, foreach=True)


def transformers(name: str, shape: dict[str, int], dtype: str) -> Step:
    """transformers' Llama or GPT-2, tied, with fused AdamW."""
    import transformers as hf

    common = {"vocab_size": shape["vocabulary"], "tie_word_embeddings": True, "use_cache": False}
    if name == "hf-gpt2":
        config: Any = hf.GPT2Config(
            n_positions=shape["context"],
            n_embd=shape["width"],
            n_layer=shape["depth"],
            n_head=shape["heads"],
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            **common,
        )
        module: Any = hf.GPT2LMHeadModel(config)
    else:
        config = hf.LlamaConfig(
            hidden_size=shape["width"],
            intermediate_size=shape["width"] * 8 // 3,
            num_hidden_layers=shape["depth"],
            num_attention_heads=shape["heads"],
            max_position_embeddings=shape["context"],
            **common,
        )
        module = hf.LlamaForCausalLM(config)
    shifted = lambda ids, targets: module.loss_function(  # noqa: E731 - targets are shifted already
        module(ids).logits, labels=None, shift_labels=targets, vocab_size=shape["vocabulary"]
    )
    return loop_of(module, shifted, shape, dtype, fused=True)


if __name__ == "__main__":
    sys.exit(main())
