"""Guessing ahead and remembering beginnings: faster, and never another text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from groundup.generate import Sampling, Scheduler
from groundup.generate.lookup import Lookup
from groundup.generate.prefixes import SHORTEST
from groundup.generate.scheduler import Request

GREEDY = Sampling(max_tokens=20, ignore_end=True)
WARM = Sampling(max_tokens=20, temperature=1.0, repetition_penalty=1.2, seed=4, ignore_end=True)
ROUND = [101, 102, 103, 104] * 4  # a text that repeats itself: guesses are made from the start


def counted(model: Any) -> list[int]:
    """The number of tokens of every pass of `model`, as they come."""
    passes: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs, *__: passes.append(inputs[0].shape[1]))
    return passes


def run(bundle: Any, prompts: list[list[int]], sampling: Sampling) -> list[list[int]]:
    scheduler = Scheduler(bundle.model, bundle.tokenizer)
    requests = [Request(prompt, sampling) for prompt in prompts]
    for request in requests:
        scheduler.submit(request)
    while not scheduler.is_idle:
        scheduler.step()
    return [request.ids for request in requests]


def test_what_followed_last_time_is_guessed() -> None:
    lookup = Lookup([1, 2, 3, 9, 8, 1, 2, 3])
    assert lookup.guess(2) == [9, 8] and lookup.guess(9) == [9, 8, 1, 2, 3] and lookup.guess(0) == []
    lookup.extend([7])
    assert lookup.guess(4) == []
    lookup.extend([2, 3])
    assert lookup.guess(1) == [7]  # the last time, not the first


@pytest.mark.parametrize("sampling", [GREEDY, WARM], ids=["greedy", "sampled"])
def test_guessing_leaves_the_text_as_it_is(bundle, prompts, sampling):
    groups = ([ROUND], [ROUND, prompts[1]], [ROUND, prompts[0], ROUND[1:], prompts[2]])
    for group in groups:
        for guess in (1, 4, 9):
            assert run(bundle, group, replace(sampling, guess=guess)) == run(bundle, group, sampling)


def test_right_guesses_save_passes(tokenizer):
    from types import SimpleNamespace

    from .conftest import loud

    model = loud(2, tokenizer.vocabulary_size)
    with torch.no_grad():  # attention and feed-forward say nothing: the next token follows from the last alone
        for block in model.blocks:
            block.attention.output.weight.zero_()
            block.feedforward.down.weight.zero_()
    bundle = SimpleNamespace(model=model, tokenizer=tokenizer)
    passes = counted(model)
    plain = run(bundle, [[50]], replace(GREEDY, max_tokens=40))
    slow = len(passes)
    passes.clear()
    assert run(bundle, [[50]], replace(GREEDY, max_tokens=40, guess=8)) == plain
    assert len(passes) < slow and max(passes) > 1


def test_a_full_context_and_max_tokens_hold_with_guesses(bundle):
    long = (ROUND * 3)[:44]
    for limit in (1, 2, 3, 100):
        plain = run(bundle, [long], replace(GREEDY, max_tokens=limit))
        assert run(bundle, [long], replace(GREEDY, max_tokens=limit, guess=8)) == plain


def follow(scheduler: Scheduler, ids: list[int], owner: str = "a", sampling: Sampling = GREEDY) -> Request:
    request = Request(ids, sampling, owner=owner)
    scheduler.submit(request)
    while not scheduler.is_idle:
        scheduler.step()
    return request


def test_a_known_beginning_is_not_read_again_and_changes_nothing(bundle):
    sampling = replace(GREEDY, max_tokens=6)
    remembering = Scheduler(bundle.model, bundle.tokenizer, prefix_bytes=10**7)
    first = follow(remembering, list(range(60, 80)), sampling=sampling)
    second = [*first.prompt_ids, *first.ids, 33, 34]
    passes = counted(bundle.model)
    again = follow(remembering, second, sampling=sampling)
    assert passes[0] == len(second) - (20 + 6 - 1)  # the last answer's last token was written, never read
    assert remembering.prefixes.hits == 1
    assert again.ids == follow(Scheduler(bundle.model, bundle.tokenizer), second, sampling=sampling).ids
    same = follow(remembering, second, sampling=sampling)  # all but the last token are known
    assert same.ids == again.ids and remembering.prefixes.hits == 2


def test_one_owner_never_finds_what_another_left(bundle):
    scheduler = Scheduler(bundle.model, bundle.tokenizer, prefix_bytes=10**7)
    follow(scheduler, list(range(60, 90)), owner="a")
    follow(scheduler, list(range(60, 90)), owner="b")
    assert scheduler.prefixes.hits == 0 and len(scheduler.prefixes) == 2


def test_memory_of_beginnings_is_bounded_and_the_least_used_goes(bundle):
    sampling = replace(GREEDY, max_tokens=1)
    room = 2 * 21 * 2 * 2 * 2 * 8 * 4 + 100  # two texts of 21 tokens: layers, keys and values, heads, width, bytes
    scheduler = Scheduler(bundle.model, bundle.tokenizer, prefix_bytes=room)
    for start in (60, 100, 140):
        follow(scheduler, list(range(start, start + 20)), sampling=replace(sampling, max_tokens=2))
    assert len(scheduler.prefixes) == 2 and scheduler.prefixes.num_bytes <= room
    assert scheduler.prefixes.find("a", [*range(60, 80), 1]) is None
    assert scheduler.prefixes.find("a", [*range(140, 160), 1]) is not None
    assert scheduler.prefixes.find("a", list(range(140, 140 + SHORTEST - 1))) is None


def test_owners_share_the_rows_fairly(bundle):
    scheduler = Scheduler(bundle.model, bundle.tokenizer, max_rows=2)
    many = [Request([50 + n], GREEDY, owner="many") for n in range(5)]
    one = Request([90], GREEDY, owner="one")
    for request in (*many, one):
        scheduler.submit(request)
    scheduler.step()
    assert one in scheduler.running and many[0] in scheduler.running
