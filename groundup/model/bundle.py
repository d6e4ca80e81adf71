"""The model folder: the Hugging Face layout, written and opened.

    config.json  model.safetensors  generation_config.json  tokenizer files  README.md (the card)

Config and weights lie in a layout that others know where there is one (see convert/), so that transformers, vLLM and
llama.cpp open the folder as it is.
Every file is written atomically and ``config.json`` last: a folder without it was never finished.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor
from torch.overrides import TorchFunctionMode

from groundup.core.errors import ArtifactError
from groundup.core.files import read_json, write_bytes, write_json
from groundup.model.config import ModelConfig
from groundup.model.convert import layout_for
from groundup.model.convert.qwen3 import hf_name
from groundup.model.device import choose
from groundup.model.families import families

__all__ = ["Bundle", "hf_name", "load", "load_config", "save"]
CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"

# A classifier's head among the weights: finetune.heads reads it, the language model under it opens without.
CLASSIFIER_HEAD = "score.weight"


@dataclass(frozen=True)
class Bundle:
    """An opened model folder. `model` is in evaluation mode; `tokenizer` is None where the folder holds none."""

    model: Any
    tokenizer: Any
    config: ModelConfig
    folder: Path


def save(folder: Path, module: Any, tokenizer: Any = None, card_text: str = "") -> None:
    """Write a model folder. tokenizer: anything with ``save(folder)`` and ``special`` (name -> id), or None."""
    folder.mkdir(parents=True, exist_ok=True)
    special = dict(tokenizer.special) if tokenizer is not None else {}
    # Weights are written in fp32 as trained; contiguous copies, since safetensors refuses shared or strided memory.
    state = {name: tensor.detach().to("cpu") for name, tensor in module.state_dict().items()}
    exported = layout_for(module.config).export(state, module.config)
    weights = {name: tensor.contiguous() for name, tensor in exported.items()}
    write_bytes(folder / WEIGHTS, to_bytes(weights, metadata={"format": "pt"}))
    if tokenizer is not None:
        tokenizer.save(folder)
    config = module.config.to_hf(special)
    ends = sorted({special[name] for name in ("<|end|>", "<|endoftext|>") if name in special})
    generation: dict[str, Any] = {"do_sample": False, "max_length": module.config.context_length}
    names = ("bos_token_id", "pad_token_id", "decoder_start_token_id")
    if ends:
        generation |= {"eos_token_id": ends, **{name: config[name] for name in names if name in config}}
    if module.config.family != "bert":  # it fills gaps, it does not go on
        write_json(folder / "generation_config.json", generation)
    if card_text:
        write_bytes(folder / "README.md", card_text.encode("utf-8"))
    write_json(folder / CONFIG, config)


def load(folder: Path, device: str | torch.device = "auto", *, tokenizer: bool = True) -> Bundle:
    """Open a model folder (ours, or in a layout of convert/). ArtifactError says what is missing, damaged or of another shape.

    tokenizer: also open the tokenizer files beside the weights, where there are any.
    """
    folder = Path(folder)
    config = load_config(folder)
    module = _empty(config)
    weights = layout_for(config).take(_read_weights(folder), config)
    _fill(module, weights, folder)
    opened = None
    if tokenizer and (folder / "tokenizer.json").exists():
        from groundup.tokenizer import Tokenizer

        opened = Tokenizer.load(folder)
        if opened.vocabulary_size > config.vocabulary_size:
            raise ArtifactError(
                f"{folder}: the tokenizer has {opened.vocabulary_size} tokens, the model only {config.vocabulary_size}.",
                repair="They are not from the same run; copy the right tokenizer files.",
            )
    return Bundle(module.to(choose(device)).eval(), opened, config, folder)


def load_config(folder: Path) -> ModelConfig:
    """The config of a model folder, without its weights."""
    if not (folder / CONFIG).is_file():
        raise ArtifactError(
            f"{folder} is no model folder: it holds no {CONFIG}.",
            repair="Name a run, a run folder, or any Hugging Face model folder.",
        )
    values = read_json(folder / CONFIG)
    if not isinstance(values, dict):
        raise ArtifactError(f"{folder / CONFIG} is damaged: it holds no table of names.")
    return ModelConfig.from_hf(values, name=str(folder / CONFIG))


class _Undrawn(TorchFunctionMode):
    """Leaves new weights as they lie: they are about to be overwritten, and drawing 124M of them takes half a second."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in ("uniform_", "normal_", "kaiming_uniform_"):
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def _empty(config: ModelConfig) -> Any:
    with torch.random.fork_rng(devices=[]), _Undrawn():
        return families.get(config.family)(config)


def _read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of the folder, from one file or from the shards its index names."""
    files = [folder / WEIGHTS]
    if not files[0].is_file():
        if not (folder / INDEX).is_file():
            hint = "It holds pickled weights, which are never opened." if list(folder.glob("*.bin")) else ""
            raise ArtifactError(f"{folder} holds no {WEIGHTS}.", repair=hint or "The model was not saved to its end.")
        names = set(read_json(folder / INDEX)["weight_map"].values())
        if any(Path(name).name != name for name in names):  # an index must not lead out of its folder
            raise ArtifactError(f"{folder / INDEX} names files outside of its folder.")
        files = [folder / name for name in sorted(names)]
    weights: dict[str, Tensor] = {}
    for file in files:
        try:
            weights |= load_file(file)
        except (SafetensorError, OSError, json.JSONDecodeError) as error:
            raise ArtifactError(
                f"{file} cannot be read as safetensors: {error}.", repair="It is damaged or cut off."
            ) from None
    return weights


@torch.no_grad()
def _fill(module: Any, weights: dict[str, Tensor], folder: Path) -> None:
    wanted = dict(module.named_parameters())
    missing = sorted(set(wanted) - set(weights))
    if missing:
        raise ArtifactError(f"{folder / WEIGHTS}: {len(missing)} tensors are missing, the first is '{missing[0]}'.")
    extra = {CLASSIFIER_HEAD} | ({"lm_head.weight"} if module.config.tied else set())
    spare = sorted(set(weights) - set(wanted) - extra)
    if spare:
        raise ArtifactError(
            f"{folder / WEIGHTS}: {len(spare)} tensors are not of this model, the first is '{spare[0]}'."
        )
    for name, parameter in wanted.items():
        if weights[name].shape != parameter.shape:
            raise ArtifactError(
                f"{folder / WEIGHTS}: '{name}' has the shape {tuple(weights[name].shape)}, "
                f"{CONFIG} asks for {tuple(parameter.shape)}."
            )
        # Least and greatest in one pass: either is NaN or infinite where any value is (isfinite takes 7 times as long).
        if weights[name].numel() and not all(map(torch.isfinite, torch.aminmax(weights[name]))):
            raise ArtifactError(f"{folder / WEIGHTS}: '{name}' holds values that are not finite.")
        parameter.copy_(weights[name])
