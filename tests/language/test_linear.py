import numpy as np
import pytest

from groundup.core.errors import DataError
from groundup.language.linear import HashedLinear

GOOD = ["a lovely warm day", "what a lovely song", "warm and kind people", "a kind lovely friend"]
BAD = ["an awful cold day", "what an awful noise", "cold and cruel people", "a cruel awful enemy"]


def trained() -> HashedLinear:
    return HashedLinear(["bad", "good"], bits=12).fit(GOOD + BAD, ["good"] * 4 + ["bad"] * 4)


def test_it_learns_words_and_uses_them_on_new_texts():
    assert trained().predict(["a lovely kind song", "awful cruel noise"]) == ["good", "bad"]


def test_probabilities_sum_to_one_and_training_repeats_exactly():
    probabilities = trained().probabilities(["a lovely day", ""])
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(probabilities, trained().probabilities(["a lovely day", ""]))


def test_saving_keeps_every_probability(tmp_path):
    model = trained()
    model.save(tmp_path / "model.safetensors")
    again = HashedLinear.load(tmp_path / "model.safetensors")
    assert np.array_equal(model.probabilities(GOOD), again.probabilities(GOOD))


def test_labels_outside_the_list_are_refused():
    with pytest.raises(DataError, match="neutral"):
        HashedLinear(["bad", "good"]).fit(["x"], ["neutral"])
