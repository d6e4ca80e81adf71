"""The cache changes the speed, never the numbers."""

from __future__ import annotations

import pytest
import torch

from groundup.core.errors import UsageError
from groundup.generate.cache import cache_for, forward
from groundup.generate.scheduler import read_prompts


def ids_of(*lengths: int, vocabulary_size: int = 288) -> list[list[int]]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, vocabulary_size, (length,), generator=generator).tolist() for length in lengths]


@torch.no_grad()
def test_reading_in_pieces_equals_reading_at_once(bundle):
    (ids,) = ids_of(20)
    whole_BTD = bundle.model(torch.tensor([ids]))
    cache = cache_for(bundle.model, 1, capacity=3)  # small: it must grow on the way
    pieces = [forward(bundle.model, torch.tensor([ids[a:b]]), cache) for a, b in ((0, 7), (7, 8), (8, 9), (9, 20))]
    torch.testing.assert_close(torch.cat(pieces, 1), whole_BTD, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_rows_of_different_lengths_equal_rows_alone(bundle):
    prompts, more = ids_of(3, 11, 6), ids_of(4, 4, 4)
    cache = cache_for(bundle.model, 3)
    last_BD = read_prompts(bundle.model, prompts, cache)
    together_BTD = forward(bundle.model, torch.tensor(more), cache)
    for row in range(3):
        alone_BTD = bundle.model(torch.tensor([prompts[row] + more[row]]))[0]
        torch.testing.assert_close(last_BD[row], alone_BTD[len(prompts[row]) - 1], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(together_BTD[row], alone_BTD[len(prompts[row]) :], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_rows_that_leave_and_join_disturb_nobody(bundle):
    prompts, more = ids_of(3, 11, 6), ids_of(1, 1, 1)
    cache = cache_for(bundle.model, 3)
    read_prompts(bundle.model, prompts, cache)
    other = cache_for(bundle.model, 1)
    read_prompts(bundle.model, [prompts[1]], other)
    cache.remove_row(1)  # the last row moves into its place
    assert cache.lengths == [3, 6]
    assert cache.add_row(other, 0, 11) == 2
    hidden_BTD = forward(bundle.model, torch.tensor([more[0], more[2], more[1]]), cache)
    for place, row in enumerate((0, 2, 1)):
        alone_BTD = bundle.model(torch.tensor([prompts[row] + more[row]]))[0]
        torch.testing.assert_close(hidden_BTD[place, 0], alone_BTD[-1], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_tokens_can_be_taken_back(bundle):
    (ids,) = ids_of(12)
    cache = cache_for(bundle.model, 1)
    forward(bundle.model, torch.tensor([[*ids[:6], 1, 2, 3]]), cache)
    cache.set_lengths([6])
    hidden_BTD = forward(bundle.model, torch.tensor([ids[6:]]), cache)
    torch.testing.assert_close(hidden_BTD, bundle.model(torch.tensor([ids]))[:, 6:], atol=1e-5, rtol=1e-5)


def test_beyond_the_context_is_an_error(bundle):
    cache = cache_for(bundle.model, 1)
    with pytest.raises(UsageError, match="at most 48 tokens; 49"):
        forward(bundle.model, torch.zeros(1, 49, dtype=torch.long), cache)


def test_the_last_row_gives_its_memory_back(bundle):
    cache = cache_for(bundle.model, 1)
    read_prompts(bundle.model, ids_of(5), cache)
    assert cache.num_bytes > 0
    cache.remove_row(0)
    assert cache.num_bytes == 0
