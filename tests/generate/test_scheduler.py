"""Requests come and go; nobody notices the others."""

from __future__ import annotations

import torch

from groundup.generate import Request, Sampling, Scheduler

SAMPLING = Sampling(max_tokens=10, temperature=1.0, seed=2, ignore_end=True)


def alone(bundle, prompt):
    scheduler = Scheduler(bundle.model, bundle.tokenizer)
    request = Request(prompt, SAMPLING)
    scheduler.submit(request)
    while not scheduler.is_idle:
        scheduler.step()
    return request.ids


def test_requests_that_join_later_get_what_they_get_alone(bundle, prompts):
    scheduler = Scheduler(bundle.model, bundle.tokenizer, max_rows=3)
    requests = []
    for prompt in prompts + prompts:
        requests.append(Request(prompt, SAMPLING))
        scheduler.submit(requests[-1])
        scheduler.step()
        scheduler.step()
        assert len(scheduler.running) <= 3
    while not scheduler.is_idle:
        scheduler.step()
    assert [request.ids for request in requests] == [alone(bundle, prompt) for prompt in prompts + prompts]


def test_first_come_first_served(bundle, prompts):
    order = []
    scheduler = Scheduler(bundle.model, bundle.tokenizer, max_rows=1)
    for number, prompt in enumerate(prompts):
        one = Sampling(max_tokens=1, ignore_end=True)
        scheduler.submit(Request(prompt, one, on_token=lambda token, number=number: order.append(number)))
    while not scheduler.is_idle:
        scheduler.step()
    assert order == [0, 1, 2, 3]


def test_cancelling_frees_the_row_at_once_and_leaves_the_others_alone(bundle, prompts):
    scheduler = Scheduler(bundle.model, bundle.tokenizer)
    requests = [Request(prompt, SAMPLING) for prompt in prompts]
    for request in requests:
        scheduler.submit(request)
    scheduler.step()
    scheduler.cancel(requests[1])
    assert requests[1].finish == "cancelled" and len(scheduler.running) == 3
    scheduler.cancel(requests[1])  # twice is no harm
    while not scheduler.is_idle:
        scheduler.step()
    for row in (0, 2, 3):
        assert requests[row].ids == alone(bundle, prompts[row])
    assert scheduler._cache.num_bytes == 0


def test_penalties_of_one_request_do_not_touch_another(bundle, prompts):
    scheduler = Scheduler(bundle.model, bundle.tokenizer)
    plain = Request(prompts[0], SAMPLING)
    strict = Request(prompts[1], Sampling(max_tokens=40, frequency_penalty=2.0, presence_penalty=2.0, ignore_end=True))
    for request in (plain, strict):
        scheduler.submit(request)
    while not scheduler.is_idle:
        scheduler.step()
    assert plain.ids == alone(bundle, prompts[0])
    free = Request(prompts[1], Sampling(max_tokens=40, ignore_end=True))
    scheduler.submit(free)
    while not scheduler.is_idle:
        scheduler.step()
    assert len(set(strict.ids)) > len(set(free.ids))


def test_only_allowed_tokens_are_written(bundle, prompts):
    allowed_V = torch.zeros(bundle.tokenizer.vocabulary_size, dtype=torch.bool)
    allowed_V[[100, 101]] = True
    scheduler = Scheduler(bundle.model, bundle.tokenizer)
    bound = Request(prompts[0], SAMPLING, allow=lambda ids, room: allowed_V)
    free = Request(prompts[1], SAMPLING)
    for request in (bound, free):
        scheduler.submit(request)
    while not scheduler.is_idle:
        scheduler.step()
    assert set(bound.ids) <= {100, 101} and len(bound.ids) == 10
    assert free.ids == alone(bundle, prompts[1])
