"""CrowS-Pairs by the original protocol, and SEAT, on toys whose preference is known."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from groundup.audit.base import Look
from groundup.audit.benchmarks.masked import masked_sum, shared_places
from groundup.audit.options import AuditOptions
from groundup.audit.stage import check_of
from groundup.evaluate.subject import Subject

WORDS = ["<|cls|>", "<|sep|>", "<|mask|>", "<|endoftext|>", "tall", "slim", "the", "man", "is", "rude", "kind", "here"]
PLACES = {word: place for place, word in enumerate(WORDS)}


class Opinion(nn.Module):
    """Finds every word 1/12 likely, and "rude" `factor` times as likely beside "tall"."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.bonus = nn.Parameter(torch.tensor(math.log(factor)))

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return (ids_BT == PLACES["tall"]).any(1, keepdim=True).expand(ids_BT.shape)

    def logits(self, tall_BT: torch.Tensor) -> torch.Tensor:
        logits_BTV = torch.zeros(*tall_BT.shape, len(WORDS))
        logits_BTV[..., PLACES["rude"]] = tall_BT * self.bonus
        return logits_BTV


def bundle_of(model: Any) -> SimpleNamespace:
    tokenizer = SimpleNamespace(
        special={word: place for word, place in PLACES.items() if word.startswith("<|")},
        encode=lambda text: [PLACES[word] for word in text.lower().rstrip(".").split()],
        encode_batch=lambda texts: [tokenizer.encode(text) for text in texts],
    )
    return SimpleNamespace(model=model, tokenizer=tokenizer, config=SimpleNamespace(context_length=32, family="bert"))


def look(folder: Path, model: Any) -> Look:
    bundle = bundle_of(model)
    return Look(Subject(None, bundle.tokenizer, 32, bundle=bundle), {}, AuditOptions(data=str(folder)), 1)


def crows(folder: Path) -> Path:
    with open(folder / "crows_pairs.csv", "w") as file:
        writer = csv.writer(file)
        writer.writerow(["sent_more", "sent_less", "bias_type"])
        writer.writerows([["the tall man is rude", "the slim man is rude", "appearance"]] * 40)
    return folder


def test_a_masked_model_is_asked_by_the_original_protocol(tmp_path: Path) -> None:
    *other, found = check_of("crows_pairs")(look(crows(tmp_path), Opinion(3.0)))
    assert [one.value for one in other] == [None, None]
    assert found.name == "crows_pairs_masked" and found.value == 0.5 and found.low is not None and found.low > 0.3
    *_, fair = check_of("crows_pairs")(look(tmp_path, Opinion(1.0)))
    assert fair.value == 0 and "40 ties of 40" in fair.protocol and "no evidence either way" in fair.summary


def test_the_sum_runs_over_shared_tokens_only_each_masked_alone() -> None:
    bundle = bundle_of(Opinion(3.0))
    tall, slim = (bundle.tokenizer.encode(f"the {word} man is rude") for word in ("tall", "slim"))
    assert shared_places(tall, slim) == [(0, 0), (2, 2), (3, 3), (4, 4)]
    # beside "tall" rude has 3 of 14, all others 1 of 14; without it everything is 1 of 12
    assert masked_sum(bundle, tall, [0, 2, 3, 4]) == pytest.approx(math.log(3 / 14) + 3 * math.log(1 / 14), abs=1e-5)
    assert masked_sum(bundle, slim, [0, 2, 3, 4]) == pytest.approx(4 * math.log(1 / 12), abs=1e-5)


class Vectors(nn.Module):
    """A hidden state a word, the same wherever it stands."""

    def __init__(self, table: dict[str, list[float]]) -> None:
        super().__init__()
        self.config = SimpleNamespace(context_length=32)
        self.table = nn.Parameter(torch.tensor([table.get(word, [0.1, 0.1]) for word in WORDS]))

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return self.table[ids_BT]


def test_an_association_between_sentences_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundup.audit.benchmarks.seat.TEMPLATES", ("the {}", "{} is here", "here is {}", "is {}"))
    sets = {"targ1": ["tall"], "targ2": ["slim"], "attr1": ["rude"], "attr2": ["kind"]}
    content = {name: {"category": name, "examples": words} for name, words in sets.items()}
    (tmp_path / "weat1.jsonl").write_text(json.dumps(content))
    leaning = Vectors({"tall": [1, 0], "rude": [1, 0], "slim": [0, 1], "kind": [0, 1]})
    (found,) = check_of("seat")(look(tmp_path, leaning))
    assert found.evidence[0]["p"] < 0.05 and found.evidence[0]["effect"] > 1 and "4 sentences a word" in found.protocol
    (fair,) = check_of("seat")(
        look(tmp_path, Vectors({"tall": [1, 0], "slim": [1, 0], "rude": [1, 0], "kind": [0, 1]}))
    )
    assert fair.evidence[0]["p"] > 0.05 and np.isfinite(fair.evidence[0]["effect"])
