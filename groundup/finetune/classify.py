"""Classification: texts -> labels with probabilities, by a linear head on a text's one state (see `framing`).

The last token of a causal model has seen the whole text (Radford et al. 2018 read a classifier there); BERT's pooled
first place, the mean of an encoder-decoder's encoder. Ids of a gpt are the tokenizer's own for the text, with nothing
before or behind, so that transformers' pipelines, given the folder, see the same and answer the same; a text longer
than the context keeps its beginning.

Legend: N texts, B rows, T time, C labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.core.errors import DataError, near
from groundup.core.example import Example
from groundup.finetune.framing import filled, frame
from groundup.finetune.gold import label_of
from groundup.finetune.heads import open_head
from groundup.finetune.prompts import question_of
from groundup.model import bundle as bundles
from groundup.tokenizer.special import PAD
from groundup.train.objectives import Loss

BATCH_TOKENS = 8192  # tokens of one forward pass; taste
IMBALANCE = 4.0  # the most frequent label this many times as frequent as the rarest: worth a word; taste


@dataclass(frozen=True)
class Labelled:
    """Rows to learn from or to look at. num_cut: texts longer than the context."""

    ids: list[list[int]]
    gold: list[int]
    num_cut: int = 0


def encode(
    tokenizer: Any, texts: Sequence[str], context_length: int, family: str = "gpt"
) -> tuple[list[list[int]], int]:
    """The ids of each text, cut at the context; and how many were cut. An empty text is one border token."""
    rows = [frame(tokenizer, family, row, context_length) for row in tokenizer.encode_batch(list(texts))]
    return [row for row, _ in rows], sum(cut for _, cut in rows)


def labelled(
    examples: Sequence[Example],
    labels: Sequence[str],
    tokenizer: Any,
    context_length: int,
    template: str | None,
    family: str = "gpt",
) -> Labelled:
    """Examples as rows. DataError for a label that is not among `labels`."""
    place = {label: number for number, label in enumerate(labels)}
    for example in examples:
        if label_of(example) not in place:
            raise unknown_label(label_of(example), labels)
    texts = [question_of(example, template) for example in examples]
    ids, num_cut = encode(tokenizer, texts, context_length, family)
    return Labelled(ids, [place[label_of(example)] for example in examples], num_cut)


def unknown_label(label: str, labels: Sequence[str]) -> DataError:
    """The error for a label that the classifier was not trained on."""
    return DataError(
        f"The label '{label}' is none of the {len(labels)} that the classifier knows.",
        repair=f"{near(label, labels)} Train it on examples of every label.",
    )


def batch_of(rows: Labelled, places: Sequence[int], pad_id: int) -> dict[str, Tensor]:
    """ids_BT, real_BT (False where filled up), gold_B."""
    ids_BT, real_BT = filled([rows.ids[place] for place in places], pad_id)
    return {"ids_BT": ids_BT, "real_BT": real_BT, "gold_B": torch.tensor([rows.gold[place] for place in places])}


def cross_entropy(module: Any, batch: Mapping[str, Tensor]) -> Loss:
    """The objective: summed cross-entropy of the right labels."""
    logits_BC = module(batch["ids_BT"], batch["real_BT"])
    gold_B = batch["gold_B"]
    right = float((logits_BC.detach().argmax(1) == gold_B).float().mean())
    return Loss(F.cross_entropy(logits_BC, gold_B, reduction="sum"), len(gold_B), {"accuracy": right})


def imbalance(gold: Sequence[int], labels: Sequence[str]) -> tuple[float, str]:
    """How many times as frequent the most frequent label is as the rarest one; and a warning, "" when it is mild."""
    counts = np.bincount(np.asarray(gold, dtype=np.int64), minlength=len(labels))
    most, least = int(counts.argmax()), int(counts.argmin())
    ratio = float(counts[most] / max(1, counts[least]))
    if ratio < IMBALANCE:
        return ratio, ""
    share = counts[most] / max(1, counts.sum())
    return ratio, (
        f"the labels are out of balance: '{labels[most]}' has {counts[most]:,} examples ({share:.0%}), "
        f"'{labels[least]}' {counts[least]:,}; judge by macro F1, since always saying '{labels[most]}' is right "
        f"{share:.0%} of the time"
    )


class Classifier:
    """A tuned classifier, ready to use: `Classifier.load(folder).predict(texts)`."""

    def __init__(self, bundle: bundles.Bundle) -> None:
        self._bundle = bundle
        self._headed, facts = open_head(bundle, "classify")
        self.labels: list[str] = facts["labels"]
        self.template: str | None = facts.get("template")

    @classmethod
    def load(cls, folder: Path | str, device: str = "auto") -> Classifier:
        """Open a classifier's model folder. ArtifactError when it holds none."""
        bundle = bundles.load(Path(folder), device=device)
        return cls(bundle)

    def predict(self, texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
        """The most probable label of each text, and all probabilities (N, C) in the order of `labels`."""
        config = self._bundle.config
        ids, _ = encode(self._bundle.tokenizer, texts, config.context_length, config.family)
        pad_id = self._bundle.tokenizer.special.get(PAD, 0)
        logits_NC = logits_of(self._headed, Labelled(ids, [0] * len(ids)), pad_id)
        probabilities_NC = torch.softmax(logits_NC, dim=1).numpy()
        return [self.labels[place] for place in probabilities_NC.argmax(1)], probabilities_NC

    def text_of(self, example: Example) -> str:
        """What `predict` wants for an example: the words the training showed."""
        return question_of(example, self.template)


@torch.no_grad()
def logits_of(module: Any, rows: Labelled, pad_id: int) -> Tensor:
    """(N, C) on the CPU, texts of like length together."""
    device = next(module.parameters()).device
    order = sorted(range(len(rows.ids)), key=lambda place: len(rows.ids[place]))
    found: dict[int, Tensor] = {}
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * len(rows.ids[order[end]]) <= BATCH_TOKENS:
            end += 1
        places = order[start:end]
        batch = {name: tensor.to(device) for name, tensor in batch_of(rows, places, pad_id).items()}
        logits_BC = module(batch["ids_BT"], batch["real_BT"]).cpu()
        found.update(zip(places, logits_BC, strict=True))
        start = end
    return torch.stack([found[place] for place in range(len(order))]) if order else torch.zeros(0, 0)
