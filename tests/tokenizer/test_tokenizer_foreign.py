"""Ranks of tiktoken and models of sentencepiece are read without their libraries; `look` measures any tokenizer."""

import base64
import struct

import numpy as np
import pytest

from groundup.core.errors import ArtifactError
from groundup.tokenizer import bpe
from groundup.tokenizer.base import Tokenizer
from groundup.tokenizer.look import as_text, look, num_words
from groundup.tokenizer.special import SPECIAL

from .conftest import CORPUS, SENTENCES, TRICKY


def test_ranks_encode_as_the_merges_they_were_written_from(tmp_path):
    twin = bpe.train(CORPUS, 420)
    lines = [base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(twin.tokens[len(SPECIAL) :])]
    (tmp_path / "own.tiktoken").write_bytes(b"".join(lines))
    opened = Tokenizer.load(tmp_path / "own.tiktoken")
    for text in [*SENTENCES, *TRICKY]:
        assert opened.encode(text) == [symbol - len(SPECIAL) for symbol in twin.encode(text)]
        assert opened.decode(opened.encode(text)) == text


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def sentencepiece(pieces, model_type: int) -> bytes:
    """A protocol buffer as sentencepiece writes it; pieces: (text, score, type)."""
    model = b""
    for text, score, kind in pieces:
        inside = field(1, text.encode()) + bytes([2 << 3 | 5]) + struct.pack("<f", score) + field(3, kind)
        model += field(1, inside)
    return model + field(2, field(3, model_type)) + field(3, field(1, b"identity"))


LETTERS = [(letter, -10.0 - place, 1) for place, letter in enumerate("\u2581abcdehlotrx")]


@pytest.mark.parametrize("model_type", [1, 2])
def test_a_sentencepiece_model_takes_the_best_pieces(tmp_path, model_type):
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("\u2581ab", -1.0, 1), ("ab", -2.0, 1), ("cd", -3.0, 1), *LETTERS]
    (tmp_path / "own.model").write_bytes(sentencepiece(pieces, model_type))
    opened = Tokenizer.load(tmp_path / "own.model")
    assert [pieces[place][0] for place in opened.encode("ab  abcd")] == ["\u2581ab", "\u2581ab", "cd"]
    assert opened.decode(opened.encode("ab abcd hello")) == "ab abcd hello"
    assert opened.encode("<s>")[0] != 1  # what a user writes is never a special token


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.tiktoken", b"no rank here at all\n"),
        ("few.tiktoken", b"YQ== 0\n"),
        ("empty.model", b""),
        ("cut.model", sentencepiece(LETTERS, 1)[:20]),
        ("words.model", sentencepiece(LETTERS, 3)),
        ("noise.model", bytes(range(200, 256))),
    ],
)
def test_damaged_files_are_refused_with_their_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=name):
        Tokenizer.load(tmp_path / name)


def test_look_counts_bytes_words_and_tokens_that_are_never_used(trained):
    tokenizer = trained["bpe"]
    texts = [("The old baker walked.", "en", "a"), ("\u4f60\u597d", "zh", "b"), ("", "", "b")]
    facts = look(tokenizer, texts)
    tokens = sum(len(tokenizer.encode(text)) for text, _, _ in texts)
    assert (facts["texts"], facts["tokens"], facts["round_trip"]) == (3, tokens, {"exact": 3, "tried": 3})
    assert facts["by_language"]["zh"]["tokens_per_word"] == len(tokenizer.encode("\u4f60\u597d")) / 2
    assert set(facts["by_source"]) == {"a", "b"}
    used = {place for text, _, _ in texts for place in tokenizer.encode(text)}
    assert facts["unused_tokens"]["count"] == tokenizer.vocabulary_size - len(SPECIAL) - len(used)
    assert "language zh" in as_text(facts)


def test_look_takes_the_counts_of_the_training_tokens(trained):
    tokenizer = trained["bytes"]
    counts = np.full(tokenizer.vocabulary_size, 100)
    counts[-1], counts[-2] = 0, 3
    facts = look(tokenizer, [("abc", "", "")], counts)
    assert (facts["unused_tokens"]["count"], facts["under_trained_tokens"]["count"]) == (1, 1)


def test_words_of_scripts_without_blanks_are_their_characters():
    assert num_words("two words") == 2
    assert num_words("\u4f60\u597d") == 2
