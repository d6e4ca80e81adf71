"""Freezing and distillation: what stays, stays; a student comes closer to its teacher."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from groundup.core.console import Console
from groundup.core.errors import ArtifactError, RecipeError
from groundup.core.stage import Context
from groundup.finetune.options import StepOptions
from groundup.finetune.stage import run
from groundup.model import build, bundle
from groundup.model.config import ModelConfig
from groundup.tokenizer import Tokenizer

FAST = {"batch_size": 8, "precision": "fp32", "eval_every": 0, "sample_every": 0, "checkpoint_every_seconds": 0}


def context() -> Context:
    return Context(console=Console(quiet=True), device="cpu")


@pytest.fixture
def data(tmp_path) -> str:
    rows = [{"prompt": f"colour {n}?", "response": ("red", "blue")[n % 2]} for n in range(200)]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(tmp_path / "mine.jsonl")


def test_frozen_blocks_do_not_move_and_the_rest_learns(model_folder, tmp_path, data):
    run(StepOptions(data=[data], steps=10, freeze=1, **FAST), {"model": model_folder}, tmp_path / "out", context())
    before = dict(bundle.load(model_folder, device="cpu").model.named_parameters())
    after = dict(bundle.load(tmp_path / "out" / "model", device="cpu").model.named_parameters())
    for name, parameter in after.items():
        stays = "embedding" in name or name.startswith("blocks.0.")
        assert torch.equal(parameter, before[name]) == stays, name


def test_freezing_more_than_there_is_stops(model_folder, tmp_path, data):
    with pytest.raises(RecipeError, match="the model has 2 blocks"):
        run(StepOptions(data=[data], steps=1, freeze=3, **FAST), {"model": model_folder}, tmp_path / "o", context())
    with pytest.raises(ValueError, match="exclude each other"):
        StepOptions(data=[data], freeze=1, lora={"rank": 2})


@pytest.fixture
def teacher(model_folder, tmp_path, data) -> Path:
    run(StepOptions(data=[data], steps=100, **FAST), {"model": model_folder}, tmp_path / "teacher", context())
    return tmp_path / "teacher" / "model"


@pytest.mark.parametrize("how", ["logits", "generated"])
def test_a_student_learns_from_its_teacher(teacher, tokenizer, tmp_path, data, how):
    small = build(ModelConfig(tokenizer.vocabulary_size, 1, 24, 2, 2, 12, 48, 64), seed=2)
    bundle.save(tmp_path / "small", small, tokenizer)
    options = StepOptions(data=[data], steps=100, distill={"teacher": str(teacher), "how": how, "share": 1.0}, **FAST)
    counts = run(options, {"model": tmp_path / "small"}, tmp_path / "out", context())
    rows = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()]
    steps = [row for row in rows if row["kind"] == "step"]
    name = "distance" if how == "logits" else "loss"
    assert steps[-1][name] < steps[0][name] / 2 and counts["answer_loss"] < 2.5


def test_a_teacher_with_other_tokens_is_refused_for_logits(model_folder, tmp_path, data):
    other = Tokenizer.train(["colour red blue"] * 30, vocabulary_size=300)
    bundle.save(tmp_path / "other", build(ModelConfig(300, 1, 24, 2, 2, 12, 48, 64), seed=2), other)
    options = StepOptions(data=[data], steps=1, distill={"teacher": str(tmp_path / "other")}, **FAST)
    with pytest.raises(ArtifactError, match=r"another one than the student's.\n.*generated"):
        run(options, {"model": model_folder}, tmp_path / "out", context())
