"""Reading and writing halves: nothing ahead is seen, filled-up places are not seen, beams find what greedy misses."""

import itertools
from types import SimpleNamespace

import pytest
import torch

from groundup.model.beam import beam_search, greedy, penalty
from groundup.model.families import build
from tests.model.test_layouts import IDS, REAL, V, config_of, noisy


@pytest.fixture(params=["sinusoidal", "relative"])
def module(request):
    return noisy(build(config_of(family="encoder_decoder", position=request.param), seed=1))


@torch.no_grad()
def test_the_target_sees_the_source_and_nothing_ahead(module):
    target = IDS[:, :9]
    changed = target.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % V
    whole = module(target, source_BS=IDS)
    torch.testing.assert_close(module(changed, source_BS=IDS)[:, :5], whole[:, :5])
    assert not torch.allclose(module(target, source_BS=IDS.flip(1)), whole, atol=1e-3)


@torch.no_grad()
def test_filled_up_places_change_nothing(module):
    filled = module(IDS[:, :9], source_BS=IDS, source_real_BS=REAL)
    alone = module(IDS[1:, :9], source_BS=IDS[1:, :13])
    torch.testing.assert_close(filled[1:], alone, atol=1e-5, rtol=1e-4)


class Table:
    """A toy that writes from a table of probabilities: next token given the ones before."""

    def __init__(self, size, seed):
        self.size, self.seed = size, seed
        self.config = SimpleNamespace(family="encoder_decoder")

    def encode(self, source_BS, source_real_BS=None):
        return torch.zeros(len(source_BS), 1, 1)

    def decode(self, ids_BT, memory_BSD, source_real_BS=None):
        rows = [self.row(tuple(ids[1:])) for ids in ids_BT.tolist()]
        return torch.stack(rows).unsqueeze(1)

    def row(self, ids):
        generator = torch.Generator().manual_seed(hash((self.seed, *ids)) % 2**31)
        return 2 * torch.randn(self.size, generator=generator)

    def logits(self, hidden):
        return hidden


def best_of_all(table, limit, alpha, end):
    """The best finished text by trying every one."""
    found = []
    for length in range(limit):
        for ids in itertools.product(range(1, table.size), repeat=length):
            total = sum(float(table.row(ids[:at]).log_softmax(-1)[token]) for at, token in enumerate([*ids, end]))
            found.append((total / penalty(length + 1, alpha), list(ids)))
    return max(found)


@pytest.mark.parametrize("seed", range(4))
def test_enough_beams_find_the_best_text_of_all(seed):
    table, source = Table(4, seed), torch.zeros(3, dtype=torch.long)
    score, ids = best_of_all(table, 4, 0.6, end=0)
    found = beam_search(table, source, start_id=1, end_id=0, limit=4, beams=64)
    ended = [written for written in found if written.ended]
    assert ended[0].ids == ids
    assert ended[0].score == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_one_beam_is_never_worse_than_greedy(seed):
    table, source = Table(5, seed), torch.zeros(3, dtype=torch.long)
    (one,) = beam_search(table, source, start_id=1, end_id=0, limit=40, beams=1, alpha=0.0)
    (other,) = greedy(table, source.unsqueeze(0), start_id=1, end_id=0, limit=40)
    assert other.ended
    assert one.score >= other.score - 1e-5


@torch.no_grad()
def test_greedy_rows_do_not_depend_on_each_other(module):
    ids = {"start_id": 1, "end_id": 0, "limit": 8}
    together = greedy(module, IDS, source_real_BS=REAL, **ids)
    alone = greedy(module, IDS[1:, :13], **ids)
    assert together[1].ids == alone[0].ids
