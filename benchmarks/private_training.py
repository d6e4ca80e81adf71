"""Learning with differential privacy beside Opacus: norms, epsilon, speed and memory of one step.

    python -m benchmarks.private_training --peers PYTHON [--shape small] [--rounds 5]     PYTHON: one with opacus

One model for all, of parts that Opacus knows (LayerNorm, plain linear layers, untied output; `custom` family), random
tokens, fp32. Contenders, each in its own process, rounds interleaved, CPU seconds of the fastest round:

    ours-plain      our step without privacy           opacus-plain    the same model and full logits, plain autograd
    ours-ghost      norms without gradients            opacus-ghost    Opacus' ghost clipping (two backward passes)
    ours-rows       row by row, the slow twin          opacus-hooks    Opacus' gradients of every row

Speed is told as the price of privacy: a contender's private step over its own plain one. Norms of the same rows are
compared with Opacus', epsilons with its RDP and PRV accountants.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHAPES = {
    "small": {"depth": 4, "width": 128, "heads": 4, "vocabulary": 2048, "context": 256, "rows": 16},
    "short": {"depth": 4, "width": 256, "heads": 4, "vocabulary": 4096, "context": 64, "rows": 64},
    "124m": {"depth": 12, "width": 768, "heads": 12, "vocabulary": 50304, "context": 128, "rows": 8},
}
CONTENDERS = ("ours-plain", "ours-ghost", "ours-rows", "opacus-plain", "opacus-ghost", "opacus-hooks")
# (share, noise, steps) at delta 1e-5
SETTINGS = ((0.01, 4.0, 10_000), (256 / 60_000, 1.1, 14_062), (256 / 60_000, 0.7, 10_546), (0.1, 1.0, 50))
DELTA = 1e-5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has opacus")
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--contenders", nargs="*", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, SHAPES[given.shape])
        return 0
    compare(given)
    for what in ("norms", "epsilons"):
        done = subprocess.run([given.peers, __file__, "--child", what, "--shape", "small"], env=environment())
        if done.returncode:
            print(f"{what}: {given.peers} has no opacus, left out")
    return 0


def environment() -> dict[str, str]:
    """One thread, and this repository first."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}


def compare(given: argparse.Namespace) -> None:
    """Interleaved rounds of all contenders that start."""
    running: dict[str, Any] = {}
    for name in given.contenders:
        python = given.peers if name.startswith("opacus") else sys.executable
        command = [python, __file__, "--child", name, "--shape", given.shape]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, env=environment(), **pipes)
        if process.stdout.readline().strip() == b"ready":
            running[name] = process
        else:
            print(f"{name}: not there, left out", file=sys.stderr)
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in running}
    for _ in range(given.rounds):
        for name, process in running.items():
            process.stdin.write(b"go\n")
            process.stdin.flush()
            rounds[name].append(json.loads(process.stdout.readline()))
    best = {name: min(row["cpu_seconds"] for row in rows) for name, rows in rounds.items()}
    print(f"\n{given.shape}: {SHAPES[given.shape]}\n{'contender':<15}{'CPU s':>8}{'over plain':>12}{'peak MB':>9}")
    for name, rows in rounds.items():
        plain = best.get(f"{name.split('-')[0]}-plain", float("nan"))
        print(f"{name:<15}{best[name]:>8.3f}{best[name] / plain:>12.2f}{max(row['peak_mb'] for row in rows):>9.0f}")
    for process in running.values():
        process.stdin.close()
        process.wait()


def child(name: str, shape: dict[str, int]) -> None:
    """One contender: a round for every line on stdin; or one of the two comparisons of numbers."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    if name == "epsilons":
        epsilons()
        return
    module, batch = model_of(shape), batch_of(shape)
    if name == "norms":
        norms(module, batch)
        return
    step = STEPS[name](module, batch)
    step()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        step()
        used = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"cpu_seconds": used, "peak_mb": peak}), flush=True)


def model_of(shape: dict[str, int]) -> Any:
    """The `custom` family in parts that Opacus knows."""
    from groundup.model.config import ModelConfig
    from groundup.model.families import build

    config = ModelConfig(
        family="custom",
        vocabulary_size=shape["vocabulary"],
        depth=shape["depth"],
        width=shape["width"],
        num_heads=shape["heads"],
        num_kv_heads=shape["heads"],
        head_dim=shape["width"] // shape["heads"],
        feedforward_width=4 * shape["width"],
        context_length=shape["context"],
        norm="layer",
        position="none",
        feedforward="gelu_tanh",
        qk_norm=False,
        tied=False,
    )
    return build(config, seed=0).train()


def batch_of(shape: dict[str, int]) -> dict[str, Any]:
    """Random rows."""
    import torch

    rows = torch.randint(shape["vocabulary"], (shape["rows"], shape["context"] + 1))
    return {"ids_BT": rows[:, :-1].contiguous(), "targets_BT": rows[:, 1:].contiguous()}


def forget(module: Any) -> None:
    """No gradients."""
    for parameter in module.parameters():
        parameter.grad = None


def ours_plain(module: Any, batch: dict[str, Any]) -> Callable[[], None]:
    from groundup.train.objectives import causal

    def step() -> None:
        forget(module)
        loss = causal(module, batch)
        (loss.loss / loss.count).backward()

    return step


def ours_ghost(module: Any, batch: dict[str, Any]) -> Callable[[], None]:
    from groundup.train.dp.ghost import Ghost
    from groundup.train.dp.step import clip_factors

    ghost = Ghost(module)
    assert ghost.fits()

    def step() -> None:
        forget(module)
        seen = ghost.look(batch)
        ghost.add_gradients(seen, clip_factors(seen.squares_B.sqrt(), 1.0))

    return step


def ours_rows(module: Any, batch: dict[str, Any]) -> Callable[[], None]:
    import torch

    from groundup.train.dp.step import clip_factors
    from groundup.train.objectives import causal

    def step() -> None:
        totals = [torch.zeros_like(parameter) for parameter in module.parameters()]
        for b in range(len(batch["ids_BT"])):
            forget(module)
            loss = causal(module, {name: tensor[b : b + 1] for name, tensor in batch.items()})
            (loss.loss / loss.count).backward()
            grads = [parameter.grad for parameter in module.parameters()]
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
            torch._foreach_add_(totals, grads, alpha=float(clip_factors(norm, 1.0)))

    return step


def row_losses(module: Any, batch: dict[str, Any]) -> Any:
    """(B,) mean losses of the rows through full logits: what Opacus differentiates."""
    from torch.nn import functional as F

    logits = logits_of(module, batch["ids_BT"])
    return F.cross_entropy(logits.transpose(1, 2), batch["targets_BT"], reduction="none").mean(1)


def logits_of(module: Any, ids: Any) -> Any:
    """Through the head as a layer, so that hooks see it."""
    inner = getattr(module, "_module", module)
    return inner.embedding.head(module(ids))


def opacus_plain(module: Any, batch: dict[str, Any]) -> Callable[[], None]:
    def step() -> None:
        forget(module)
        row_losses(module, batch).mean().backward()

    return step


def known_to_opacus() -> None:
    """Our LayerNorm is PyTorch's under another name."""
    from opacus.grad_sample import GradSampleModule
    from torch import nn

    from groundup.model.layers.norm import LayerNorm

    GradSampleModule.GRAD_SAMPLERS[LayerNorm] = GradSampleModule.GRAD_SAMPLERS[nn.LayerNorm]


