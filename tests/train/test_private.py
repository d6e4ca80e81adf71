"""Differential privacy: known epsilons, norms that equal autograd's, a step without noise that is the plain step."""

import contextlib
import math
from dataclasses import replace

import pytest
import torch

from groundup.core.errors import DataError, Interrupted, RecipeError
from groundup.finetune.lora import attach
from groundup.finetune.options import LoraOptions
from groundup.model.families import build
from groundup.train.dp.accountant import epsilon, exact_epsilon, gaussian_delta, noise_for, rdp_epsilon
from groundup.train.dp.ghost import Ghost
from groundup.train.dp.sampling import drawn, noise_like
from groundup.train.dp.step import Private, clip_factors
from groundup.train.objectives import IGNORE, causal
from groundup.train.options import PrivacyOptions
from tests.train import toys

# (share, noise, steps, classic, tight): delta 1e-5; the classic ones are those of published tutorials to 2 %.
GOLDEN = [
    (0.01, 4.0, 10_000, 1.259, 1.035),
    (256 / 60_000, 1.3, 15 * 60_000 // 256, 1.192, 0.954),
    (256 / 60_000, 1.1, 60 * 60_000 // 256, 3.009, 2.597),
    (256 / 60_000, 0.7, 45 * 60_000 // 256, 7.123, 6.373),
]


@pytest.mark.parametrize(("share", "noise", "steps", "classic", "tight"), GOLDEN)
def test_renyi_epsilons_are_the_known_ones(share, noise, steps, classic, tight):
    values = {"noise": noise, "share": share, "steps": steps, "delta": 1e-5}
    assert rdp_epsilon(**values, conversion="classic") == pytest.approx(classic, abs=1e-3)
    assert rdp_epsilon(**values) == pytest.approx(tight, abs=1e-3)


def test_the_exact_one_equals_the_closed_form_without_sampling():
    once = exact_epsilon(noise=1.0, share=1.0, steps=1, delta=1e-5)
    assert once == pytest.approx(4.377, abs=1e-3)
    assert gaussian_delta(once, noise=1.0) <= 1e-5 < gaussian_delta(once - 2e-4, noise=1.0)
    # A hundred releases with ten times the noise are as one.
    assert exact_epsilon(noise=10.0, share=1.0, steps=100, delta=1e-5) == pytest.approx(once, abs=1e-3)


def test_the_exact_one_is_below_renyi_and_above_half_of_it():
    for share, noise, steps in ((0.01, 4.0, 10_000), (0.1, 1.0, 50), (0.5, 2.0, 20)):
        values = {"noise": noise, "share": share, "steps": steps, "delta": 1e-5}
        assert 0.5 * rdp_epsilon(**values) < exact_epsilon(**values) < rdp_epsilon(**values)


def test_one_sampled_step_equals_the_integral():
    """delta(e) of one step, integrated by brute force over the two densities."""
    share, noise = 0.2, 0.8
    found = exact_epsilon(noise=noise, share=share, steps=1, delta=1e-3)
    x = torch.linspace(-12, 14, 2_000_001, dtype=torch.float64)
    plain = torch.exp(-(x**2) / (2 * noise**2)) / (noise * math.sqrt(2 * math.pi))
    mixed = (1 - share) * plain + share * torch.exp(-((x - 1) ** 2) / (2 * noise**2)) / (noise * math.sqrt(2 * math.pi))
    for value, holds in ((found, True), (found - 2e-3, False)):
        worst = max(
            float(torch.trapezoid((p - math.exp(value) * q).clamp_min(0), x))
            for p, q in ((mixed, plain), (plain, mixed))
        )
        assert (worst <= 1.0001e-3) == holds


def test_the_noise_found_keeps_the_promise_and_less_would_not():
    values = {"share": 0.02, "steps": 200, "delta": 1e-5}
    noise = noise_for(3.0, **values)
    assert epsilon(noise=noise, **values) <= 3.0 < epsilon(noise=noise / 1.02, **values)
    assert epsilon(noise=0.0, **values) == math.inf


# ---- norms


def rows_batch(num_rows=3, length=12, vocabulary=40, padded=True):
    ids = torch.randint(0, vocabulary, (num_rows, length + 1), generator=torch.Generator().manual_seed(5))
    ids[:, 3] = ids[:, 1]  # the same token twice: its embedding's gradient is a sum
    targets = ids[:, 1:].clone()
    if padded:
        targets[1, 7:] = IGNORE
    return {"ids_BT": ids[:, :-1], "targets_BT": targets}


def model(kind):
    base = replace(toys.CONFIG, dropout=0.0)
    torch.manual_seed(0)
    if kind == "gpt":
        module = build(base, seed=1)
    elif kind == "gpt_untied":
        module = build(replace(base, tied=False), seed=1)
    elif kind == "gpt2":
        parts = {"norm": "layer", "position": "learned", "feedforward": "gelu_tanh", "bias": True, "qk_norm": False}
        module = build(replace(base, family="custom", **parts), seed=1)
    elif kind == "softcap":
        module = build(replace(base, family="custom", logit_softcap=5.0), seed=1)
    else:
        module = attach(build(base, seed=1), LoraOptions(rank=2), seed=1)
    with torch.no_grad():  # away from the start, where B of LoRA is zero and norms are one
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return module


def norms_by_autograd(module, batch):
    norms = []
    for b in range(len(batch["ids_BT"])):
        module.zero_grad()
        loss = causal(module, {name: tensor[b : b + 1] for name, tensor in batch.items()})
        (loss.loss / loss.count).backward()
        norms.append(math.sqrt(sum(float(p.grad.square().sum()) for p in module.parameters() if p.grad is not None)))
    module.zero_grad()
    return torch.tensor(norms)


KINDS = ["gpt", "gpt_untied", "gpt2", "softcap", "lora"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [12, 5])
def test_ghost_norms_equal_autograds(kind, length):
    module, batch = model(kind), rows_batch(length=length, padded=length == 12)
    ghost = Ghost(module)
    assert ghost.fits()
    norms = ghost.look(batch).squares_B.sqrt()
    torch.testing.assert_close(norms, norms_by_autograd(module, batch), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["gpt", "gpt_untied"])
def test_ghosts_of_rows_longer_than_the_model_is_wide(kind):
    module, batch = model(kind), rows_batch(length=20)
    seen = Ghost(module).look(batch)
    torch.testing.assert_close(seen.squares_B.sqrt(), norms_by_autograd(module, batch), rtol=1e-5, atol=1e-6)
    private = Private(
        module, causal, toys.options(3, batch_size=3, dp=PrivacyOptions(noise=0.0, clip=0.3)), Table(batch), 3
    )
    private._ghostly(batch)
    ghostly = {name: p.grad.clone() for name, p in private.parameters.items()}
    module.zero_grad()
    private._row_by_row(batch)
    for name, parameter in private.parameters.items():
        torch.testing.assert_close(ghostly[name], parameter.grad, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_weighted_sum_equals_clipping_each_row(kind):
    module, batch = model(kind), rows_batch()
    private = Private(
        module, causal, toys.options(3, batch_size=3, dp=PrivacyOptions(noise=0.0, clip=0.3)), Table(batch), 3
    )
    private._ghostly(batch)
    ghostly = {name: p.grad.clone() for name, p in private.parameters.items()}
    for parameter in private.parameters.values():
        parameter.grad = None
    assert private._row_by_row(batch)[2] == 3  # all rows are clipped
    for name, parameter in private.parameters.items():
        torch.testing.assert_close(ghostly[name], parameter.grad, rtol=2e-4, atol=1e-6)


def test_what_ghosts_do_not_know_goes_row_by_row():
    module = build(replace(toys.CONFIG, dropout=0.0, family="custom", position="relative"), seed=1)
    assert not Ghost(module).fits()
    private = Private(
        module, causal, toys.options(2, batch_size=3, dp=PrivacyOptions(noise=0.0)), Table(rows_batch()), 2
    )
    assert private.told(2)["norms"] == "row by row"


# ---- steps


class Table(toys.CountingBatches):
    """Rows that can be asked for by number."""

    def __init__(self, batch=None):
        super().__init__()
        self.batch = batch if batch is not None else rows_batch(num_rows=8, padded=False)
        self.num_rows = len(self.batch["ids_BT"])

    def rows(self, numbers):
        return {name: tensor[numbers] for name, tensor in self.batch.items()}

    def next(self):
        return dict(self.batch)


def test_without_noise_and_clipping_it_is_the_plain_step(tmp_path):
    plain = {"optimizer": "adamw", "clip": 0.0, "batch_size": 8}
    private, _ = toys.run(
        tmp_path / "a",
        3,
        module=toys.without_dropout(),
        batches=Table(),
        dp=PrivacyOptions(noise=0.0, clip=math.inf),
        **plain,
    )
    expected, _ = toys.run(tmp_path / "b", 3, module=toys.without_dropout(), batches=Table(), **plain)
    for name, tensor in expected.state_dict().items():
        torch.testing.assert_close(private.state_dict()[name], tensor, atol=2e-5, rtol=1e-4)


def test_a_private_run_tells_its_epsilon_and_goes_on_exactly(tmp_path):
    settings = {"dp": PrivacyOptions(epsilon=5.0, delta=1e-3), "batch_size": 4}
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        toys.run(tmp_path, 8, batches=Table(), stop=lambda: next(asked) == 5, **settings)
    first, summary = toys.run(tmp_path, 8, batches=Table(), **settings)
    assert 4.5 < summary.privacy["epsilon"] <= 5.0
    assert (summary.privacy["sampling"], summary.privacy["share"], summary.privacy["rows"]) == ("poisson", 0.5, 8)
    again, _ = toys.run(tmp_path, 8, batches=Table(), **settings)  # of the same secret: nothing left to do
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    other, _ = toys.run(tmp_path / "other", 8, batches=Table(), **settings)  # another secret
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_noise_has_the_size_that_was_promised():
    """Nobody drawn: what is left is the noise, sigma C over the expected rows."""
    module = toys.without_dropout()
    options = toys.options(1, batch_size=2, dp=PrivacyOptions(noise=3.0, clip=0.5))
    private = Private(module, causal, options, Table(), 1)
    private.share = 0.0
    private.gradients(1, 0, torch.device("cpu"), contextlib.nullcontext)
    together = torch.cat([p.grad.flatten() for p in module.parameters()])
    assert float(together.std()) == pytest.approx(3.0 * 0.5 / 2, rel=0.05)


def test_coins_are_independent_and_fall_as_often_as_told():
    hits = torch.zeros(200)
    sizes = []
    for step in range(500):
        rows = drawn(7, step, 200, 0.1)
        hits[rows] += 1
        sizes.append(len(rows))
    assert float(hits.mean()) == pytest.approx(50, rel=0.05)
    assert float(torch.tensor(sizes, dtype=torch.float).var()) == pytest.approx(200 * 0.1 * 0.9, rel=0.25)
    assert drawn(7, 3, 200, 0.1) == drawn(7, 3, 200, 0.1) != drawn(8, 3, 200, 0.1)
    assert not torch.equal(noise_like(hits, 7, 1, "a"), noise_like(hits, 7, 1, "b"))


def test_a_row_without_a_finite_gradient_takes_no_part():
    assert clip_factors(torch.tensor([0.5, 4.0, math.inf, math.nan]), 2.0).tolist() == [1.0, 0.5, 0.0, 0.0]


def test_too_few_rows_and_batches_without_rows_are_refused(tmp_path):
    settings = {"dp": PrivacyOptions(noise=1.0)}
    with pytest.raises(DataError, match="need more than the 8"):
        toys.run(tmp_path / "a", 2, batches=Table(), batch_size=9, **settings)
    with pytest.raises(RecipeError, match="draws single rows"):
        toys.run(tmp_path / "b", 2, **settings)
    with pytest.raises(ValueError, match="epsilon"):
        PrivacyOptions(noise=1.0, epsilon=2.0)
