"""The modern BERT: no padding is computed, texts do not see each other, local layers do not see far."""

import pytest
import torch

from groundup.model.families import build
from groundup.train.objectives import IGNORE, masked
from tests.model.test_layouts import IDS, MODERN_BERT, REAL, config_of, noisy


@pytest.fixture
def module():
    return noisy(build(config_of(**MODERN_BERT), seed=1))


def test_no_padding_is_computed(module):
    rows = []
    for block in module.blocks:
        block.feedforward.register_forward_hook(lambda layer, given, made: rows.append(given[0].shape[0]))
    hidden = module(IDS, real_BT=REAL)
    assert rows == [int(REAL.sum())] * len(module.blocks)
    assert not hidden[~REAL].any()


def test_a_filled_up_row_is_the_row_alone(module):
    with torch.no_grad():
        together, alone = module(IDS, real_BT=REAL), module(IDS[1:, :13])
    torch.testing.assert_close(together[1, :13], alone[0])


def test_packed_documents_do_not_see_each_other(module):
    documents = torch.tensor([0] * 7 + [1] * 7 + [2] * 6).expand(2, -1)
    with torch.no_grad():
        packed = module(IDS, documents_BT=documents)
        for start, end in ((0, 7), (7, 14), (14, 20)):
            torch.testing.assert_close(packed[:, start:end], module(IDS[:, start:end]), atol=1e-5, rtol=1e-4)


def test_a_local_layer_sees_half_its_window_to_each_side():
    module = noisy(build(config_of(**{**MODERN_BERT, "depth": 2}), seed=1))
    module.blocks = module.blocks[1:]  # the first is global
    changed = IDS.clone()
    changed[:, 10] = (changed[:, 10] + 1) % 61
    with torch.no_grad():
        moved = (module(IDS) - module(changed)).abs().amax((0, 2)) > 1e-6
    assert moved.nonzero().flatten().tolist() == [7, 8, 9, 10, 11, 12, 13]


def test_dropout_takes_the_plain_way_to_the_same_place(module):
    """In training with dropout the fused products are not used; with a share of nearly none the results agree."""
    quiet = build(config_of(**MODERN_BERT, dropout=1e-9), seed=1)
    quiet.load_state_dict(module.state_dict())
    torch.testing.assert_close(quiet.train()(IDS), module(IDS), atol=1e-4, rtol=1e-4)


def test_its_masked_words_are_learned(module):
    targets = torch.where(IDS % 5 == 0, IDS, IGNORE)
    made = masked(module.train(), {"ids_BT": IDS, "targets_BT": targets, "real_BT": REAL})
    made.loss.backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
