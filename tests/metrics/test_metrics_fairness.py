"""Group fairness by hand, and on a classifier with a planted preference."""

import numpy as np
import pytest

from groundup.metrics.fairness import demographic_parity, equal_opportunity, equalised_odds

YES = [1, 1, 1, 0, 1, 0, 0, 0]
GOLD = [1, 1, 0, 0, 1, 1, 0, 0]
GROUPS = list("aaaabbbb")


def test_the_three_measures_by_hand():
    parity = demographic_parity(YES, GROUPS)
    assert (parity.difference, parity.ratio) == (0.5, pytest.approx(1 / 3)) and parity.rates["a"] == (0.75, 4)
    chance = equal_opportunity(YES, GOLD, GROUPS)
    assert (chance.difference, chance.ratio) == (0.5, 0.5)
    assert equalised_odds(YES, GOLD, GROUPS).difference == 0.5
    assert equalised_odds([1, 1, 1, 1, 1, 1, 0, 0], GOLD, GROUPS).difference == 1.0  # yes where it is wrong


def test_a_planted_preference_is_measured_and_its_fair_twin_is_not_accused():
    random = np.random.default_rng(1)
    gold, groups = random.random(4000) < 0.5, random.choice(["a", "b"], 4000)
    fair = np.where(random.random(4000) < 0.9, gold, ~gold)
    unfair = np.where((groups == "a") & (random.random(4000) < 0.3), True, fair)
    assert equalised_odds(fair.tolist(), gold.tolist(), groups.tolist()).difference < 0.05
    assert equalised_odds(unfair.tolist(), gold.tolist(), groups.tolist()).difference > 0.2


def test_a_group_without_items_stops():
    with pytest.raises(ValueError, match="'b' has no item"):
        equal_opportunity([1, 1], [1, 0], ["a", "b"])
