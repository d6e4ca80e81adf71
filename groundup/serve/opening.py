"""From a model's folder to a speaker: what can talk is opened, what cannot says what it is for instead.

An adapter (LoRA, in PEFT's layout as tuning writes it) shares all of its base model's weights: a second tuning of a
model costs two thin matrices a layer, not a second model.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.core.errors import ArtifactError, UsageError
from groundup.core.files import read_json
from groundup.generate.engine import Engine
from groundup.generate.flat import flatten
from groundup.generate.purpose import demand_writer
from groundup.model.bundle import Bundle, load
from groundup.model.convert import layout_for
from groundup.serve.speaker import EngineSpeaker

ADAPTER, FACTS = "adapter_model.safetensors", "adapter_config.json"


class Opener:
    """Opens models by folder. weights: how they lie in memory (see generate.flat). keep_bases: adapters of one base
    are expected, so that it is opened only once."""

    def __init__(
        self, *, weights: str = "fp32", prefix_bytes: int = 0, guess: int = 0, keep_bases: bool = False
    ) -> None:
        self.weights, self.prefix_bytes, self.guess, self.keep_bases = weights, prefix_bytes, guess, keep_bases
        self._bases: dict[Path, Bundle] = {}

    def open(self, folder: Path, adapter: Path | None = None) -> EngineSpeaker:
        """The speaker of a model folder, with an adapter on top where one is named.

        Raises UsageError for a model that does not continue texts, ArtifactError for a damaged folder.
        """
        bundle = self._bases.get(folder)
        if bundle is None:
            demand_writer(folder, "serve")
            bundle = load(folder)
            if bundle.tokenizer is None:
                raise UsageError(f"{folder} holds no tokenizer: it cannot read or write text.")
            if self.keep_bases:
                self._bases[folder] = bundle
        quick = flatten(bundle.model, self.weights) if adapter is None else with_adapter(bundle.model, adapter)
        opened = Bundle(quick, bundle.tokenizer, bundle.config, folder)
        whole: Callable[[], Any] = lambda: opened  # noqa: E731
        if adapter is None:
            # In fp32 the flat model's matrices are the whole model's own, so that keeping it costs nothing.
            whole = (lambda: bundle) if self.weights == "fp32" else (lambda: load(folder))
        return EngineSpeaker(Engine(opened), opened, prefix_bytes=self.prefix_bytes, guess=self.guess, whole=whole)


class Beside(nn.Module):
    """A linear layer of the base, and what the adapter adds: y = W x + scale B A x."""

    def __init__(self, linear: nn.Linear, a_RI: Tensor, b_OR: Tensor, scale: float) -> None:
        super().__init__()
        self.linear = linear
        self.register_buffer("a_RI", a_RI, persistent=False)
        self.register_buffer("b_OR", scale * b_OR, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) -> (..., O)"""
        return self.linear(x) + F.linear(F.linear(x, self.get_buffer("a_RI")), self.get_buffer("b_OR"))


def with_adapter(model: Any, folder: Path) -> Any:
    """The model with an adapter: another module over the same weights. ArtifactError when they do not fit."""
    facts, tensors = _read(folder)
    rank = facts.get("r")
    scale = float(facts.get("lora_alpha", rank)) / float(rank) if isinstance(rank, int) and rank > 0 else 0.0
    if facts.get("peft_type") != "LORA" or not scale:
        raise ArtifactError(f"{folder} holds no LoRA adapter.")
    shared: dict[int, Any] = {id(one): one for one in (*model.parameters(), *model.buffers())}
    adapted = copy.deepcopy(model, shared)
    device = next(model.parameters()).device
    for name in sorted(one for one in tensors if one.endswith(".lora_A.weight")):
        theirs = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        (ours,) = layout_for(model.config).take({f"{theirs}.weight": torch.empty(0)}, model.config)
        parent_name, _, last = ours.removesuffix(".weight").rpartition(".")
        a_RI, b_OR = tensors[name], tensors.get(name.replace("lora_A", "lora_B"))
        try:
            parent = adapted.get_submodule(parent_name)
            linear = getattr(parent, last)
        except AttributeError:
            raise ArtifactError(f"{folder}: the adapter has a part for '{theirs}', which this model has not.") from None
        if b_OR is None or (b_OR.shape[0], a_RI.shape[1]) != tuple(linear.weight.shape):
            raise ArtifactError(f"{folder}: the adapter's part for '{theirs}' is not of this model's shape.")
        setattr(parent, last, Beside(linear, a_RI.to(device), b_OR.to(device), scale))
    return adapted.eval()


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not (folder / ADAPTER).is_file() or not (folder / FACTS).is_file():
        raise ArtifactError(f"{folder} holds no adapter ({FACTS}, {ADAPTER}).", repair="Name the folder of one.")
    try:
        return read_json(folder / FACTS), load_file(folder / ADAPTER)
    except SafetensorError as error:
        raise ArtifactError(f"{folder / ADAPTER} cannot be read: {error}.") from None
