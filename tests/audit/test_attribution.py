"""Attributions on a model whose rule is known, and beside captum's where it is installed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from groundup.audit.attribution import METHODS, Explained, integrated_gradients
from groundup.audit.faithfulness import faithfulness
from groundup.audit.lens import decided_at, logit_lens, residual_stream
from tests.audit import rule_model

DEFAULT = next(iter(METHODS))


@pytest.fixture(scope="module")
def model() -> Any:
    trained = rule_model.train()
    assert rule_model.accuracy(trained) > 0.98
    return trained


def explained(model: Any, row: int, ids: torch.Tensor, answers: torch.Tensor, **options: Any) -> Explained:
    return Explained(model, ids[row].tolist(), [int(answers[row])], **options)


@pytest.mark.parametrize("method", [DEFAULT, "occlusion"])
def test_the_word_that_decides_is_found(model: Any, method: str) -> None:
    ids, answers, places = rule_model.lines(40, 77)
    movable = [True] * (rule_model.LENGTH - 1) + [False]  # the mark is frame
    hits = 0
    for row in range(40):
        scores = METHODS[method](explained(model, row, ids, answers, movable=movable)).scores_T
        hits += int(scores.argmax()) == int(places[row])
        assert scores[-1] == 0
    assert hits / 40 >= 0.95


def test_integrated_gradients_add_up(model: Any) -> None:
    ids, answers, _ = rule_model.lines(8, 5)
    for row in range(8):
        found = integrated_gradients(explained(model, row, ids, answers))
        assert found.residual is not None and found.residual < 0.01
        assert found.scores_T.sum() == pytest.approx(found.value - found.baseline, rel=0.01, abs=1e-3)


def test_too_few_steps_are_confessed_by_the_residual(model: Any) -> None:
    ids, answers, _ = rule_model.lines(8, 5)
    rough = [integrated_gradients(explained(model, row, ids, answers), steps=1, most=1) for row in range(8)]
    assert max(one.residual or 0 for one in rough) > 0.01


def test_why_this_and_not_that_turns_its_sign_when_turned_around(model: Any) -> None:
    ids, answers, places = rule_model.lines(4, 6)
    for row in range(4):
        right, wrong = int(answers[row]), 45 - int(answers[row])
        this = Explained(model, ids[row].tolist(), [right], [wrong])
        that = Explained(model, ids[row].tolist(), [wrong], [right])
        for method in METHODS.values():
            assert method(this).scores_T == pytest.approx(-method(that).scores_T, abs=2e-4)
        assert int(METHODS["occlusion"](this).scores_T[:-1].argmax()) == int(places[row])


def test_a_target_of_several_tokens_is_the_product_of_its_tokens(model: Any) -> None:
    ids, _, _ = rule_model.lines(1, 9)
    prompt, target = ids[0].tolist(), [3, 22, 5]
    value = float(Explained(model, prompt, target).both_values()[0])
    with torch.no_grad():
        logs = model.logits(model(torch.tensor([prompt + target])))[0].log_softmax(-1)
    by_hand = sum(float(logs[len(prompt) - 1 + place, token]) for place, token in enumerate(target))
    assert value == pytest.approx(by_hand, abs=1e-4)


def test_the_top_words_are_needed_more_than_random_ones(model: Any) -> None:
    ids, answers, _ = rule_model.lines(30, 11)
    movable = [True] * (rule_model.LENGTH - 1) + [False]
    leads: dict[tuple[str, str], list[float]] = {}
    for row in range(30):
        one = explained(model, row, ids, answers, movable=movable)
        for found in faithfulness(one, [integrated_gradients(one)], seed=row):
            needed = found.comprehensiveness - found.random_comprehensiveness
            enough = found.random_sufficiency - found.sufficiency
            leads.setdefault((found.operator, "needed"), []).append(needed)
            leads.setdefault((found.operator, "enough"), []).append(enough)
    assert len(leads) == 4
    for values in leads.values():
        error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        assert np.mean(values) > 3 * error > 0


def test_a_turned_around_attribution_is_no_better_than_chance(model: Any) -> None:
    ids, answers, _ = rule_model.lines(1, 12)
    one = explained(model, 0, ids, answers)
    good = integrated_gradients(one)
    bad = type(good)("turned", -good.scores_T, good.value, good.baseline)
    for found in faithfulness(one, [bad]):
        assert found.z < 1 and found.trust == "no better than chance here"


def test_taking_away_everything_leaves_something_to_read(model: Any) -> None:
    one = Explained(model, [20], [22])
    for found in faithfulness(one, [integrated_gradients(one)]):
        assert math.isfinite(found.comprehensiveness) and found.z == 0  # one token: every order is the same


def test_the_lens_ends_where_the_model_does(model: Any) -> None:
    ids, answers, _ = rule_model.lines(1, 13)
    prompt, answer = ids[0].tolist(), int(answers[0])
    views = logit_lens(model, prompt, answer)
    with torch.no_grad():
        probabilities = model.logits(model(torch.tensor([prompt]))[0, -1]).softmax(-1)
    assert [view.layer for view in views] == [0, 1, 2] and len(residual_stream(model, prompt)) == 3
    assert views[-1].kl == pytest.approx(0, abs=1e-6) and views[0].kl > views[-1].kl
    assert views[-1].target_probability == pytest.approx(float(probabilities[answer]), abs=1e-5)
    # The embedding of the mark alone cannot know the key word.
    assert views[-1].target_rank == 1 and decided_at(views) in (1, 2)
    assert decided_at(logit_lens(model, prompt, 0)) is None


def test_captum_agrees(model: Any) -> None:
    captum = pytest.importorskip("captum.attr")
    ids, answers, _ = rule_model.lines(3, 21)
    for row in range(3):
        one = explained(model, row, ids, answers)
        x, baseline = one.x_TD[None], one.baseline_TD[None]
        ours = integrated_gradients(one, steps=32, most=32).scores_T
        theirs = captum.IntegratedGradients(one.value).attribute(
            x, baselines=baseline, n_steps=32, method="gausslegendre"
        )
        assert ours == pytest.approx(theirs.sum(-1)[0].detach().numpy(), abs=1e-3)
        ours = METHODS["gradient_x_input"](one).scores_T
        theirs = captum.InputXGradient(one.value).attribute(x.clone().requires_grad_(True))
        assert ours == pytest.approx(theirs.sum(-1)[0].detach().numpy(), abs=1e-4)
        mask = torch.arange(x.shape[1])[None, :, None].expand_as(x)
        theirs = captum.FeatureAblation(one.value).attribute(x, baselines=baseline, feature_mask=mask)
        assert METHODS["occlusion"](one).scores_T == pytest.approx(theirs[0, :, 0].numpy(), abs=1e-4)
