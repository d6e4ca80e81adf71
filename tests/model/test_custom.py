"""Any mix of parts: causal, cached equals uncached, counted by the plan; what cannot be mixed is refused."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.errors import RecipeError
from groundup.generate.cache import cache_for, forward
from groundup.model.families import build
from groundup.model.layers.experts import Experts
from groundup.model.layers.feedforward import feedforwards
from groundup.model.layers.norm import norms
from groundup.model.layers.places import places
from groundup.model.options import ModelOptions
from groundup.model.plan import count
from groundup.model.presets import resolve
from groundup.model.rules import EXTRAS
from groundup.model.shapes import SHAPES
from groundup.train.objectives import causal
from tests.model.test_gpt import ListCache
from tests.model.test_layouts import IDS, V, config_of, noisy

MIXES = [
    *({"norm": name} for name in norms),
    *({"position": name} for name in places),
    *({"feedforward": name} for name in feedforwards),
    {"norm": "layer", "norm_place": "post", "position": "sinusoidal", "bias": True, "qk_norm": False},
    {"num_kv_heads": 1, "window": 5, "position": "alibi"},
    {"attention_softcap": 5.0, "logit_softcap": 4.0, "tied": False, "position": "relative"},
    {"num_experts": 3, "bias": True, "norm": "none"},
]


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_every_mix_is_causal_cached_and_counted(mix):
    config = config_of(family="custom", **mix)
    module = noisy(build(config, seed=1))
    assert count(config).parameters == module.num_parameters()
    with torch.no_grad():
        whole = module(IDS)
        changed = IDS.clone()
        changed[:, 10:] = (changed[:, 10:] + 1) % V
        torch.testing.assert_close(module(changed)[:, :10], whole[:, :10])
        cache = ListCache()
        pieces = torch.cat([module(piece, cache) for piece in IDS.split([7, 1, 12], dim=1)], 1)
    torch.testing.assert_close(pieces, whole, atol=1e-4, rtol=1e-4)


ATTENTIONS = st.sampled_from(
    [
        {},  # multi-head
        {"num_kv_heads": 2},
        {"num_kv_heads": 1, "window": 5},
        {"window": 6, "global_every": 2},
        {"qk_norm": False, "attention_softcap": 5.0},
        {"qk_norm_whole": True, "num_kv_heads": 2},
    ]
)
POSITIONS = st.sampled_from(
    [
        *({"position": name} for name in places),
        {"position": "rope", "nope_every": 2},
        {"position": "rope", "rope_scaling": "linear", "rope_factor": 4.0},
        {"position": "rope", "rope_scaling": "llama3", "rope_factor": 4.0, "rope_original": 12},
        {"position": "rope", "rope_scaling": "yarn", "rope_factor": 2.0, "rope_original": 12},
    ]
)
FEEDFORWARDS = st.one_of(
    st.sampled_from([{"feedforward": name} for name in feedforwards]),
    st.sampled_from([{"feedforward": name, "num_experts": 3} for name in ("swiglu", "relu2", "gelu")]),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    norm=st.sampled_from(list(norms)),
    norm_place=st.sampled_from(["pre", "post", "branch"]),
    position=POSITIONS,
    attention=ATTENTIONS,
    feedforward=FEEDFORWARDS,
    flags=st.fixed_dictionaries({"bias": st.booleans(), "tied": st.booleans()}),
    softcap=st.sampled_from([0.0, 4.0]),
)
def test_any_mix_learns_is_causal_and_writes_with_a_cache_as_without(
    norm, norm_place, position, attention, feedforward, flags, softcap
):
    place = "pre" if norm == "none" else norm_place
    mix = {"norm": norm, "norm_place": place, **position, **attention, **feedforward, **flags, "logit_softcap": softcap}
    config = config_of(family="custom", width=16, **mix)
    module = noisy(build(config, seed=1))
    assert count(config).parameters == module.num_parameters()
    made = causal(module.train(), {"ids_BT": IDS[:, :-1], "targets_BT": IDS[:, 1:]})
    made.loss.backward()
    grads = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    assert torch.isfinite(made.loss) and all(grad.isfinite().all() for grad in grads)
    module.eval()
    with torch.no_grad():
        whole = module(IDS)
        changed = torch.cat((IDS[:, :12], (IDS[:, 12:] + 1) % V), 1)
        torch.testing.assert_close(module(changed)[:, :12], whole[:, :12], atol=1e-4, rtol=1e-4)
        cache = cache_for(module, 2)
        pieces = torch.cat([forward(module, piece, cache) for piece in IDS.split([7, 1, 12], dim=1)], 1)
    torch.testing.assert_close(pieces, whole, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    "table",
    [
        {"family": "bert"},
        {"family": "bert", "position": "rope", "depth": 4, "window": 8, "global_every": 3},
        {"family": "encoder_decoder", "decoder_depth": 3},
        {"family": "encoder_decoder", "decoder_depth": 3, "position": "relative", "feedforward": "geglu"},
        *({"family": "speedrun", "depth": 3, "extras": [name]} for name in EXTRAS),
        {"family": "speedrun", "extras": list(EXTRAS), "num_kv_heads": 2},
    ],
    ids=str,
)
def test_the_plan_counts_the_other_families(table):
    config = config_of(**table)
    assert count(config).parameters == build(config, seed=1).num_parameters()


def test_a_window_hides_what_lies_further_back():
    module = noisy(build(config_of(family="custom", depth=1, window=4), seed=1))
    changed = IDS.clone()
    changed[:, 5] = (changed[:, 5] + 1) % V
    with torch.no_grad():
        moved = (module(IDS) - module(changed)).abs().amax((0, 2)) > 1e-5
    assert moved.nonzero().flatten().tolist() == [5, 6, 7, 8]


def test_packed_documents_do_not_see_each_other():
    module = noisy(build(config_of(family="custom", position="alibi"), seed=1))
    documents = (torch.arange(20) > 8).long().expand(2, -1)
    with torch.no_grad():
        torch.testing.assert_close(module(IDS, documents_BT=documents)[:, 9:], module(IDS[:, 9:]), atol=1e-5, rtol=1e-4)


def test_all_experts_chosen_are_their_weighted_sum():
    config = config_of(family="custom", num_experts=3, experts_per_token=3)
    layer = Experts(config)
    x = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    weights = layer.router(x).softmax(-1)
    slow = sum(weights[..., n : n + 1] * expert(x) for n, expert in enumerate(layer.experts))
    torch.testing.assert_close(layer(x), slow)


def test_the_balance_of_experts_joins_the_loss_and_moves_the_router():
    module = build(config_of(family="custom", num_experts=4), seed=1)
    made = causal(module, {"ids_BT": IDS[:, :-1], "targets_BT": IDS[:, 1:]})
    assert made.parts["auxiliary_loss"] == pytest.approx(0.02, rel=0.3)  # two layers, nearly even: 0.01 each
    made.loss.backward()
    assert module.blocks[0].feedforward.router.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"norm": "layer"}, 'take family = "custom"'),
        ({"family": "custom", "norm": "rmss"}, "Did you mean 'rms'"),
        ({"family": "custom", "norm": "none", "norm_place": "post"}, "nothing to place"),
        ({"family": "custom", "window": 25}, "within the context of 24"),
        ({"family": "custom", "num_experts": 2, "experts_per_token": 3}, "Take 1 to 2"),
        ({"family": "custom", "num_experts": 1}, "no choice"),
        ({"family": "custom", "num_heads": 32}, "must be even"),
        ({"family": "bert", "position": "alibi"}, "one layout"),
        ({"family": "bert", "position": "rope", "bias": True}, "ModernBERT's layout"),
        ({"family": "custom", "global_every": 2}, "there is no window"),
        ({"family": "custom", "position": "alibi", "nope_every": 2}, "only rope"),
        ({"family": "custom", "rope_scaling": "llama"}, "Did you mean 'llama3'"),
        ({"family": "custom", "rope_scaling": "yarn", "rope_factor": 2.0}, "needs the context"),
        ({"family": "custom", "qk_norm": False, "qk_norm_whole": True}, "says how qk_norm is taken"),
        ({"family": "speedrun", "extras": ["smeer"]}, "Did you mean 'smear'"),
        ({"family": "speedrun", "num_experts": 4}, 'take family = "custom"'),
        ({"family": "speedrun", "dropout": 0.1}, "not part of the family"),
        ({"family": "encoder_decoder", "position": "rope"}, "sinusoidal"),
        ({"preset": "gpt-2"}, "Did you mean 'gpt2'"),
    ],
)
def test_what_cannot_be_mixed_is_refused_with_the_repair(table, says):
    with pytest.raises(RecipeError, match=says):
        config_of(**table)


def test_presets_have_the_published_sizes():
    def millions(name, vocabulary_size):
        return count(resolve(ModelOptions(preset=name), vocabulary_size)).parameters / 1e6

    assert millions("gpt2", 50_257) == pytest.approx(124.44, abs=0.01)
    assert millions("gpt2-xl", 50_257) == pytest.approx(1557.6, abs=0.1)
    assert millions("t5-small", 32_128) == pytest.approx(60.5, abs=0.1)
    assert millions("bert-base", 30_522) == pytest.approx(110.1, abs=0.1)
    assert millions("smollm2-135m", 49_152) == pytest.approx(134.5, abs=0.1)
    assert millions("gpt3-175b", 50_257) == pytest.approx(174_600, rel=0.01)
    assert millions("qwen3-0.6b", 151_936) == pytest.approx(596.05, abs=0.1)


def test_every_preset_is_a_valid_config():
    assert all(resolve(ModelOptions(preset=name), 1000).depth == shape["depth"] for name, shape in SHAPES.items())
