"""Memory that is there is found, and where there is none nothing is claimed: membership, extraction, one-run epsilon."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from groundup.audit.membership import auroc, lowest_mean, true_positives
from groundup.audit.one_run import epsilon_bound, right_guesses
from groundup.audit.reading import read
from groundup.audit.stage import check_of
from tests.audit.memory_toy import WORDS, Pairs, look_at, rows

INSIDE, OUTSIDE, ELSE = rows(40, 80, 1), rows(40, 80, 2), rows(40, 80, 3)
SPLITS = {"train": INSIDE, "test": OUTSIDE}


def test_a_model_that_remembers_its_documents_gives_them_away(tmp_path: Path) -> None:
    (found,) = check_of("membership")(look_at(tmp_path, Pairs(INSIDE), SPLITS))
    assert found.value is not None and found.value > 0.95 and found.low is not None and found.low > 0.8
    assert {row["attack"] for row in found.evidence} == {"loss", "zlib", "min_k", "min_k_pp"}
    assert all(row["auroc"] > 0.9 for row in found.evidence)


def test_its_twin_that_read_something_else_gives_nothing_away(tmp_path: Path) -> None:
    (found,) = check_of("membership")(look_at(tmp_path, Pairs(ELSE), SPLITS))
    assert found.low is not None and found.low <= 0.5 and "no evidence either way" in found.summary


def test_documents_known_by_heart_are_continued_word_for_word(tmp_path: Path) -> None:
    # Each token of one row stands once: its next one is certain.
    by_heart = [[0, *np.random.default_rng(seed).permutation(np.arange(1, WORDS))[:80].tolist()] for seed in range(25)]
    model = Pairs(by_heart[:1])
    (found,) = check_of("extraction")(look_at(tmp_path, model, {"train": by_heart[:1] * 25, "test": by_heart}))
    assert (
        found.value == pytest.approx(0.96) and found.low is not None and found.low > 0.7
    )  # 1 of 25 unseen is the same
    (twin,) = check_of("extraction")(look_at(tmp_path / "twin", Pairs(ELSE), {"train": by_heart, "test": by_heart}))
    assert twin.value == 0 and "no evidence either way" in twin.summary


def test_without_the_runs_tokens_nothing_is_measured(tmp_path: Path) -> None:
    looked = look_at(tmp_path, Pairs(INSIDE), SPLITS)
    for name in ("membership", "extraction", "calibration"):
        for finding in check_of(name)(type(looked)(looked.subject, {}, looked.options, 1)):
            assert finding.value is None and "needs" in finding.summary


def test_reading_equals_the_definitions_place_by_place() -> None:
    model = Pairs(INSIDE)
    readings = read(type("Engine", (), {"model": model})(), [INSIDE[0], INSIDE[1][:10]])
    log_VV = model.table_VV.detach().double().log_softmax(-1).numpy()
    for row, one in ((INSIDE[0], readings[0]), (INSIDE[1][:10], readings[1])):
        for place, (before, came) in enumerate(itertools.pairwise(row)):
            p = np.exp(log_VV[before])
            mean = (p * log_VV[before]).sum()
            assert one.logprobs_T[place] == pytest.approx(log_VV[before, came], abs=1e-5)
            assert one.means_T[place] == pytest.approx(mean, abs=1e-4)
            assert one.deviations_T[place] == pytest.approx(
                math.sqrt((p * (log_VV[before] - mean) ** 2).sum()), abs=1e-3
            )
            assert one.right_T[place] == (log_VV[before].argmax() == came)


def test_auroc_counts_ties_half_as_the_reference_does() -> None:
    random = np.random.default_rng(1)
    members, others = random.integers(0, 8, 50).astype(float), random.integers(0, 6, 60).astype(float)
    gold = roc_auc_score([1] * 50 + [0] * 60, [*members, *others])
    assert auroc(members, others) == pytest.approx(gold)
    assert true_positives(np.array([5.0, 1.0]), np.arange(5.0), 0.01) == 0.5
    assert lowest_mean(np.array([-5.0, -1.0, -1.0, -1.0, -3.0, 0, 0, 0, 0, 0])) == -4.0


@pytest.mark.parametrize(
    "right, guesses, level, epsilon",
    [
        (100, 100, 0.05, 3.493),
        (100, 100, 0.01, 3.055),
        (90, 100, 0.05, 1.631),
        (60, 100, 0.05, 0.052),
        (600, 1000, 0.05, 0.298),
        (50, 100, 0.05, 0.0),
    ],
)
def test_the_bound_of_one_run_has_its_published_values(right: int, guesses: int, level: float, epsilon: float) -> None:
    assert epsilon_bound(right, guesses, level=level) == pytest.approx(epsilon, abs=1e-3)


def test_the_surer_half_is_called_planted() -> None:
    assert right_guesses([9.0, 1.0, 8.0, 2.0], [True, False, True, False]) == 4
    assert right_guesses([9.0, 1.0, 8.0, 2.0], [False, True, True, False]) == 2
