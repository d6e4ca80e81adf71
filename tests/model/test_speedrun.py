"""The speedrun family: each ingredient alone and all together are causal, cached and packed as without."""

import pytest
import torch

from groundup.generate.cache import cache_for, forward
from groundup.model import bundle
from groundup.model.families import build
from groundup.model.rules import EXTRAS
from groundup.train.objectives import causal
from tests.model.test_layouts import IDS, V, config_of, noisy

EXTRA_SETS = [[], *([name] for name in EXTRAS), list(EXTRAS)]
WINDOWS = [{"window": 0, "global_every": 0}, {"window": 6, "global_every": 2, "depth": 3}]


@pytest.fixture(params=EXTRA_SETS, ids=lambda extras: "+".join(extras) or "none")
def extras(request):
    return request.param


@pytest.mark.parametrize("windows", WINDOWS, ids=["whole", "windows"])
def test_every_ingredient_is_causal_and_cached_as_without(extras, windows):
    module = noisy(build(config_of(family="speedrun", extras=extras, **windows), seed=1))
    with torch.no_grad():
        whole = module(IDS)
        changed = torch.cat((IDS[:, :10], (IDS[:, 10:] + 1) % V), 1)
        torch.testing.assert_close(module(changed)[:, :10], whole[:, :10])
        cache = cache_for(module, 2)
        pieces = torch.cat([forward(module, piece, cache) for piece in IDS.split([7, 1, 12], 1)], 1)
    torch.testing.assert_close(pieces, whole, atol=1e-4, rtol=1e-4)


def test_packed_documents_do_not_see_each_other(extras):
    module = noisy(build(config_of(family="speedrun", extras=extras, window=6), seed=1))
    documents = (torch.arange(20) > 8).long().expand(2, -1)
    with torch.no_grad():
        packed, alone = module(IDS, documents_BT=documents)[:, 9:], module(IDS[:, 9:])
    torch.testing.assert_close(packed, alone, atol=1e-5, rtol=1e-4)


def test_every_number_learns(extras):
    module = build(config_of(family="speedrun", extras=extras), seed=1)
    with torch.no_grad():  # what starts at zero hides what lies before it
        for parameter in module.parameters():
            parameter.add_(0.1)
    causal(module, {"ids_BT": IDS[:, :-1], "targets_BT": IDS[:, 1:]}).loss.backward()
    silent = [
        name for name, parameter in module.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert silent == []


def test_the_first_guess_is_that_all_words_are_as_likely():
    module = build(config_of(family="speedrun"), seed=1)
    made = causal(module, {"ids_BT": IDS[:, :-1], "targets_BT": IDS[:, 1:]})
    assert float(made.loss.detach()) / made.count == pytest.approx(torch.log(torch.tensor(float(V))).item(), abs=0.05)


def test_rows_of_different_lengths_remember_their_own_last_token():
    """Smear and pairs look one token back, also where a cache holds rows of different lengths."""
    module = noisy(build(config_of(family="speedrun", extras=["smear", "bigrams"]), seed=1))
    with torch.no_grad():
        cache = cache_for(module, 2)
        forward(module, IDS[:, :8], cache)
        cache.set_lengths([8, 5])
        made = forward(module, IDS[:, 8:9], cache)
        first, second = module(IDS[:1, :9]), module(torch.cat((IDS[1:, :5], IDS[1:, 8:9]), 1))
    torch.testing.assert_close(made[0, 0], first[0, -1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(made[1, 0], second[0, -1], atol=1e-4, rtol=1e-4)


def test_it_comes_back_from_its_folder(tmp_path):
    module = noisy(build(config_of(family="speedrun", extras=list(EXTRAS)), seed=1))
    bundle.save(tmp_path, module)
    opened = bundle.load(tmp_path, "cpu")
    assert opened.config == module.config
    with torch.no_grad():
        assert torch.equal(opened.model(IDS), module(IDS))
