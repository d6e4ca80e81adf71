"""LoRA (Hu et al. 2022): the weights stay as they are; beside each chosen matrix a product of two thin ones learns.

    y = W x + (alpha / rank) B A x        A (rank, in) random, B (out, rank) zero: at the start nothing changes

All linear layers of the blocks by default (Schulman et al. 2025, "LoRA without regret": attention alone is worse).
Left out: dropout before A, and adapters on embeddings. `merge` adds the product to W, after which the model is an
ordinary one; `export` writes PEFT's layout, which other tools load beside the base model.

Legend: I inputs, O outputs, R rank.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.core.errors import ArtifactError
from groundup.core.files import write_bytes, write_json
from groundup.core.randomness import seed_for
from groundup.finetune.options import LoraOptions
from groundup.model.convert.qwen3 import hf_name


class LoraLinear(nn.Module):
    """A frozen linear layer and the two matrices that learn."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach(), requires_grad=False)
        num_out, num_in = linear.weight.shape
        bound = 1 / math.sqrt(num_in)  # Kaiming uniform with a = sqrt(5), as PEFT draws A
        a_RI = torch.empty(rank, num_in).uniform_(-bound, bound, generator=generator)
        self.a = nn.Parameter(a_RI.to(linear.weight.device))
        self.b = nn.Parameter(torch.zeros(num_out, rank, device=linear.weight.device))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) -> (..., O)."""
        return F.linear(x, self.weight) + self.scale * F.linear(F.linear(x, self.a), self.b)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The plain layer with W + scale B A."""
        num_out, num_in = self.weight.shape
        plain = nn.Linear(num_in, num_out, bias=False, device=self.weight.device)
        plain.weight.copy_(self.weight + self.scale * (self.b @ self.a))
        return plain


class Adapted(nn.Module):
    """A model with adapters, as training sees it: only what learns is in its state, so only that is in checkpoints."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    @property
    def config(self) -> Any:
        """The inner model's."""
        return self.inner.config

    @property
    def output_weight(self) -> Tensor:
        """The inner model's (for the next-token loss)."""
        return self.inner.output_weight

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The inner model's."""
        return self.inner(*inputs, **named)

    def learning(self) -> dict[str, nn.Parameter]:
        """What learns, by name."""
        return {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}

    def state_dict(self, *args: Any, **named: Any) -> dict[str, Any]:  # type: ignore[override]
        """The adapters (and a head), not the frozen weights: those are in the folder the step started from."""
        return {name: parameter.detach() for name, parameter in self.learning().items()}

    @torch.no_grad()
    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Take up what `state_dict` gave."""
        learning = self.learning()
        if set(state_dict) != set(learning):
            raise ArtifactError("The checkpoint holds other adapters than the recipe asks for.")
        for name, parameter in learning.items():
            parameter.copy_(state_dict[name])


def attach(module: Any, options: LoraOptions, seed: int) -> Adapted:
    """Freeze the model (a head stays free) and put adapters into its blocks, in place."""
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name.startswith("head."))
    generator = torch.Generator().manual_seed(seed_for(seed, "lora"))
    for parent, name, linear in list(_places(module, nn.Linear)):
        if name in options.targets:
            setattr(parent, name, LoraLinear(linear, options.rank, options.alpha, generator))
    return Adapted(module)


def merge(module: Any) -> None:
    """Turn every adapted layer into the plain one that computes the same, in place; everything may learn again."""
    for parent, name, layer in list(_places(module, LoraLinear)):
        setattr(parent, name, layer.merged())
    for parameter in module.parameters():
        parameter.requires_grad_(True)


def export(folder: Path, module: Any, options: LoraOptions, *, task: str = "CAUSAL_LM") -> None:
    """Write adapter_config.json and adapter_model.safetensors as PEFT reads them, before `merge`.

    task: "CAUSAL_LM", or "SEQ_CLS" for a classifier, whose head is then among the saved modules.
    """
    tensors: dict[str, Tensor] = {}
    for path, layer in _layers(module):
        theirs = hf_name(f"{path}.weight").removesuffix(".weight")
        tensors[f"base_model.model.{theirs}.lora_A.weight"] = layer.a
        tensors[f"base_model.model.{theirs}.lora_B.weight"] = layer.b
    head = getattr(module, "head", None)
    if task == "SEQ_CLS" and head is not None:
        tensors["base_model.model.score.weight"] = head.weight
    flat = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    targets = sorted({name.split(".")[-3] for name in flat if ".lora_A." in name})
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / "adapter_model.safetensors", to_bytes(flat, metadata={"format": "pt"}))
    write_json(
        folder / "adapter_config.json",
        {
            "peft_type": "LORA",
            "task_type": task,
            "r": options.rank,
            "lora_alpha": options.alpha,
            "lora_dropout": 0.0,
            "target_modules": targets,
            "modules_to_save": ["score"] if task == "SEQ_CLS" else None,
            "bias": "none",
            "fan_in_fan_out": False,
            "inference_mode": True,
            "base_model_name_or_path": None,
        },
    )


def _layers(module: Any) -> Iterator[tuple[str, LoraLinear]]:
    """Adapted layers by the path of the language model: blocks.0.attention.query."""
    for path, layer in module.named_modules():
        if isinstance(layer, LoraLinear):
            yield path[path.index("blocks.") :], layer


def _places(module: Any, kind: type) -> Iterator[tuple[Any, str, Any]]:
    """(parent, name, layer) of every layer of a kind inside the blocks."""
    for path, parent in module.named_modules():
        if "blocks." in f"{path}.":
            for name, layer in parent.named_children():
                if isinstance(layer, kind):
                    yield parent, name, layer
