"""LoRA: nothing changes at the start, merged equals adapted, only adapters are saved, PEFT loads what is exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from groundup.core.console import Console
from groundup.core.errors import ArtifactError, Interrupted
from groundup.core.example import Example, write_examples
from groundup.core.files import read_json
from groundup.core.stage import Context
from groundup.finetune import lora
from groundup.finetune.options import LORA_RATE, LoraOptions, StepOptions
from groundup.finetune.stage import run
from groundup.model import bundle

FAST = {"batch_size": 4, "precision": "fp32", "eval_every": 0, "sample_every": 0}
IDS = torch.tensor([[5, 9, 40, 33, 7]])
OPTIONS = LoraOptions(rank=2, alpha=8)


def context(**changes) -> Context:
    return Context(console=Console(quiet=True), device="cpu", **changes)


def opened(folder: Path):
    return bundle.load(folder, device="cpu").model


def shaken(model, options: LoraOptions = OPTIONS) -> lora.Adapted:
    """An adapted model whose adapters have learned something (random numbers)."""
    adapted = lora.attach(model, options, seed=1)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in adapted.learning().values():
            parameter.normal_(0.0, 0.3, generator=generator)
    return adapted


@pytest.fixture
def inputs(tmp_path, model_folder, examples) -> dict[str, Path]:
    write_examples(tmp_path / "collect" / "examples" / "toy" / "chat.jsonl.zst", examples)
    return {"model": model_folder, "collect": tmp_path / "collect"}


def test_at_the_start_the_model_is_the_base(model_folder):
    adapted = lora.attach(opened(model_folder), OPTIONS, seed=1)
    with torch.no_grad():
        assert torch.equal(adapted(IDS), opened(model_folder)(IDS))


def test_merged_equals_adapted_and_is_an_ordinary_model(model_folder, tmp_path, tokenizer):
    model = opened(model_folder)
    adapted = shaken(model)
    with torch.no_grad():
        before, base = adapted(IDS), opened(model_folder)(IDS)
        lora.merge(model)
        after = model(IDS)
    assert torch.allclose(before, after, atol=1e-5) and not torch.allclose(before, base, atol=1e-2)
    bundle.save(tmp_path, model, tokenizer)
    with torch.no_grad():
        assert torch.equal(opened(tmp_path)(IDS), after)


def test_only_adapters_learn_and_only_they_are_in_the_state(model_folder):
    adapted = lora.attach(opened(model_folder), LoraOptions(rank=2, targets=["query"]), seed=1)
    assert set(adapted.state_dict()) == {f"inner.blocks.{n}.attention.query.{part}" for n in (0, 1) for part in "ab"}
    other = shaken(opened(model_folder), LoraOptions(rank=2, targets=["query"]))
    adapted.load_state_dict(other.state_dict())
    with torch.no_grad():
        assert torch.equal(adapted(IDS), other(IDS))
    with pytest.raises(ArtifactError, match="other adapters"):
        adapted.load_state_dict(shaken(opened(model_folder)).state_dict())


def test_a_step_learns_with_adapters_and_leaves_both_forms(inputs, tmp_path, model_folder):
    options = StepOptions(data=["toy:chat"], steps=30, lora={"rank": 4}, learning_rate=0.02, **FAST)
    counts = run(options, inputs, tmp_path / "out", context())
    first = json.loads((tmp_path / "out" / "metrics.jsonl").read_text().partition("\n")[0])["loss"]
    assert counts["loss"] < first - 0.2 and counts["answer_loss"] < first - 0.2
    base, tuned = opened(model_folder).state_dict(), opened(tmp_path / "out" / "model").state_dict()
    changed = {name for name in base if not torch.equal(base[name], tuned[name])}
    assert changed and all(".attention." in name or ".feedforward." in name for name in changed)
    newest = sorted((tmp_path / "out" / ".checkpoints").iterdir())[-1]
    with safe_open(newest / "weights.safetensors", "pt") as file:
        assert all(name.endswith((".a", ".b")) for name in file.keys())  # noqa: SIM118
    assert read_json(tmp_path / "out" / "adapter" / "adapter_config.json")["r"] == 4


def test_killed_and_continued_ends_with_the_same_bits(inputs, tmp_path):
    options = StepOptions(data=["toy:chat"], steps=6, lora={}, **FAST)
    run(options, inputs, tmp_path / "whole", context())
    asked: list[int] = []
    with pytest.raises(Interrupted):
        run(options, inputs, tmp_path / "cut", context(stop=lambda: asked.append(1) or len(asked) > 3))
    run(options, inputs, tmp_path / "cut", context())
    for name in ("model/model.safetensors", "adapter/adapter_model.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_adapters_get_rates_of_their_own_unless_the_recipe_says():
    plain = StepOptions(lora={}).settings()
    assert (plain.optimizer, plain.learning_rate, plain.matrix_learning_rate) == ("adamw", LORA_RATE, LORA_RATE)
    said = StepOptions(lora={}, learning_rate=0.1, optimizer="muon").settings()
    assert (said.optimizer, said.learning_rate, said.matrix_learning_rate) == ("muon", 0.1, 0.1)
    assert StepOptions().settings() == StepOptions()


def test_a_classifier_learns_with_adapters(model_folder, tmp_path):
    from groundup.finetune.classify import Classifier

    rows = [Example("classify", text=f"{n} {'yes' if n % 2 else 'no'}", label=str(n % 2)) for n in range(80)]
    write_examples(tmp_path / "r.jsonl", rows)
    options = StepOptions(
        method="classify", data=[str(tmp_path / "r.jsonl")], steps=60, lora={}, learning_rate=0.02, **FAST
    )
    run(options, {"model": model_folder}, tmp_path / "out", context())
    assert Classifier.load(tmp_path / "out" / "model", device="cpu").predict(["7 yes", "4 no"])[0] == ["1", "0"]
    assert read_json(tmp_path / "out" / "adapter" / "adapter_config.json")["modules_to_save"] == ["score"]


def test_peft_loads_the_adapter_and_says_the_same(model_folder, tmp_path):
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    model = opened(model_folder)
    adapted = shaken(model)
    lora.export(tmp_path, model, OPTIONS)
    base = transformers.AutoModelForCausalLM.from_pretrained(model_folder)
    theirs = peft.PeftModel.from_pretrained(base, tmp_path).eval()
    with torch.no_grad():
        ours = model.logits(adapted(IDS))
        assert torch.allclose(theirs(IDS).logits, ours, atol=1e-4)
