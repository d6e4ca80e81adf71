"""Classification metrics equal scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from groundup.metrics.classification import accuracy, confusion, f1, matthews, precision_recall_f1, quadratic_kappa

pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(pairs)
def test_equal_to_scikit_learn_on_any_labels(items):
    gold, predicted = map(list, zip(*items, strict=True))
    assert accuracy(gold, predicted) == pytest.approx(reference.accuracy_score(gold, predicted))
    for average in ("macro", "micro", "weighted"):
        ours = precision_recall_f1(gold, predicted, average=average)
        theirs = reference.precision_recall_fscore_support(gold, predicted, average=average, zero_division=0)
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx(theirs[:3])
    assert matthews(gold, predicted) == pytest.approx(reference.matthews_corrcoef(gold, predicted), abs=1e-12)
    labels, counts = confusion(gold, predicted)
    np.testing.assert_array_equal(counts, reference.confusion_matrix(gold, predicted, labels=labels))


@given(pairs)
def test_quadratic_kappa_equals_scikit_learn(items):
    gold, predicted = map(list, zip(*items, strict=True))
    if len({*gold, *predicted}) > 1:
        # scikit-learn weighs by the place of a label; ours by its value: give it all grades.
        theirs = reference.cohen_kappa_score(gold, predicted, labels=[0, 1, 2, 3], weights="quadratic")
        assert quadratic_kappa(gold, predicted) == pytest.approx(theirs, abs=1e-12)


def test_kappa_of_one_single_grade_is_perfect():
    assert quadratic_kappa([2, 2], [2, 2]) == 1.0


def test_binary_f1_of_one_label():
    gold, predicted = ["spam", "ham", "spam"], ["spam", "spam", "ham"]
    ours = precision_recall_f1(gold, predicted, labels=["spam"])
    assert ours.f1 == reference.f1_score(gold, predicted, pos_label="spam")
    assert ours.support == 2


def test_f1_is_macro_by_default_and_unknown_averages_are_refused():
    assert f1([0, 0, 0, 1], [0, 0, 0, 0]) == pytest.approx((6 / 7 + 0) / 2)
    with pytest.raises(ValueError, match="macro"):
        f1([0], [0], average="mean")


@pytest.mark.parametrize(("gold", "predicted"), [([1], []), ([], [])])
def test_lists_that_do_not_pair_are_refused(gold, predicted):
    with pytest.raises(ValueError, match=r"pair|nothing"):
        accuracy(gold, predicted)
