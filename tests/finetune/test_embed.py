"""Sentence vectors: partners come to lie close, for models that look one way and both ways."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from groundup.core.console import Console
from groundup.core.errors import DataError
from groundup.core.stage import Context
from groundup.finetune.embed import Embedder, Trio, batch_of, contrastive
from groundup.finetune.options import StepOptions
from groundup.finetune.stage import run
from groundup.generate.embed import embed
from groundup.model import bundle

FAST = {"batch_size": 16, "precision": "fp32", "eval_every": 0, "checkpoint_every_seconds": 0, "warmup_steps": 0}


def context() -> Context:
    return Context(console=Console(quiet=True), device="cpu")


def rows(path: Path, count: int = 400) -> Path:
    """A word belongs to its number: 26 kinds of pair."""
    found = [
        {"anchor": f"{chr(97 + n % 26)} asks {n}", "positive": f"{chr(65 + n % 26)} says {n * 7}"} for n in range(count)
    ]
    path.write_text("\n".join(map(json.dumps, found)))
    return path


@pytest.mark.parametrize("family", ["model_folder", "bert_folder", "encoder_decoder_folder"])
def test_partners_are_found(family, request, tmp_path):
    options = StepOptions(method="embed", data=[str(rows(tmp_path / "e.jsonl"))], steps=60, learning_rate=3e-3, **FAST)
    counts = run(options, {"model": request.getfixturevalue(family)}, tmp_path / "out", context())
    assert counts["reciprocal_rank"] > counts["reciprocal_rank_before"] + 0.1
    model = Embedder.load(tmp_path / "out" / "model", device="cpu")
    asks, says = model.embed(["c asks 9", "t asks 9"]), model.embed(["C says 5", "T says 5"])
    assert np.allclose(np.linalg.norm(asks, axis=1), 1, atol=1e-5)
    likeness = asks @ says.T
    assert likeness[0, 0] > likeness[0, 1] and likeness[1, 1] > likeness[1, 0]


def test_the_vectors_are_those_of_generate(model_folder):
    opened = bundle.load(model_folder, device="cpu")
    texts = ["short", "a longer text than the other", ""]
    assert np.allclose(Embedder(opened).embed(texts), embed(opened, texts), atol=1e-5)


def test_the_same_partner_twice_is_not_held_against_itself(model_folder):
    model = bundle.load(model_folder, device="cpu").model
    twice = [Trio([1, 2, 3], [4, 5, 6], []), Trio([1, 2, 3], [4, 5, 6], [])]
    with torch.no_grad():
        assert float(contrastive(model, batch_of(twice, [0, 1], 0)).loss) == pytest.approx(0, abs=1e-6)
        apart = [Trio([1, 2, 3], [4, 5, 6], [7, 8]), Trio([9, 2, 3], [4, 5, 9], [])]
        assert float(contrastive(model, batch_of(apart, [0, 1], 0)).loss) > 0.1


def test_texts_without_a_partner_are_told(model_folder, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(json.dumps({"sentence1": "a", "sentence2": f"b{n}", "score": 0}) for n in range(40)))
    with pytest.raises(DataError, match='"anchor" and "positive"'):
        run(StepOptions(method="embed", data=[str(path)], **FAST), {"model": model_folder}, tmp_path / "o", context())
