"""A linear head on a model's last hidden states: for labels and rewards (one state a text), spans and tags (every token).

Folders. A classifier of the family gpt is written in the layout of transformers' Qwen3ForSequenceClassification:
`score.weight` among the weights, the labels in config.json, so that other tools open it as it is (a reward model is
one with a single label). Every other head lies beside the model as `head.safetensors` and `head.json`: what
transformers would ask for there has other names, and no other tool would find them.

Legend: B rows, T time, D width, C outputs of the head.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from groundup.core.errors import ArtifactError
from groundup.core.files import read_json, write_bytes, write_json
from groundup.core.randomness import seed_for
from groundup.finetune.framing import hidden_states, text_states
from groundup.generate.purpose import CLASSIFIER, HEAD_FACTS, HEADS, OWN, kind_of
from groundup.model import bundle as bundles

HEAD_STD = 0.02  # GPT-2, transformers' initializer_range
LANGUAGE_MODEL = "ForCausalLM"  # the end of transformers' class names of models that go on a text
HEAD_WEIGHTS = "head.safetensors"


class Headed(nn.Module):
    """A model and a linear head without bias on its hidden states. mean: of a text, their average (see `framing`)."""

    def __init__(self, model: Any, num_outputs: int, seed: int = 1, *, mean: bool = False) -> None:
        super().__init__()
        self.model = model
        self.mean = mean
        self.head = nn.Linear(model.config.width, num_outputs, bias=False)
        generator = torch.Generator().manual_seed(seed_for(seed, "head"))
        with torch.no_grad():
            self.head.weight.normal_(0.0, HEAD_STD, generator=generator)
        self.head.to(next(model.parameters()).device)

    @property
    def config(self) -> Any:
        """The model's."""
        return self.model.config

    def forward(
        self, ids_BT: Tensor, real_BT: Tensor, *, each: bool = False, segments_BT: Tensor | None = None
    ) -> Tensor:
        """Scores (B, C) of each text, or with `each` (B, T, C) of each token. real_BT: False where a row is filled up."""
        if each:
            return self.head(hidden_states(self.model, ids_BT, real_BT, segments_BT)).float()
        return self.head(text_states(self.model, ids_BT, real_BT, mean=self.mean)).float()


def save_head(
    folder: Path, headed: Headed, tokenizer: Any, kind: str, facts: dict[str, Any], card_text: str = ""
) -> None:
    """Write a model folder with its head. kind: a key of HEADS. facts: what reading needs; "labels" for names."""
    if kind in ("classify", "reward") and headed.config.family == "gpt" and not headed.mean:
        _save_in_weights(folder, headed, tokenizer, kind, facts, card_text)
        return
    weight = headed.head.weight.detach().to("cpu").contiguous()
    write_bytes(folder / HEAD_WEIGHTS, to_bytes({"weight": weight}, metadata={"format": "pt"}))
    write_json(folder / HEAD_FACTS, {"format": 1, "kind": kind, "mean": headed.mean, **facts})
    bundles.save(folder, headed.model, tokenizer, card_text)


def _save_in_weights(
    folder: Path, headed: Headed, tokenizer: Any, kind: str, facts: dict[str, Any], card_text: str
) -> None:
    """Write a folder that transformers opens with AutoModelForSequenceClassification."""
    labels = list(facts.get("labels", ["reward"]))
    bundles.save(folder, headed.model, tokenizer, card_text)
    weights = load_file(folder / bundles.WEIGHTS)
    weights[bundles.CLASSIFIER_HEAD] = headed.head.weight.detach().to("cpu").contiguous()
    write_bytes(folder / bundles.WEIGHTS, to_bytes(weights, metadata={"format": "pt"}))
    config = read_json(folder / bundles.CONFIG)
    config |= {
        "architectures": [str(config["architectures"][0]).removesuffix(LANGUAGE_MODEL) + CLASSIFIER],
        "num_labels": len(labels),
        "id2label": {str(place): label for place, label in enumerate(labels)},
        "label2id": {label: place for place, label in enumerate(labels)},
        "problem_type": "single_label_classification" if kind == "classify" else "regression",
        OWN: {"kind": kind, **{name: value for name, value in facts.items() if name != "labels"}},
    }
    write_json(folder / bundles.CONFIG, config)


def open_head(bundle: bundles.Bundle, kind: str) -> tuple[Headed, dict[str, Any]]:
    """The head and its facts ("labels" among them where it has names). ArtifactError when the folder holds none."""
    if kind_of(bundle.folder) != kind:
        found = HEADS.get(kind_of(bundle.folder))
        raise ArtifactError(
            f"{bundle.folder} holds no {HEADS[kind]}{f', but a {found}' if found else ''}.",
            repair=f'Tune one: [finetune.NAME] with method = "{kind}".',
        )
    if (bundle.folder / HEAD_FACTS).is_file():
        facts = dict(read_json(bundle.folder / HEAD_FACTS))
        weight = _tensors(bundle.folder / HEAD_WEIGHTS).get("weight")
    else:
        config = read_json(bundle.folder / bundles.CONFIG)
        names = config.get("id2label")
        if not isinstance(names, dict):
            raise ArtifactError(f"{bundle.folder}: config.json names no labels.")
        facts = {**(config.get(OWN) or {}), "labels": [str(names[str(place)]) for place in range(len(names))]}
        weight = _tensors(bundle.folder / bundles.WEIGHTS).get(bundles.CLASSIFIER_HEAD)
    num_outputs = 2 if kind == "qa" else len(facts.get("labels", [""]))
    headed = Headed(bundle.model, num_outputs, mean=bool(facts.get("mean")))
    _fill(headed, weight, bundle.folder)
    return headed, facts


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}.") from None


@torch.no_grad()
def _fill(headed: Headed, weight: Tensor | None, folder: Path) -> None:
    if weight is None or weight.shape != headed.head.weight.shape or not bool(torch.isfinite(weight).all()):
        raise ArtifactError(f"The head in {folder} is missing, damaged or of another size.")
    headed.head.weight.copy_(weight)
    headed.eval()
