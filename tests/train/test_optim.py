"""Optimizers against their formulas, written out."""

import pytest
import torch

from groundup.model.families import build
from groundup.model.presets import from_depth
from groundup.train.optim import groups_of, make_optimizer
from groundup.train.optim.muon import polar
from groundup.train.options import OptimizerOptions


@pytest.fixture
def module():
    return build(from_depth(2, 40, width=16, num_heads=2, context_length=12), seed=1)


def set_gradients(module, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def test_adamw_follows_its_formula(module):
    options = OptimizerOptions(optimizer="adamw", matrix_learning_rate=0.01, weight_decay=0.1, betas=(0.9, 0.95))
    name = "blocks.0.attention.query.weight"
    parameter = dict(module.named_parameters())[name]
    weight, m, v = parameter.detach().clone(), torch.zeros_like(parameter), torch.zeros_like(parameter)
    optimizer = make_optimizer(module, options)
    for t in range(1, 4):
        set_gradients(module, t)
        grad = parameter.grad
        m, v = 0.9 * m + 0.1 * grad, 0.95 * v + 0.05 * grad**2
        weight = weight * (1 - 0.005 * 0.1) - 0.005 * (m / (1 - 0.9**t)) / ((v / (1 - 0.95**t)).sqrt() + 1e-8)
        optimizer.step(0.5)
    torch.testing.assert_close(parameter.detach(), weight)


def test_muon_moves_every_matrix_by_an_orthogonal_step(module):
    options = OptimizerOptions(optimizer="muon", matrix_learning_rate=0.1, weight_decay=0.0)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer = make_optimizer(module, options)
    set_gradients(module, 1)
    optimizer.step(1.0)
    for name, parameter in module.named_parameters():
        if "blocks." in name and parameter.dim() == 2:
            rows, cols = parameter.shape
            moved = torch.linalg.svdvals((before[name] - parameter.detach()) / (0.1 * max(1, rows / cols) ** 0.5))
            assert moved.median() > 0.8  # the smallest singular values of a random square matrix stay small
            assert moved.max() < 1.2


@pytest.mark.parametrize("shape", [(24, 24), (8, 24), (24, 8)])
def test_polar_is_near_the_exact_one(shape):
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(3, *shape, generator=generator)
    u, _, vh = torch.linalg.svd(matrices, full_matrices=False)
    together = (polar(matrices) * (u @ vh)).sum((1, 2)) / (polar(matrices).norm(dim=(1, 2)) * (u @ vh).norm(dim=(1, 2)))
    assert together.min() > 0.97


def test_embeddings_and_norms_are_not_decayed_nor_moved_by_muon(module):
    for group in groups_of(dict(module.named_parameters()), OptimizerOptions(optimizer="muon")):
        if group.name != "matrices":
            assert (group.rule, group.weight_decay) == ("adamw", 0.0)
        else:
            assert all(name.startswith("blocks.") and p.dim() == 2 for name, p in group.parameters.items())


def test_every_parameter_is_in_exactly_one_group(module):
    names = [
        name for group in groups_of(dict(module.named_parameters()), OptimizerOptions()) for name in group.parameters
    ]
    assert sorted(names) == sorted(name for name, _ in module.named_parameters())


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_restored_optimizer_goes_on_with_the_same_bits(kind):
    def module():
        return build(from_depth(2, 40, width=16, num_heads=2, context_length=12), seed=1)

    options = OptimizerOptions(optimizer=kind)
    one, two = module(), module()
    first, second = make_optimizer(one, options), make_optimizer(two, options)
    for seed in range(4):
        set_gradients(one, seed)
        first.step(0.5)
        if seed == 1:
            two.load_state_dict(one.state_dict())
            second.restore(first.state())
        if seed >= 2:
            set_gradients(two, seed)
            second.step(0.5)
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, two.state_dict()[name]), name
