"""The engine against the slow, obvious way: a full forward pass for every token."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from groundup.core.errors import UsageError
from groundup.generate import Engine, Sampling
from groundup.generate.embed import embed

WARM = Sampling(max_tokens=16, temperature=1.0, top_k=30, repetition_penalty=1.3, seed=3)
GREEDY = Sampling(max_tokens=16)


@torch.no_grad()
def slow_greedy(bundle, prompt: list[int], num_tokens: int) -> list[int]:
    ids = list(prompt)
    for _ in range(num_tokens):
        ids.append(int(bundle.model.logits(bundle.model(torch.tensor([ids])))[0, -1].argmax()))
    return ids[len(prompt) :]


def test_greedy_is_the_argmax_of_the_full_forward_pass(engine, bundle, prompts):
    sampling = Sampling(max_tokens=16, ignore_end=True)
    for prompt, generated in zip(prompts, engine.generate(prompts, sampling), strict=True):
        assert generated.ids == slow_greedy(bundle, prompt, 16)
        assert generated.finish == "length"


@pytest.mark.parametrize("sampling", [GREEDY, WARM], ids=["greedy", "sampled"])
def test_a_batch_gives_what_each_prompt_gives_alone(engine, prompts, sampling):
    together = engine.generate(prompts, sampling)
    assert [one.ids for one in together] == [engine.generate([prompt], sampling)[0].ids for prompt in prompts]


def test_the_same_seed_gives_the_same_text_whoever_else_is_there(bundle, prompts):
    alone = Engine(bundle).generate([prompts[1]], WARM)[0]
    crowd = [prompts[0]] * 5 + [prompts[1]] + [prompts[3]] * 5
    others = [Sampling(max_tokens=n + 1, temperature=2.0, seed=n) for n in range(11)]
    others[5] = WARM
    for max_rows in (2, 3, 32):  # waiting for a place changes nothing either
        assert Engine(bundle, max_rows=max_rows).generate(crowd, others)[5].ids == alone.ids


def test_n_answers_differ_and_the_first_is_the_one_alone(engine, prompts):
    from dataclasses import replace

    many = engine.generate(prompts[:2], replace(WARM, n=3))
    assert len(many) == 6
    assert many[0].ids == engine.generate(prompts[:1], WARM)[0].ids
    assert len({tuple(one.ids) for one in many[:3]}) == 3


def test_logprobs_are_those_of_the_model(engine, prompts):
    generated = engine.generate([prompts[1]], Sampling(max_tokens=8, temperature=1.0, top_logprobs=3))[0]
    expected = engine.token_logprobs(prompts[1] + generated.ids)[len(prompts[1]) :]
    np.testing.assert_allclose(generated.logprobs, expected, atol=1e-5)
    best = engine.next_token_probabilities(prompts[1])
    assert max(generated.top[0], key=generated.top[0].get) == int(best.argmax())
    assert all(len(top) == 3 for top in generated.top)


def test_a_stream_joins_to_the_text_and_never_shows_half_a_stop_string(engine, tokenizer, prompts):
    whole = engine.generate([prompts[1]], Sampling(max_tokens=30, temperature=1.0, seed=5))[0].text
    stop = whole[8:12]
    shown = ""
    for piece in engine.stream(prompts[1], Sampling(max_tokens=30, temperature=1.0, seed=5, stop=(stop,))):
        shown += piece
        assert whole.startswith(shown)
        assert len(shown) <= whole.find(stop)
    assert shown == whole[: whole.find(stop)]
    stopped = engine.generate([prompts[1]], Sampling(max_tokens=30, temperature=1.0, seed=5, stop=(stop,)))[0]
    assert (stopped.text, stopped.finish) == (shown, "stop")


def test_the_end_token_ends_and_is_not_part_of_the_answer(engine, tokenizer, prompts):
    end = tokenizer.special["<|end|>"]
    generated = engine.generate([prompts[0]], Sampling(max_tokens=9, logit_bias={end: 100.0}))[0]
    assert (generated.ids, generated.text, generated.finish) == ([], "", "stop")


def test_cancelling_keeps_what_there_is(engine, prompts):
    asked = []
    sampling = Sampling(max_tokens=30, ignore_end=True)
    generated = engine.generate(prompts, sampling, stop=lambda: asked.append(1) or len(asked) > 3)
    # A step that admits a request gives it two tokens: one from its prompt, one with the others.
    assert [(len(one.ids), one.finish) for one in generated] == [(4, "cancelled")] * 4


def test_a_full_context_ends_the_answer_and_a_full_prompt_is_an_error(engine):
    generated = engine.generate([[5] * 40], Sampling(max_tokens=100, ignore_end=True))[0]
    assert (len(generated.ids), generated.finish) == (8, "length")
    with pytest.raises(UsageError, match="48 tokens; the model reads 48"):
        engine.generate([[5] * 48])
    with pytest.raises(UsageError, match="no tokens"):
        engine.generate([[]])


def test_scores_are_the_sums_of_token_logprobs(engine, tokenizer, prompts):
    shared = tokenizer.encode("once upon a time in a mill")  # long enough to be read once for all
    pairs = [(shared + a, b) for a in (prompts[0], [9] * 6) for b in ([7, 8, 9], [10], prompts[2])] + [(shared, [1, 2])]
    unshared = [([], prompts[1]), (prompts[0], prompts[1]), (prompts[0], [3])]
    for group in (pairs, unshared, pairs[:1], pairs[:3]):
        for (context, continuation), scored in zip(group, engine.score(group), strict=True):
            before = context or [tokenizer.special["<|endoftext|>"]]
            expected = engine.token_logprobs([*before, *continuation])[len(before) :]
            np.testing.assert_allclose(scored.token_logprobs, expected, atol=1e-4)
            assert math.isclose(scored.logprob, sum(scored.token_logprobs))
            assert scored.num_bytes == sum(tokenizer.bytes_per_token[token] for token in continuation)


def test_greedy_text_scores_as_greedy(engine, prompts):
    generated = engine.generate([prompts[1]], Sampling(max_tokens=5, ignore_end=True))[0]
    other = [*generated.ids[:-1], (generated.ids[-1] + 1) % 288]
    assert [one.is_greedy for one in engine.score([(prompts[1], generated.ids), (prompts[1], other)])] == [True, False]


def test_a_context_that_is_too_long_loses_its_beginning(engine):
    long = [n % 250 + 30 for n in range(100)]
    scored = engine.score([(long, [40, 41, 42])])[0]
    assert scored.num_left_out == 54
    expected = engine.token_logprobs([*long[54:], 40, 41, 42][:48])  # the last token is only predicted
    np.testing.assert_allclose(scored.token_logprobs[:2], expected[-2:], atol=1e-5)
    with pytest.raises(UsageError, match="continuation has no tokens"):
        engine.score([(long, [])])


def test_every_token_of_a_long_text_is_judged_once_with_half_a_context_before_it(engine):
    ids = [n * 7 % 250 + 30 for n in range(130)]
    found = engine.token_logprobs(ids)
    assert np.isnan(found[0]) and np.isfinite(found[1:]).all()
    np.testing.assert_allclose(found[:48], engine.token_logprobs(ids[:48]), atol=1e-6, equal_nan=True)
    np.testing.assert_allclose(found[48:72], engine.token_logprobs(ids[24:72])[24:], atol=1e-6)


def test_chat_leaves_out_the_oldest_turns_but_never_the_system_turn(engine, tokenizer):
    turns = [{"role": "system", "content": "S"}]
    turns += [{"role": "user" if n % 2 == 0 else "assistant", "content": str(n) * 6} for n in range(7)]
    ids, left_out = engine.chat_prompt(turns, Sampling(max_tokens=8))
    text = tokenizer.decode(ids)
    assert text.startswith("S") and text.endswith("6" * 6)
    assert left_out > 0 and len(ids) + 8 <= 48
    with pytest.raises(UsageError, match="last message makes"):
        engine.chat_prompt([{"role": "user", "content": "x" * 60}])
    assert engine.chat(turns, Sampling(max_tokens=4)).finish in ("stop", "length")


def test_vectors_have_length_one_and_do_not_depend_on_the_others(bundle):
    texts = ["a cat", "a longer text about dogs", "a dog", ""]
    vectors_ND = embed(bundle, texts)
    np.testing.assert_allclose(np.linalg.norm(vectors_ND, axis=1), 1, atol=1e-5)
    for number, text in enumerate(texts):
        np.testing.assert_allclose(vectors_ND[number], embed(bundle, [text])[0], atol=1e-5)
