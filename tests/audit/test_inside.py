"""Lens, patching and attention on a model whose rule is known: one key word decides, the last token asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from groundup.audit.attention import attention_rollout, attention_weights, rollout
from groundup.audit.attribution import Explained
from groundup.audit.lens import logit_lens, streams
from groundup.audit.patching import patch
from groundup.audit.tuned_lens import distances, train_lens
from groundup.core.errors import UsageError
from tests.audit import rule_model


@pytest.fixture(scope="module")
def model() -> Any:
    return rule_model.train()


def test_the_tuned_lens_is_nearer_in_every_layer_and_the_last_needs_none(model: Any) -> None:
    ids, answers, _ = rule_model.lines(64, 3)
    lens = train_lens(model, ids.tolist(), steps=60)
    unseen, _, _ = rule_model.lines(64, 99)
    with torch.no_grad():
        found = streams(model, unseen)
        plain, tuned = distances(model, found, None), distances(model, found, lens)
    assert bool((tuned[:-1] < plain[:-1]).all()) and float(tuned[-1]) == float(plain[-1]) == 0
    views = logit_lens(model, ids[0].tolist(), int(answers[0]), lens)
    assert views[-1].kl == pytest.approx(0, abs=1e-6) and len(views) == 3


def test_training_a_lens_leaves_the_model_alone(model: Any) -> None:
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    train_lens(model, [[1, 2, 3]], steps=2)
    assert all(torch.equal(parameter, before[name]) for name, parameter in model.named_parameters())


def test_patching_finds_the_key_word_below_and_the_asking_token_above(model: Any) -> None:
    ids, answers, places = rule_model.lines(10, 8)
    for row in range(10):
        clean, place = ids[row].tolist(), int(places[row])
        corrupt = [41 - token if token in rule_model.KEYS else token for token in clean]
        found = patch(model, clean, corrupt, int(answers[row]), 45 - int(answers[row]))
        assert found.recovered_LT.shape == (3, rule_model.LENGTH) and found.clean > 0 > found.corrupt
        assert found.recovered_LT[0, place] == pytest.approx(1, abs=1e-4)  # the only word that differs
        assert np.delete(found.recovered_LT[0], place) == pytest.approx(0, abs=1e-4)
        assert found.recovered_LT[-1, -1] == pytest.approx(1, abs=1e-4)  # at the end only the asking token is read


def test_prompts_that_cannot_be_patched_are_refused(model: Any) -> None:
    with pytest.raises(UsageError, match="as many in both"):
        patch(model, [1, 2], [1], 22, 23)
    with pytest.raises(UsageError, match="nothing to bring back"):
        patch(model, [1, 19], [1, 19], 22, 23)


def test_the_weights_are_those_the_model_computes_with(model: Any) -> None:
    ids, _, _ = rule_model.lines(1, 5)
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    hook = model.blocks[1].attention.register_forward_hook(lambda one, inputs, out: kept.append((inputs[0], out)))
    weights = attention_weights(model, ids[0].tolist())
    hook.remove()
    attention = model.blocks[1].attention
    (x_BTD, out_BTD), *_ = kept
    v_BGSK = attention.value(x_BTD).view(1, x_BTD.shape[1], -1, attention.head_dim).transpose(1, 2)
    v_BHSK = v_BGSK.repeat_interleave(attention.groups, dim=1)
    by_hand = attention.output((weights[1] @ v_BHSK[0]).transpose(0, 1).reshape(1, x_BTD.shape[1], -1))
    assert torch.allclose(by_hand, out_BTD, atol=1e-4)
    for weights_HTS in weights:
        assert torch.allclose(weights_HTS.sum(-1), torch.ones(()), atol=1e-5) and not weights_HTS.triu(1).any()


def test_rollout_sums_to_one_and_gives_the_frame_nothing(model: Any) -> None:
    ids, answers, _ = rule_model.lines(1, 6)
    assert rollout(attention_weights(model, ids[0].tolist())).sum() == pytest.approx(1, abs=1e-5)
    movable = [True] * (rule_model.LENGTH - 1) + [False]
    found = attention_rollout(Explained(model, ids[0].tolist(), [int(answers[0])], movable=movable))
    assert found.scores_T[-1] == 0 and found.scores_T[:-1].min() >= 0
