"""A bare encoder from elsewhere (BertModel, sentence-transformers) is opened and tuned: its names have no prefix, no heads."""

from __future__ import annotations

import json
import shutil

import torch
from safetensors.torch import load_file, save_file

from groundup.core.console import Console
from groundup.core.stage import Context
from groundup.finetune.classify import Classifier
from groundup.finetune.options import StepOptions
from groundup.finetune.stage import run
from groundup.model import bundle


def test_a_bare_encoder_is_opened_and_tuned(bert_folder, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(bert_folder, bare)
    weights = load_file(bert_folder / "model.safetensors")
    kept = {name.removeprefix("bert."): one for name, one in weights.items() if name.startswith("bert.")}
    save_file(kept, bare / "model.safetensors")
    ids = torch.tensor([[10, 3, 40, 41, 11]])
    opened, whole = bundle.load(bare, device="cpu"), bundle.load(bert_folder, device="cpu")
    with torch.no_grad():
        assert torch.equal(opened.model(ids), whole.model(ids))
    rows = [{"text": f"{n} {'up' if n % 2 else 'down'}", "label": "ud"[n % 2]} for n in range(80)]
    (tmp_path / "l.jsonl").write_text("\n".join(map(json.dumps, rows)))
    rates = {"optimizer": "adamw", "learning_rate": 3e-3, "matrix_learning_rate": 3e-3}
    options = StepOptions(
        method="classify",
        data=[str(tmp_path / "l.jsonl")],
        steps=40,
        batch_size=16,
        precision="fp32",
        eval_every=0,
        **rates,
    )
    run(options, {"model": bare}, tmp_path / "out", Context(console=Console(quiet=True), device="cpu"))
    assert Classifier.load(tmp_path / "out" / "model", device="cpu").predict(["99 up", "98 down"])[0] == ["d", "u"]


def test_a_classifier_over_averaged_states_opens_as_it_was_tuned(bert_folder, tmp_path):
    rows = [{"text": f"{n} {'up' if n % 2 else 'down'}", "label": "ud"[n % 2]} for n in range(80)]
    (tmp_path / "l.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shared = {
        "method": "classify",
        "data": [str(tmp_path / "l.jsonl")],
        "steps": 2,
        "eval_every": 0,
        "precision": "fp32",
    }
    found = []
    for pooling in ("own", "mean"):
        options = StepOptions(pooling=pooling, **shared)
        run(options, {"model": bert_folder}, tmp_path / pooling, Context(console=Console(quiet=True), device="cpu"))
        classifier = Classifier.load(tmp_path / pooling / "model", device="cpu")
        assert classifier._headed.mean is (pooling == "mean")
        found.append(classifier.predict(["99 up"])[1].tolist())
    assert found[0] != found[1]
