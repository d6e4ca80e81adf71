"""Half of the documents are turned around, by their hash, and a planted skew is gone."""

from groundup.clean.base import make_step
from groundup.clean.options import CleanOptions
from groundup.core.document import Document


def test_a_skew_of_four_to_one_becomes_even():
    step = make_step("counterfactual", CleanOptions())
    texts = ["The nurse said that she came."] * 4 + ["The nurse said that he came."]
    made = [step.apply(Document(text, "s", f"{number}", language="en")) for number, text in enumerate(texts * 400)]
    share = sum(" he " in one.text for one in made) / len(made)
    assert 0.45 < share < 0.55 and 800 < step.counts["left as they are"] < 1200
    again = make_step("counterfactual", CleanOptions())
    assert [again.apply(Document(text, "s", f"{n}", language="en")).text for n, text in enumerate(texts * 400)] == [
        one.text for one in made
    ]


def test_other_languages_and_code_stay_as_they_are():
    step = make_step("counterfactual", CleanOptions())
    for number in range(20):
        german = Document("Mr. he", "s", f"{number}", language="de")
        code = Document("he = 1", "s", f"{number}", language="en", meta={"kind": "code"})
        assert step.apply(german) is german and step.apply(code) is code
