"""A linear head on a model's last hidden states: for labels (read at the last token) and for spans (at every token).

Folders. A classifier is written in the layout of transformers' Qwen3ForSequenceClassification: `score.weight` among
the weights, the labels in config.json, so that other tools open it as it is. A span reader stays a language model's
folder with `head.safetensors` and `head.json` beside it (transformers names the span model's weights differently,
and no other tool would find them).

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
from groundup.model import bundle as bundles

HEAD_STD = 0.02  # GPT-2, transformers' initializer_range
LANGUAGE_MODEL, CLASSIFIER = "ForCausalLM", "ForSequenceClassification"  # endings of transformers' class names
OWN = "groundup"  # our own facts in config.json
HEAD_WEIGHTS, HEAD_FACTS = "head.safetensors", "head.json"


class Headed(nn.Module):
    """A model and a linear head without bias on its hidden states."""

    def __init__(self, model: Any, num_outputs: int, seed: int = 1) -> None:
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.config.width, num_outputs, bias=False)
        generator = torch.Generator().manual_seed(seed_for(seed, "head"))
        with torch.no_grad():
            self.head.weight.normal_(0.0, HEAD_STD, generator=generator)
        self.head.to(next(model.parameters()).device)

    @property
    def config(self) -> Any:
        """The model's."""
        return self.model.config

    def forward(self, ids_BT: Tensor, last_B: Tensor | None = None) -> Tensor:
        """Scores (B, T, C), or (B, C) read at the places `last_B`. Padding stands at the end: nothing looks ahead."""
        hidden_BTD = self.model(ids_BT)
        if last_B is None:
            return self.head(hidden_BTD).float()
        hidden_BD = hidden_BTD[torch.arange(len(last_B), device=last_B.device), last_B]
        return self.head(hidden_BD).float()


def padded(rows: list[list[int]], pad_id: int) -> Tensor:
    """(B, T) int64, rows filled at the end to the longest."""
    length = max(len(row) for row in rows)
    return torch.tensor([row + [pad_id] * (length - len(row)) for row in rows], dtype=torch.int64)


def kind_of(folder: Path) -> str:
    """ "classify", "qa", or "" for a folder that holds a language model alone (or no model)."""
    if (folder / HEAD_FACTS).is_file():
        return str(read_json(folder / HEAD_FACTS).get("kind", ""))
    if not (folder / bundles.CONFIG).is_file():
        return ""
    names = read_json(folder / bundles.CONFIG).get("architectures") or [""]
    return "classify" if str(names[0]).endswith(CLASSIFIER) else ""


def save_classifier(
    folder: Path, headed: Headed, tokenizer: Any, labels: list[str], *, template: str | None = None, card_text: str = ""
) -> None:
    """Write a model folder that transformers opens with AutoModelForSequenceClassification."""
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
        "problem_type": "single_label_classification",
        OWN: {"template": template},
    }
    write_json(folder / bundles.CONFIG, config)


def open_classifier(bundle: bundles.Bundle) -> tuple[Headed, list[str], str | None]:
    """The head, the labels and the template of an opened classifier's folder. ArtifactError when it is none."""
    config = read_json(bundle.folder / bundles.CONFIG)
    names = config.get("id2label")
    if kind_of(bundle.folder) != "classify" or not isinstance(names, dict):
        raise ArtifactError(
            f"{bundle.folder} holds no classifier.", repair='Tune one: [finetune.NAME] with method = "classify".'
        )
    labels = [str(names[str(place)]) for place in range(len(names))]
    headed = Headed(bundle.model, len(labels))
    _fill(headed, _tensors(bundle.folder / bundles.WEIGHTS).get(bundles.CLASSIFIER_HEAD), bundle.folder)
    return headed, labels, (config.get(OWN) or {}).get("template")


def save_span_head(folder: Path, headed: Headed, tokenizer: Any, facts: dict[str, Any], card_text: str = "") -> None:
    """Write the language model's folder with the span head beside it."""
    weight = headed.head.weight.detach().to("cpu").contiguous()
    write_bytes(folder / HEAD_WEIGHTS, to_bytes({"weight": weight}, metadata={"format": "pt"}))
    write_json(folder / HEAD_FACTS, {"format": 1, "kind": "qa", **facts})
    bundles.save(folder, headed.model, tokenizer, card_text)


def open_span_head(bundle: bundles.Bundle) -> tuple[Headed, dict[str, Any]]:
    """The span head and its facts. ArtifactError when the folder holds none."""
    if kind_of(bundle.folder) != "qa":
        raise ArtifactError(
            f"{bundle.folder} holds no span reader.", repair='Tune one: [finetune.NAME] with method = "qa".'
        )
    headed = Headed(bundle.model, 2)
    _fill(headed, _tensors(bundle.folder / HEAD_WEIGHTS).get("weight"), bundle.folder)
    return headed, dict(read_json(bundle.folder / HEAD_FACTS))


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
