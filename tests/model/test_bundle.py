"""The model folder: what we write others open, and damaged folders are refused with a reason."""

import json

import pytest
import torch

from groundup.core.errors import ArtifactError
from groundup.model import bundle
from groundup.model.config import ModelConfig
from groundup.model.families import build
from groundup.model.presets import from_depth

TINY = ModelConfig(
    vocabulary_size=97,
    depth=2,
    width=32,
    num_heads=4,
    num_kv_heads=2,
    head_dim=16,
    feedforward_width=64,
    context_length=32,
)


def random_weights(module):
    """Zero-initialised writers would hide errors; give every tensor some noise."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return module


@pytest.mark.parametrize("tied", [True, False])
def test_transformers_opens_our_folder_with_the_same_logits(tmp_path, tied):
    transformers = pytest.importorskip("transformers")
    config = from_depth(2, 97, width=32, num_heads=4, head_dim=16, num_kv_heads=2, context_length=32, tied=tied)
    module = random_weights(build(config, seed=1))
    bundle.save(tmp_path, module)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ids = torch.randint(0, 97, (2, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours_BTV, theirs_BTV = module.logits(module(ids)), theirs(ids).logits
    assert theirs_BTV.std() > 0.1
    torch.testing.assert_close(ours_BTV, theirs_BTV, atol=1e-4, rtol=0)


def test_we_open_what_transformers_wrote(tmp_path):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.Qwen3ForCausalLM(
        transformers.Qwen3Config(
            vocab_size=50,
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=16,
            tie_word_embeddings=True,
            max_position_embeddings=64,
        )
    ).eval()
    theirs.save_pretrained(tmp_path)
    opened = bundle.load(tmp_path, "cpu")
    ids = torch.arange(20).view(1, 20)
    with torch.no_grad():
        torch.testing.assert_close(opened.model.logits(opened.model(ids)), theirs(ids).logits, atol=1e-4, rtol=0)


def test_saved_and_loaded_is_the_same_model(tmp_path):
    module = random_weights(build(TINY, seed=1))
    bundle.save(tmp_path, module, card_text="# A card\n")
    opened = bundle.load(tmp_path, "cpu")
    assert opened.config == TINY
    assert (tmp_path / "README.md").read_text() == "# A card\n"
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, opened.model.state_dict()[name])
    assert not opened.model.training


def _cut_weights(folder):
    data = (folder / bundle.WEIGHTS).read_bytes()
    (folder / bundle.WEIGHTS).write_bytes(data[: len(data) // 2])


def _change_config(**changes):
    def damage(folder):
        values = json.loads((folder / bundle.CONFIG).read_text())
        (folder / bundle.CONFIG).write_text(json.dumps({**values, **changes}))

    return damage


def _pickle_only(folder):
    (folder / bundle.WEIGHTS).rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / bundle.CONFIG).unlink(), "no model folder"),
        (lambda folder: (folder / bundle.CONFIG).write_text("{"), "cannot be read"),
        (lambda folder: (folder / bundle.WEIGHTS).unlink(), "holds no model.safetensors"),
        (_pickle_only, "never opened"),
        (_cut_weights, "safetensors"),
        (_change_config(hidden_size=64), "has the shape"),
        (_change_config(num_hidden_layers=3), "missing"),
        (_change_config(num_hidden_layers=1), "not of this model"),
        (_change_config(model_type="mamba"), "mamba"),
        (_change_config(hidden_act="gelu"), "hidden_act"),
    ],
)
def test_a_damaged_folder_is_refused_with_the_reason(tmp_path, damage, says):
    bundle.save(tmp_path, build(TINY, seed=1))
    damage(tmp_path)
    with pytest.raises(ArtifactError, match=says):
        bundle.load(tmp_path, "cpu")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    module = build(TINY, seed=1)
    with torch.no_grad():
        module.norm.weight[0] = float("nan")
    bundle.save(tmp_path, module)
    with pytest.raises(ArtifactError, match="not finite"):
        bundle.load(tmp_path, "cpu")
