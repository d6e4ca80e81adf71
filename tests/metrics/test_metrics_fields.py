"""F1 over fields: the pairs of field and value as a set of labels, as scikit-learn counts them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.preprocessing import MultiLabelBinarizer

from groundup.metrics.fields import f1_by_field, field_f1, record_match

GOLD = {"vendor": "The Paper Mill", "total": 12.5, "items": ["pens", "ink"], "seller": {"name": "Ann"}}


@pytest.mark.parametrize(
    ("given", "f1"),
    [
        (GOLD, 1.0),
        ({**GOLD, "vendor": "paper mill.", "total": "12.50"}, 1.0),  # case, articles and the form of a number aside
        ({**GOLD, "items": ["ink", "pens"]}, 1.0),
        ({**GOLD, "date": None, "note": ""}, 1.0),  # an empty field claims nothing
        ({**GOLD, "date": "today"}, 2 * 5 / (6 + 5)),
        ({"seller": {"name": "Bob"}, "total": 12.5}, 2 * 1 / (2 + 5)),
        (None, 0.0),
    ],
)
def test_fields_count_by_path_and_value(given, f1):
    assert field_f1([GOLD], [given]).f1 == pytest.approx(f1)
    assert record_match(GOLD, given) == float(f1 == 1.0)


def test_every_field_has_a_score_of_its_own():
    found = f1_by_field([{"a": "x", "b": "y"}, {"a": "z"}], [{"a": "x"}, {"a": "q", "c": "1"}])
    assert {name: score.f1 for name, score in found.items()} == {"a": 0.5, "b": 0.0, "c": 0.0}


def test_endless_nesting_claims_nothing():
    deep: dict = {"a": "x"}
    for _ in range(900):
        deep = {"a": deep}
    assert field_f1([GOLD], [deep]).f1 == 0.0


records = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", "z"]), max_size=3)


@settings(deadline=None)
@given(st.lists(st.tuples(records, records), min_size=1, max_size=6))
def test_equal_to_scikit_learn_on_sets_of_pairs(pairs):
    gold, predicted = map(list, zip(*pairs, strict=True))
    sets = [[f"{key}={value}" for key, value in record.items()] for record in (*gold, *predicted)]
    # All nine classes named: a matrix of one column scikit-learn takes for a binary task, and counts its zeros too.
    rows = MultiLabelBinarizer(classes=[f"{key}={value}" for key in "abc" for value in "xyz"]).fit_transform(sets)
    truth, claim = rows[: len(gold)], rows[len(gold) :]
    ours = field_f1(gold, predicted)
    for value, theirs in zip(
        (ours.precision, ours.recall, ours.f1), (precision_score, recall_score, f1_score), strict=True
    ):
        assert value == pytest.approx(theirs(truth, claim, average="micro", zero_division=0))
