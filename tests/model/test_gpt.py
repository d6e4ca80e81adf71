"""The default model: causal, cached equals uncached, documents do not see each other, seeds decide."""

import pytest
import torch
from torch.nn import functional as F

from groundup.core.errors import RecipeError
from groundup.model.config import ModelConfig
from groundup.model.families import build
from groundup.model.layers.blocked import blocked_attention
from groundup.model.layers.norm import RMSNorm
from groundup.model.layers.position import Rotary, plain_rotate, rotate
from groundup.model.options import ModelOptions
from groundup.model.plan import count
from groundup.model.presets import from_depth, resolve

CONFIG = from_depth(2, 61, width=32, num_heads=4, head_dim=8, num_kv_heads=2, context_length=24)


class ListCache:
    """The smallest thing with the cache protocol."""

    def __init__(self):
        self.length, self.layers = 0, {}

    def update(self, layer, k, v):
        if layer in self.layers:
            k, v = torch.cat((self.layers[layer][0], k), 2), torch.cat((self.layers[layer][1], v), 2)
        self.layers[layer] = (k, v)
        if layer == 1:
            self.length = k.shape[2]
        return k, v


@pytest.fixture
def module():
    module = build(CONFIG, seed=3)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return module.eval()


@pytest.fixture
def ids():
    return torch.randint(0, 61, (2, 24), generator=torch.Generator().manual_seed(1))


def test_no_token_sees_a_later_one(module, ids):
    changed = ids.clone()
    changed[:, 10:] = (changed[:, 10:] + 1) % 61
    torch.testing.assert_close(module(ids)[:, :10], module(changed)[:, :10])
    assert not torch.allclose(module(ids)[:, 10:], module(changed)[:, 10:])


@pytest.mark.parametrize("pieces", [[24], [10, 14], [23, 1], [1] * 24, [5, 1, 7, 11]])
def test_reading_in_pieces_with_a_cache_equals_reading_at_once(module, ids, pieces):
    cache, parts = ListCache(), []
    for piece in ids.split(pieces, dim=1):
        parts.append(module(piece, cache))
    torch.testing.assert_close(torch.cat(parts, 1), module(ids), atol=1e-5, rtol=1e-5)


def test_packed_documents_do_not_see_each_other(module, ids):
    documents = torch.zeros_like(ids)
    documents[:, 9:] = 1
    packed = module(ids, documents_BT=documents)
    # RoPE is relative: the second document alone gives the same hidden states at other positions.
    torch.testing.assert_close(packed[:, 9:], module(ids[:, 9:]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(packed[:, :9], module(ids[:, :9]), atol=1e-5, rtol=1e-5)


def test_the_seed_decides_the_weights():
    one, same, other = (build(CONFIG, seed=seed).state_dict() for seed in (1, 1, 2))
    name = "blocks.0.attention.query.weight"
    assert torch.equal(one[name], same[name])
    assert not torch.equal(one[name], other[name])


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    build(CONFIG, seed=1)
    assert torch.equal(before, torch.get_rng_state())


def test_the_first_loss_is_near_the_logarithm_of_the_vocabulary(ids):
    module = build(CONFIG, seed=1)
    logits = module.logits(module(ids))
    loss = F.cross_entropy(logits[:, :-1].reshape(-1, 61), ids[:, 1:].reshape(-1))
    assert abs(loss.item() - torch.log(torch.tensor(61.0)).item()) < 0.1


def test_the_fast_norm_equals_the_plain_one_with_its_gradients():
    torch.manual_seed(0)
    fast = RMSNorm(16, 1e-6).double()
    with torch.no_grad():
        fast.weight.normal_()
    x = torch.randn(2, 5, 3, 16, dtype=torch.double, requires_grad=True)
    plain = F.rms_norm(x, (16,), fast.weight, 1e-6)
    up = torch.randn_like(plain)
    torch.testing.assert_close(fast(x), plain)
    theirs = torch.autograd.grad((plain * up).sum(), (x, fast.weight))
    ours = torch.autograd.grad((fast(x) * up).sum(), (x, fast.weight))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("length", [2, 5, 64, 65, 200, 300])
def test_blocked_attention_equals_the_plain_one_with_its_gradients(length):
    torch.manual_seed(0)
    qkv = [torch.randn(2, length, 3, 8, dtype=torch.double).transpose(1, 2).requires_grad_() for _ in range(3)]
    fast, plain = blocked_attention(*qkv), F.scaled_dot_product_attention(*qkv, is_causal=True)
    up = torch.randn_like(plain)
    torch.testing.assert_close(fast, plain)
    ours, theirs = torch.autograd.grad((fast * up).sum(), qkv), torch.autograd.grad((plain * up).sum(), qkv)
    torch.testing.assert_close(ours, theirs)


def test_the_fast_rotation_equals_the_plain_one_with_its_gradient():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 7, 8, dtype=torch.double, requires_grad=True)
    cos, sin = Rotary(8, 100.0)(4, 7, x)
    fast, plain, up = rotate(x, cos, sin), plain_rotate(x, cos, sin), torch.randn(2, 3, 7, 8, dtype=torch.double)
    torch.testing.assert_close(fast, plain)
    torch.testing.assert_close(torch.autograd.grad((fast * up).sum(), x), torch.autograd.grad((plain * up).sum(), x))


@pytest.mark.parametrize("tied", [True, False])
def test_the_plan_counts_what_is_built(tied):
    config = from_depth(3, 500, tied=tied)
    assert count(config).parameters == build(config, seed=1).num_parameters()


@pytest.mark.parametrize(
    ("depth", "width", "head_dim", "context"),
    [(4, 128, 32, 256), (5, 160, 32, 256), (6, 288, 32, 256), (12, 768, 64, 2048), (20, 1280, 128, 2048)],
)
def test_depth_is_the_one_dial(depth, width, head_dim, context):
    config = resolve(ModelOptions(depth=depth), 2048)
    assert (config.width, config.head_dim, config.context_length) == (width, head_dim, context)
    assert config.num_heads * config.head_dim == config.width


def test_options_overrule_the_preset():
    config = resolve(ModelOptions(depth=4, width=96, num_heads=3, num_kv_heads=1, context_length=64, tied=False), 300)
    assert (config.width, config.num_heads, config.num_kv_heads, config.head_dim) == (96, 3, 1, 32)
    assert (config.context_length, config.tied, config.vocabulary_size) == (64, False, 300)


def test_heads_that_do_not_divide_are_refused_with_the_choices():
    with pytest.raises(RecipeError, match="Take one of: 1, 2, 4"):
        resolve(ModelOptions(depth=4, num_kv_heads=3), 300)


def test_a_given_model_brings_its_own_shape():
    with pytest.raises(ValueError, match="leave out: depth"):
        ModelOptions(**{"from": "hf:owner/name", "depth": 4})


def test_config_goes_through_json_and_the_hf_form():
    assert ModelConfig.from_dict(CONFIG.to_dict()) == CONFIG
    assert ModelConfig.from_hf(CONFIG.to_hf()) == CONFIG


def test_a_model_that_wrote_text_can_still_be_trained() -> None:
    """Tables made while generating (inference mode) must not stand in the way of gradients."""
    model = build(CONFIG, seed=3)
    ids_BT = torch.arange(8)[None]
    with torch.inference_mode():
        model(ids_BT)
    model(ids_BT).sum().backward()
    assert next(model.parameters()).grad is not None
