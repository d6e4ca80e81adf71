"""Every layout: what we write transformers opens, what it writes we open, with the same logits."""

import pytest
import torch

from groundup.core.errors import ArtifactError
from groundup.model import bundle
from groundup.model.families import build
from groundup.model.options import ModelOptions
from groundup.model.presets import resolve

V = 61
SMALL = {"depth": 2, "width": 32, "num_heads": 4, "context_length": 24}
GPT2 = {"family": "custom", "norm": "layer", "position": "learned", "feedforward": "gelu_tanh", "bias": True}
CASES = {
    "bert": {"family": "bert"},
    "t5": {"family": "encoder_decoder", "position": "relative"},
    "t5-1.1": {"family": "encoder_decoder", "position": "relative", "feedforward": "geglu", "tied": False},
    "gpt2": {**GPT2, "qk_norm": False},
    "llama": {"family": "custom", "qk_norm": False, "num_kv_heads": 2, "tied": False},
}
CLASSES = {
    "bert": "BertForPreTraining",
    "t5": "T5ForConditionalGeneration",
    "t5-1.1": "T5ForConditionalGeneration",
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
}


def config_of(**table):
    return resolve(ModelOptions(**{**SMALL, **table}), V)


def noisy(module):
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return module.eval()


IDS = torch.randint(0, V, (2, 20), generator=torch.Generator().manual_seed(0))
REAL = torch.arange(20) < torch.tensor([[20], [13]])
SEGMENTS = (torch.arange(20) > 9).long().expand(2, -1)


@torch.no_grad()
def ours_of(module):
    if module.config.family == "bert":
        hidden = module(IDS, real_BT=REAL, segments_BT=SEGMENTS)
        return [module.logits(hidden)[REAL], module.follows(hidden)]
    if module.config.family == "encoder_decoder":
        return [module.logits(module(IDS[:, :9], source_BS=IDS, source_real_BS=REAL))]
    return [module.logits(module(IDS))]


@torch.no_grad()
def theirs_of(model):
    if model.config.model_type == "bert":
        made = model(IDS, attention_mask=REAL.long(), token_type_ids=SEGMENTS)
        return [made.prediction_logits[REAL], made.seq_relationship_logits]
    if model.config.model_type == "t5":
        return [model(input_ids=IDS, attention_mask=REAL.long(), decoder_input_ids=IDS[:, :9]).logits]
    return [model(IDS).logits]


@pytest.mark.parametrize("name", CASES)
def test_written_by_us_and_by_them_the_logits_are_the_same(tmp_path, name):
    transformers = pytest.importorskip("transformers")
    module = noisy(build(config_of(**CASES[name]), seed=1))
    bundle.save(tmp_path / "ours", module)
    theirs = getattr(transformers, CLASSES[name]).from_pretrained(tmp_path / "ours", dtype=torch.float32).eval()
    for ours_V, theirs_V in zip(ours_of(module), theirs_of(theirs), strict=True):
        assert theirs_V.std() > 0.01
        torch.testing.assert_close(ours_V, theirs_V, atol=1e-4, rtol=0)
    theirs.save_pretrained(tmp_path / "theirs")
    opened = bundle.load(tmp_path / "theirs", "cpu")
    assert opened.config.family == module.config.family
    for ours_V, again_V in zip(ours_of(module), ours_of(opened.model), strict=True):
        torch.testing.assert_close(ours_V, again_V, atol=1e-6, rtol=0)


def test_a_mix_nobody_else_has_is_saved_in_our_own_layout(tmp_path):
    config = config_of(family="custom", position="alibi", num_experts=3, feedforward="relu2", logit_softcap=15.0)
    module = noisy(build(config, seed=1))
    bundle.save(tmp_path, module)
    opened = bundle.load(tmp_path, "cpu")
    assert opened.config == config
    assert torch.equal(ours_of(module)[0], ours_of(opened.model)[0])


def test_the_original_transformer_comes_back_from_its_folder(tmp_path):
    module = noisy(build(config_of(family="encoder_decoder"), seed=1))
    bundle.save(tmp_path, module)
    assert torch.equal(ours_of(module)[0], ours_of(bundle.load(tmp_path, "cpu").model)[0])


def test_a_t5_with_another_activation_is_refused(tmp_path):
    import json

    bundle.save(tmp_path, build(config_of(**CASES["t5"]), seed=1))
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**values, "feed_forward_proj": "gated-silu"}))
    with pytest.raises(ArtifactError, match="gated-silu"):
        bundle.load(tmp_path, "cpu")
