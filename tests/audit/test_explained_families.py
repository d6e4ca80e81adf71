"""Words of every family's answer are attributed, the parts add up, and captum finds the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from groundup.audit.attribution import METHODS, Explained, integrated_gradients
from groundup.audit.explain import explain
from groundup.audit.explain_page import render
from groundup.audit.through import label_reader, reader_for
from groundup.core.errors import UsageError
from groundup.finetune.heads import Headed, save_head
from groundup.model import build, bundle
from groundup.model.options import ModelOptions
from groundup.model.presets import resolve
from groundup.tokenizer import Tokenizer

TINY = {"depth": 2, "width": 32, "num_heads": 2, "context_length": 64}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["tiny"], kind="bytes")


def shaken(tokenizer: Tokenizer, **options: Any) -> Any:
    """A small model that does look at its prompt: the output matrices of a new one are zero."""
    module = build(resolve(ModelOptions.model_validate({**TINY, **options}), tokenizer.vocabulary_size), seed=1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return module.eval()


def asked(tokenizer: Tokenizer, family: str) -> Explained:
    special = tokenizer.special
    if family == "classifier":
        headed = Headed(shaken(tokenizer, family="bert"), 3).eval()
        with torch.no_grad():
            headed.head.weight.mul_(50)
        ids = [special["<|cls|>"], *tokenizer.encode("a film"), special["<|sep|>"]]
        return Explained(headed, ids, [2], [0], read=label_reader(headed))
    model = shaken(tokenizer, family=family, **({"position": "relative"} if family == "encoder_decoder" else {}))
    ids = list(tokenizer.encode("a film of"))
    movable = [True] * len(ids)
    if family == "bert":
        ids, movable = [*ids, special["<|mask|>"], special["<|mask|>"]], [*movable, False, False]
    return Explained(model, ids, list(tokenizer.encode("ox")), movable=movable, read=reader_for(model, special))


FAMILIES = ("gpt", "bert", "encoder_decoder", "classifier")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_add_up_in_every_family(tokenizer: Tokenizer, family: str) -> None:
    one = asked(tokenizer, family)
    found = integrated_gradients(one)
    assert found.residual is not None and found.residual < 0.01 and abs(found.scores_T).max() > 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_captum_agrees_in_every_family(tokenizer: Tokenizer, family: str) -> None:
    captum = pytest.importorskip("captum.attr")
    one = asked(tokenizer, family)
    x, baseline = one.x_TD[None], one.baseline_TD[None]
    ours = integrated_gradients(one, steps=16, most=16).scores_T
    theirs = captum.IntegratedGradients(one.value).attribute(x, baselines=baseline, n_steps=16, method="gausslegendre")
    assert ours == pytest.approx(theirs.sum(-1)[0].detach().numpy(), abs=1e-3)
    theirs = captum.InputXGradient(one.value).attribute(x.clone().requires_grad_(True)).sum(-1)[0] * one.movable_T
    assert METHODS["gradient_x_input"](one).scores_T == pytest.approx(theirs.detach().numpy(), abs=1e-3)


@pytest.mark.parametrize("family, position", [("bert", "learned"), ("encoder_decoder", "relative")])
def test_a_model_that_was_read_from_a_folder_is_explained(
    tokenizer: Tokenizer, tmp_path: Path, family: str, position: str
) -> None:
    bundle.save(tmp_path / "model", shaken(tokenizer, family=family, position=position), tokenizer)
    opened = bundle.load(tmp_path / "model", device="cpu")
    prompt = "a [MASK] film" if family == "bert" else "a film"
    found = explain(opened, prompt)
    assert found.target and found.layers == [] and found.decided_at is None and 0 < found.probability <= 1
    assert {one.method for one in found.blames} == set(METHODS)
    assert "Which layer" not in render(found) and "Which words" in render(found)


def test_a_classifier_explains_its_label(tokenizer: Tokenizer, tmp_path: Path) -> None:
    headed = Headed(shaken(tokenizer, family="bert"), 2)
    save_head(tmp_path / "model", headed, tokenizer, "classify", {"labels": ["good", "bad"]})
    opened = bundle.load(tmp_path / "model", device="cpu")
    one, other = (explain(opened, "a film", a, contrast=b) for a, b in (("good", "bad"), ("bad", "good")))
    assert one.target == "good" and one.probability + other.probability == pytest.approx(1, abs=1e-5)
    assert explain(opened, "a film").target in ("good", "bad")
    with pytest.raises(UsageError, match="none of the classifier's labels"):
        explain(opened, "a film", "god")


def test_an_encoder_needs_a_gap(tokenizer: Tokenizer, tmp_path: Path) -> None:
    bundle.save(tmp_path / "model", shaken(tokenizer, family="bert"), tokenizer)
    with pytest.raises(UsageError, match="the prompt has none"):
        explain(bundle.load(tmp_path / "model", device="cpu"), "a film")
    with pytest.raises(UsageError, match="2 gaps for an answer of 1"):
        explain(bundle.load(tmp_path / "model", device="cpu"), "a[MASK][MASK] film", "x")
