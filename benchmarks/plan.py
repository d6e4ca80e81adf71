"""Does `groundup plan` tell the truth? Its numbers beside what one real training step on this machine does.

    python -m benchmarks.plan [--json]

For each shape: parameters (counted in the built module), FLOPs of forward and backward (PyTorch's FlopCounterMode), bytes
kept for backward (every tensor that autograd saves, each piece of memory once, weights left out). None of them depends
on how busy the machine is. Precision fp32. The plan is to be within 15 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from groundup.model.families import build
from groundup.model.options import ModelOptions
from groundup.model.plan import count
from groundup.model.presets import resolve
from groundup.train.speed import work_of

# Products that add to what is there: the counter knows only those that do not.
IN_PLACE = {
    torch.ops.aten.addmm_: lambda total, left, right, **_: 2 * left[0] * left[1] * right[1],
    torch.ops.aten.baddbmm_: lambda total, left, right, **_: 2 * left[0] * left[1] * left[2] * right[2],
}
BATCH, VOCABULARY = 4, 4096
MIDDLE: dict[str, Any] = {"depth": 4, "width": 256, "num_heads": 4, "context_length": 256}
PLAIN_GPT2: dict[str, Any] = {"norm": "layer", "position": "learned", "feedforward": "gelu_tanh", "bias": True}
SHAPES: dict[str, dict[str, Any]] = {
    "gpt, depth 4": {"depth": 4},
    "gpt, depth 8": {"depth": 8, "context_length": 512},
    "gpt, grouped queries": {**MIDDLE, "num_kv_heads": 1},
    "GPT-2's parts": {**MIDDLE, **PLAIN_GPT2, "family": "custom", "qk_norm": False},
    "Llama's parts": {**MIDDLE, "family": "custom", "qk_norm": False, "tied": False},
    "experts": {**MIDDLE, "family": "custom", "num_experts": 4},
    "speedrun": {**MIDDLE, "family": "speedrun"},
    "bert": {**MIDDLE, "family": "bert"},
    "modern bert": {**MIDDLE, "family": "bert", "position": "rope"},
    "original Transformer": {**MIDDLE, "family": "encoder_decoder"},
    "T5": {**MIDDLE, "family": "encoder_decoder", "position": "relative"},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not given.json:
        print(f"{'shape':<22}{'parameters':>12}{'off':>7}{'MFLOP/token':>13}{'off':>7}{'kept MB':>9}{'off':>7}")
    for name, table in SHAPES.items():
        row = {"shape": name, **compare(table)}
        if given.json:
            print(json.dumps(row), flush=True)
            continue
        print(
            f"{name:<22}{row['parameters']:>12,}{row['parameters_off']:>7.1%}{row['flops_per_token'] / 1e6:>13.2f}"
            f"{row['flops_off']:>7.1%}{row['kept_bytes'] / 1e6:>9.1f}{row['kept_off']:>7.1%}",
            flush=True,
        )
    return 0


def compare(table: dict[str, Any]) -> dict[str, Any]:
    """Planned over measured, minus one, for the three numbers."""
    config = resolve(ModelOptions(**table), VOCABULARY)
    module = build(config, seed=0)
    planned = count(config, batch_size=BATCH)
    objective, batch_of = work_of(config)
    ids = torch.randint(VOCABULARY, (BATCH, config.context_length + 1), generator=torch.Generator().manual_seed(0))
    batch = batch_of(ids)

    def step() -> None:
        made = objective(module, batch)
        (made.loss / made.count).backward()

    kept = kept_bytes(step, module)
    module.zero_grad()
    with FlopCounterMode(display=False, custom_mapping=IN_PLACE) as counter:
        step()
    flops = counter.get_total_flops() / (BATCH * config.context_length)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return {
        "parameters": parameters,
        "parameters_off": planned.parameters / parameters - 1,
        "flops_per_token": flops,
        "flops_off": planned.flops_per_token / flops - 1,
        "kept_bytes": kept,
        "kept_off": planned.activation_bytes / kept - 1,
    }


def kept_bytes(step: Callable[[], None], module: torch.nn.Module) -> int:
    """Bytes that autograd holds between forward and backward, weights left out."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    held: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    return sum(held.values())


if __name__ == "__main__":
    sys.exit(main())
