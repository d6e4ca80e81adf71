"""What is shown is whole, and is never taken back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.generate import TextStream
from groundup.tokenizer import Tokenizer

BYTES = Tokenizer.train(["tiny"], kind="bytes")


def test_a_character_is_shown_when_its_last_byte_is_there():
    stream = TextStream(BYTES)
    assert [stream.push(token) for token in BYTES.encode("\u20ac")] == ["", "", "\u20ac"]


def test_half_a_character_at_the_end_is_marked():
    stream = TextStream(BYTES)
    stream.push(BYTES.encode("\u20ac")[0])
    assert (stream.finish(), stream.text) == ("\ufffd", "\ufffd")


@settings(max_examples=200, deadline=None)
@given(text=st.text("ab\u00e9 ", max_size=30), stops=st.lists(st.text("ab ", min_size=1, max_size=4), max_size=3))
def test_the_text_ends_before_the_first_stop_string(text, stops):
    stream = TextStream(BYTES, stops)
    shown = ""
    for token in BYTES.encode(text):
        shown += stream.push(token)
        assert not any(stop in shown for stop in stops)
        if stream.stopped:
            break
    shown += stream.finish()
    if not any(stop in text for stop in stops):
        assert shown == text and not stream.stopped
    else:
        assert stream.stopped and text.startswith(shown)
        assert any(text[len(shown) :].startswith(stop) for stop in stops)
        assert not any(stop in shown for stop in stops)


@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "characters"])
def test_other_kinds_of_tokenizers_stream_to_the_text_they_decode_to(kind):
    words = [a + b + c for a in "bcdfgr" for b in "aeiou" for c in "bdgmnt"]
    corpus = [f"the {word} ran to the {other} cat" for word, other in zip(words, reversed(words), strict=True)]
    tokenizer = Tokenizer.train(corpus, kind=kind, vocabulary_size=250 if kind == "wordpiece" else 320)
    ids = tokenizer.encode("the cat ran on")
    stream = TextStream(tokenizer)
    assert "".join([stream.push(token) for token in ids] + [stream.finish()]) == tokenizer.decode(ids)
