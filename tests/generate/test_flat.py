"""The flat decoder computes what the model computes; rounded weights lose little, and no row depends on another."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from groundup.core.errors import UsageError
from groundup.generate import Engine, Sampling
from groundup.generate.flat import Flat, flatten, quality_loss
from groundup.generate.scoring import token_logprobs
from groundup.model.config import ModelConfig
from groundup.model.convert import gpt2, llama
from groundup.model.families.custom import Custom
from groundup.model.families.gpt import GPT

SHAPE: dict[str, Any] = {
    "vocabulary_size": 288,
    "depth": 2,
    "width": 64,
    "num_heads": 4,
    "num_kv_heads": 2,
    "head_dim": 16,
    "feedforward_width": 128,
    "context_length": 48,
}
LAYOUTS: dict[str, tuple[type, dict[str, Any]]] = {
    "qwen3": (GPT, {}),
    "llama": (Custom, {"family": "custom", **llama.PARTS, "tied": False}),
    "gpt2": (Custom, {"family": "custom", **gpt2.PARTS, "num_kv_heads": 4}),
}
rounded = pytest.mark.skipif(
    torch.backends.quantized.engine not in ("x86", "fbgemm"), reason="no products of 8 bits on this processor"
)


@pytest.fixture(params=list(LAYOUTS))
def model(request) -> Any:
    family, parts = LAYOUTS[request.param]
    torch.manual_seed(5)
    made = family(ModelConfig(**{**SHAPE, **parts})).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, mean=float(parameter.dim() == 1), std=0.2)
    return made


def test_flat_is_the_same_computation(model, tokenizer, prompts):
    before = copy.deepcopy(model)
    flat = flatten(model)
    assert isinstance(flat, Flat)
    ids = torch.tensor([prompts[1] * 2])
    with torch.inference_mode():
        torch.testing.assert_close(flat.logits(flat(ids)), before.logits(before(ids)), atol=2e-4, rtol=1e-4)
        torch.testing.assert_close(model.logits(model(ids)), before.logits(before(ids)))  # the model goes on as it was
    for sampling in (Sampling(max_tokens=12, ignore_end=True), Sampling(max_tokens=12, temperature=1.0, seed=2)):
        plain = Engine(SimpleNamespace(model=before, tokenizer=tokenizer)).generate(prompts, sampling)
        quick = Engine(SimpleNamespace(model=flat, tokenizer=tokenizer)).generate(prompts, sampling)
        assert [one.ids for one in quick] == [one.ids for one in plain]


def test_nothing_lies_in_memory_twice(model):
    flat = flatten(model)
    attention = model.blocks[0].attention
    assert attention.key.weight.untyped_storage().data_ptr() == flat.blocks[0].qkv.weight.untyped_storage().data_ptr()
    assert model.embedding.tokens.weight.data_ptr() == flat.tokens.weight.data_ptr()


@rounded
@pytest.mark.parametrize(("weights", "most"), [("bf16", 0.05), ("int8", 0.08), ("int4", 0.6)])
def test_rounded_weights_lose_little(model, weights, most):
    ids = [n * 7 % 250 + 30 for n in range(90)]
    as_is, lost = quality_loss(model, flatten(copy.deepcopy(model), weights), ids, 90)
    # A loud random model is far harder to round than a trained one: its logits are some ten units apart.
    assert abs(lost - as_is) < most * as_is


@rounded
@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_a_rounded_row_does_not_depend_on_its_company(model, weights):
    quick = flatten(model, weights)
    loud = torch.full((1, 6), 40)
    row = torch.tensor([[50, 60, 70, 80, 90, 100]])
    with torch.inference_mode():
        alone, together = quick(row), quick(torch.cat((loud, row, loud)))
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-5)


@rounded
def test_the_engine_and_scoring_take_rounded_models(model, tokenizer, prompts):
    quick = flatten(model, "int8")
    engine = Engine(SimpleNamespace(model=quick, tokenizer=tokenizer))
    made = engine.generate(prompts, Sampling(max_tokens=6, ignore_end=True))
    assert all(len(one.ids) == 6 for one in made)
    assert np.isfinite(token_logprobs(quick, prompts[1])[1:]).all()


def test_what_is_not_known_stays_as_it_is_or_says_so():
    parts = {**llama.PARTS, "window": 8}
    model = Custom(ModelConfig(**{**SHAPE, "family": "custom", **parts})).eval()
    assert flatten(model) is model
    with pytest.raises(UsageError, match="a window is not laid flat"):
        flatten(model, "int8")
    with pytest.raises(UsageError, match="Did you mean 'int8'"):
        flatten(model, "int9")


def test_a_sliding_window_writes_what_the_full_pass_says(tokenizer, prompts):
    torch.manual_seed(6)
    parts = {**llama.PARTS, "window": 5}
    model = Custom(ModelConfig(**{**SHAPE, "family": "custom", **parts})).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, mean=float(parameter.dim() == 1), std=0.3)
    made = Engine(SimpleNamespace(model=model, tokenizer=tokenizer)).generate(
        prompts, Sampling(max_tokens=14, ignore_end=True)
    )
    for prompt, one in zip(prompts, made, strict=True):
        ids = list(prompt)
        with torch.inference_mode():
            for _ in range(14):
                ids.append(int(model.logits(model(torch.tensor([ids])))[0, -1].argmax()))
        assert one.ids == ids[len(prompt) :]