def opacus_ghost(module: Any, batch: dict[str, Any]) -> Callable[[], None]:
    from opacus.grad_sample.grad_sample_module_fast_gradient_clipping import GradSampleModuleFastGradientClipping

    known_to_opacus()
    watched = GradSampleModuleFastGradientClipping(
        module, max_grad_norm=1.0, use_ghost_clipping=True, loss_reduction="mean"
    )

    def step() -> None:
        forget(module)
        losses = row_losses(watched, batch)
        losses.mean().backward(retain_graph=True)
        factors = watched.get_clipping_coef()
        forget(module)
        watched.disable_hooks()
        (factors * losses).sum().backward()
        watched.enable_hooks()

    return step


def opacus_hooks(module: Any, batch: dict[str, Any]) -> Callable[[], None]:
    import torch
    from opacus import GradSampleModule

    known_to_opacus()
    watched = GradSampleModule(module, loss_reduction="mean")

    def step() -> None:
        watched.zero_grad(set_to_none=True)
        row_losses(watched, batch).mean().backward()
        factors = (1 / opacus_norms(watched)).clamp_max(1)
        for parameter in watched.parameters():
            parameter.grad = torch.einsum("b,b...->...", factors, parameter.grad_sample)
            parameter.grad_sample = None

    return step


def opacus_norms(watched: Any) -> Any:
    """(B,) of the gradients that Opacus keeps for each row."""
    import torch

    norms = [parameter.grad_sample.flatten(1).norm(dim=1) for parameter in watched.parameters()]
    return torch.stack(norms, 1).norm(dim=1)


def norms(module: Any, batch: dict[str, Any]) -> None:
    """The largest relative difference between our ghost norms and Opacus' of the same rows."""
    from opacus import GradSampleModule

    from groundup.train.dp.ghost import Ghost

    mine = Ghost(module).look(batch).squares_B.sqrt()
    forget(module)
    known_to_opacus()
    watched = GradSampleModule(module, loss_reduction="mean")
    row_losses(watched, batch).mean().backward()
    theirs = opacus_norms(watched)
    print(f"\nnorms of {len(mine)} rows: largest relative difference {((mine - theirs).abs() / theirs).max():.1e}")


def epsilons() -> None:
    """Ours (exact, Renyi) beside Opacus' PRV and RDP."""
    from opacus.accountants import PRVAccountant, RDPAccountant

    from groundup.train.dp.accountant import exact_epsilon, rdp_epsilon

    print(f"\n{'share':>9}{'noise':>7}{'steps':>8}{'exact':>9}{'PRV':>9}{'renyi':>9}{'RDP':>9}   delta {DELTA:g}")
    for share, noise, steps in SETTINGS:
        values = {"noise": noise, "share": share, "steps": steps, "delta": DELTA}
        theirs = []
        for accountant in (PRVAccountant(), RDPAccountant()):
            accountant.history = [(noise, share, steps)]
            theirs.append(accountant.get_epsilon(delta=DELTA))
        print(
            f"{share:>9.5f}{noise:>7.2f}{steps:>8,}{exact_epsilon(**values):>9.4f}{theirs[0]:>9.4f}"
            f"{rdp_epsilon(**values):>9.4f}{theirs[1]:>9.4f}"
        )


STEPS = {
    "ours-plain": ours_plain,
    "ours-ghost": ours_ghost,
    "ours-rows": ours_rows,
    "opacus-plain": opacus_plain,
    "opacus-ghost": opacus_ghost,
    "opacus-hooks": opacus_hooks,
}

if __name__ == "__main__":
    sys.exit(main())
