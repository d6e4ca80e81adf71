"""The chunked loss equals the plain one, value and gradients; what does not count costs nothing and moves nothing."""

import pytest
import torch

from groundup.model.families import build
from groundup.model.presets import from_depth
from groundup.train import objectives
from groundup.train.objectives import IGNORE, causal, chunked_cross_entropy, plain_cross_entropy, token_losses


@pytest.fixture
def module():
    return build(from_depth(1, 40, width=16, num_heads=2, context_length=12), seed=1)


def batch_of(seed=0):
    ids = torch.randint(0, 40, (3, 13), generator=torch.Generator().manual_seed(seed))
    return {"ids_BT": ids[:, :-1], "targets_BT": ids[:, 1:].clone()}


@pytest.mark.parametrize("positions", [1, 16, 17, 100])
@pytest.mark.parametrize(
    "more",
    [{}, {"softcap": 3.0}, {"smoothing": 0.1}, {"z_loss": 0.01}, {"softcap": 2.0, "smoothing": 0.2, "z_loss": 0.1}],
    ids=str,
)
def test_chunked_equals_plain_with_its_gradients(positions, more, monkeypatch):
    monkeypatch.setattr(objectives, "CHUNK_NUMBERS", 16 * 50)  # chunks of 16 positions
    torch.manual_seed(0)
    hidden = torch.randn(positions, 8, dtype=torch.double, requires_grad=True)
    weight = torch.randn(50, 8, dtype=torch.double, requires_grad=True)
    targets = torch.randint(0, 50, (positions,))
    fast, slow = (
        0.7 * chunked_cross_entropy(hidden, weight, targets, **more),
        0.7 * plain_cross_entropy(hidden, weight, targets, **more),
    )
    torch.testing.assert_close(fast, slow, rtol=1e-6, atol=1e-5)
    ours = torch.autograd.grad(fast, (hidden, weight))
    theirs = torch.autograd.grad(slow, (hidden, weight))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_weight_counts_a_token_so_many_times(module):
    batch = batch_of()
    batch["targets_BT"][0] = IGNORE
    weights = torch.zeros(batch["ids_BT"].shape)
    weights[1], weights[2] = 2.0, 0.5
    seen = causal(module, {**batch, "weights_BT": weights})
    gradient = torch.autograd.grad(seen.loss, module.output_weight)[0]
    assert seen.count == 24  # weights say how much a token counts, not whether
    rows = [causal(module, {name: tensor[row : row + 1] for name, tensor in batch.items()}) for row in (1, 2)]
    expected = 2 * rows[0].loss + 0.5 * rows[1].loss
    torch.testing.assert_close(seen.loss, expected)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, module.output_weight)[0], rtol=1e-4, atol=1e-6)


def test_very_large_logits_stay_finite():
    hidden = torch.full((2, 4), 300.0, requires_grad=True)
    weight = torch.eye(4) * 300
    loss = chunked_cross_entropy(hidden, weight, torch.tensor([0, 1]))
    assert torch.isfinite(loss)
    torch.testing.assert_close(loss, plain_cross_entropy(hidden, weight, torch.tensor([0, 1])))


def test_only_targets_that_count_are_counted_and_learned(module):
    batch = batch_of()
    batch["targets_BT"][:, :8] = IGNORE
    loss = causal(module, batch)
    assert loss.count == 3 * 4
    kept = {"ids_BT": batch["ids_BT"], "targets_BT": batch["targets_BT"]}
    expected = token_losses(module, **kept)
    assert torch.equal(expected[:, :8], torch.zeros(3, 8))
    torch.testing.assert_close(loss.loss, expected.sum())


def test_a_batch_in_which_nothing_counts_has_no_loss(module):
    batch = batch_of()
    batch["targets_BT"][:] = IGNORE
    loss = causal(module, batch)
    assert (loss.count, loss.loss.item()) == (0, 0.0)


def test_packed_documents_learn_as_if_alone(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3)
    batch = batch_of()
    documents = torch.zeros_like(batch["ids_BT"])
    documents[:, 5:] = 1
    together = causal(module, {**batch, "documents_BT": documents}).loss
    first = causal(module, {name: tensor[:, :5] for name, tensor in batch.items()}).loss
    second = causal(module, {name: tensor[:, 5:] for name, tensor in batch.items()}).loss
    torch.testing.assert_close(together, first + second, rtol=1e-4, atol=1e-4)


def test_bf16_compute_is_near_fp32_with_its_gradients():
    config = from_depth(2, 61, width=32, num_heads=4, head_dim=8, num_kv_heads=2, context_length=24)
    ids = torch.randint(0, 61, (2, 24), generator=torch.Generator().manual_seed(1))
    losses, grads = [], []
    for enabled in (False, True):
        module = build(config, seed=1)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            loss = causal(module, {"ids_BT": ids[:, :-1], "targets_BT": ids[:, 1:]}).loss
        loss.backward()
        losses.append(loss.item())
        grads.append(torch.cat([p.grad.flatten() for p in module.parameters()]))
        assert all(p.grad.dtype == torch.float32 for p in module.parameters())
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)
    assert torch.nn.functional.cosine_similarity(*grads, dim=0) > 0.99
