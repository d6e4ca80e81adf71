"""Gendered words are turned around, and grammar holds."""

import pytest

from groundup.language.swap import swapped


@pytest.mark.parametrize(
    "text, turned",
    [
        ("The nurse said that she was tired.", "The nurse said that he was tired."),
        ("He saw her in town.", "She saw him in town."),
        ("He took her bag.", "She took his bag."),
        ("She gave him his hat.", "He gave her her hat."),
        ("The dog is hers.", "The dog is his."),
        ("The dog is his.", "The dog is hers."),
        ("His was red.", "Hers was red."),
        ("She hurt herself; HE did not.", "He hurt himself; SHE did not."),
        ("Anna met her brother Peter.", "Adam met his sister Maria."),
        ("Mr. King and his wife", "Mrs. Queen and her husband"),
        ("The shepherd kept his herd here.", "The shepherd kept her herd here."),
        ("", ""),
    ],
)
def test_a_text_turned_around(text, turned):
    assert swapped(text) == turned


@pytest.mark.parametrize("text", ["He said that she saw the king.", "Her coat, his hat, my aunt.", "Tom lost himself."])
def test_turning_twice_gives_the_text_back(text):
    assert swapped(swapped(text)) == text
