"""The rows of the real-data recipes: what is held out shares nothing with what is learned."""

from __future__ import annotations

from benchmarks.classify import apart, bare, held_out


def test_rows_that_contain_a_held_out_one_or_stand_in_one_are_left_out() -> None:
    test = [("A fine, fine film .", "positive"), ("dull", "negative")]
    rows = [
        ("fine film", "positive"),  # stands in a held-out row
        ("such a dull thing", "negative"),  # contains one
        ("a FINE , fine film", "positive"),  # is one
        ("dullness", "negative"),  # another word
        ("a film", "positive"),  # its words stand there, but not in a row
        ("A film!", "positive"),  # the same text again
        ("...", "negative"),
    ]
    assert apart(rows, test) == [("dullness", "negative"), ("a film", "positive")]


def test_copies_of_a_text_never_stand_on_both_sides() -> None:
    rows = [(f"Text {number}{mark}", "x") for number in range(40) for mark in ("", "!", " .")]
    train, test = held_out(rows, 10)
    assert len(test) == 10 and len(train) == 30 and not {bare(one) for one, _ in train} & {bare(one) for one, _ in test}
    assert held_out(rows[::-1], 10)[1][0][0].rstrip("! .") == test[0][0].rstrip("! ."), (
        "the choice follows from the texts"
    )
