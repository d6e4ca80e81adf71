"""What holds for every kind of tokenizer, and for each alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.errors import ArtifactError, DataError, RecipeError, UsageError
from groundup.tokenizer.base import MODULES, Tokenizer
from groundup.tokenizer.kinds import KINDS
from groundup.tokenizer.pattern import byte_characters, character_bytes, pieces, pre_tokens
from groundup.tokenizer.special import SPECIAL

from .conftest import CORPUS, LOOKS_SPECIAL, SIZES, TRICKY

LOSSLESS = ["bpe", "unigram", "characters", "bytes"]


def test_every_registered_kind_is_tried_here(trained):
    assert set(KINDS) == set(trained) == set(SIZES) and len(MODULES) == len(SIZES)
    assert [name for name in KINDS if KINDS.get(name).lossless] == [name for name in KINDS if name in LOSSLESS]


@pytest.mark.parametrize("kind", SIZES)
def test_the_vocabulary_has_the_size_asked_for_and_begins_with_the_special_tokens(trained, kind):
    tokenizer = trained[kind]
    assert tokenizer.kind == kind
    assert tokenizer.special == {name: place for place, name in enumerate(SPECIAL)}
    if kind == "characters":  # what the corpus has, at most so many
        assert 288 < tokenizer.vocabulary_size <= SIZES[kind]
    else:
        assert tokenizer.vocabulary_size == SIZES[kind]


@pytest.mark.parametrize("kind", SIZES)
def test_training_twice_gives_the_same_bytes(trained, saved, kind, tmp_path):
    again = Tokenizer.train(CORPUS, kind, SIZES[kind]).save(tmp_path, context_length=256)
    names = sorted(path.name for path in saved[kind].iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    assert all((again / name).read_bytes() == (saved[kind] / name).read_bytes() for name in names)


@pytest.mark.parametrize("kind", LOSSLESS)
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60))
def test_decoding_gives_the_text_back(trained, kind, text):
    tokenizer = trained[kind]
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert b"".join(map(tokenizer.token_bytes, ids)) == text.encode("utf-8")
    assert int(tokenizer.bytes_per_token[ids].sum()) == len(text.encode("utf-8"))


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("text", TRICKY)
def test_tricky_text_comes_back(trained, kind, text):
    assert trained[kind].decode(trained[kind].encode(text)) == text


def test_wordpiece_keeps_words_and_marks_what_it_does_not_know(trained):
    tokenizer = trained["wordpiece"]
    assert tokenizer.decode(tokenizer.encode("The  old baker\nwalked")) == "The old baker walked"
    assert tokenizer.encode("\U0001f600") == [tokenizer.special["<|unk|>"]]


@pytest.mark.parametrize("kind", SIZES)
def test_text_that_looks_special_stays_text(trained, kind):
    tokenizer = trained[kind]
    ids = tokenizer.encode(LOOKS_SPECIAL)
    assert min(ids) >= len(SPECIAL) or (kind == "wordpiece" and set(ids) & set(range(32)) <= {12})
    assert tokenizer.encode_batch([LOOKS_SPECIAL]) == [ids]
    if kind in LOSSLESS:
        assert tokenizer.decode(ids) == LOOKS_SPECIAL
    assert tokenizer.encode_with_special("<|user|><|end|>") == [
        tokenizer.special["<|user|>"],
        tokenizer.special["<|end|>"],
    ]


@pytest.mark.parametrize("kind", SIZES)
def test_special_tokens_have_no_bytes_and_are_skipped_when_decoding(trained, kind):
    tokenizer = trained[kind]
    assert tokenizer.bytes_per_token.dtype == np.int64
    assert tokenizer.bytes_per_token.shape == (tokenizer.vocabulary_size,)
    assert not tokenizer.bytes_per_token[: len(SPECIAL)].any() and tokenizer.bytes_per_token[len(SPECIAL) :].all()
    ids = [tokenizer.special["<|user|>"], *tokenizer.encode("boat"), tokenizer.special["<|end|>"]]
    assert tokenizer.decode(ids) == "boat"
    assert "<|user|>" in tokenizer.decode(ids, skip_special=False)


@pytest.mark.parametrize("kind", SIZES)
def test_a_saved_tokenizer_is_the_same_when_loaded(trained, saved, kind):
    tokenizer = Tokenizer.load(saved[kind])
    assert (tokenizer.kind, tokenizer.special) == (kind, trained[kind].special)
    assert not tokenizer.is_foreign and tokenizer.chat_template == ""
    texts = [*TRICKY, LOOKS_SPECIAL]
    assert tokenizer.encode_batch(texts) == [trained[kind].encode(text) for text in texts]


def test_lone_surrogates_do_not_stop_encoding(trained):
    assert trained["bpe"].decode(trained["bpe"].encode("a\ud800b")) == "a?b"


def test_a_character_cut_in_half_is_shown_as_replacement(trained):
    assert trained["bytes"].decode(trained["bytes"].encode("\u00e9")[:1]) == "\ufffd"


def test_a_corpus_too_small_names_the_largest_size():
    with pytest.raises(DataError, match=r"too small for a vocabulary of 5000.*fills only (\d+)") as error:
        Tokenizer.train(CORPUS, "bpe", 5000)
    largest = int(str(error.value).split("vocabulary_size = ")[1].split()[0])
    assert Tokenizer.train(CORPUS, "bpe", largest).vocabulary_size == largest


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_other_kinds_refuse_a_corpus_too_small(kind):
    with pytest.raises(DataError, match="too small"):
        Tokenizer.train(["a b a b"], kind, 2000)


def test_a_size_below_the_alphabet_and_an_unknown_kind_are_refused():
    with pytest.raises(RecipeError, match="too small for kind 'bpe'"):
        Tokenizer.train(CORPUS, "bpe", 287)
    with pytest.raises(RecipeError, match="288"):
        Tokenizer.train(CORPUS, "bytes", 300)
    with pytest.raises(UsageError, match="Did you mean 'bpe'"):
        Tokenizer.train(CORPUS, "bpee", 400)


def test_a_missing_or_damaged_folder_is_named(tmp_path):
    with pytest.raises(ArtifactError, match="holds no tokenizer"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactError, match="cannot be read"):
        Tokenizer.load(tmp_path)


def test_digits_stand_alone_and_pre_tokens_join_to_the_text():
    text = "In 1984, she'll pay 3.50!\n\n  Done  now"
    found = pre_tokens(text)
    assert "".join(found) == text
    assert [word for word in found if any(c.isdigit() for c in word)] == list("1984350")


@given(st.text(alphabet="ab \n.1", max_size=300))
def test_long_texts_are_cut_where_no_pre_token_is(text):
    cut = list(pieces(text, 20))
    assert "".join(cut) == text and max(map(len, cut)) <= 40
    borders = {0}
    for word in pre_tokens(text):
        borders.add(max(borders) + len(word))
    place = 0
    for piece in cut[:-1]:
        place += len(piece)
        assert place in borders or len(piece) == 20  # cut hard: no safe place in reach


def test_an_endless_text_encodes_like_its_parts(trained, monkeypatch):
    text = "The old baker walked to the river.\n" * 50
    whole = trained["bpe"].encode(text)
    monkeypatch.setattr("groundup.tokenizer.base.LONGEST_PIECE", 100)
    assert trained["bpe"].encode(text) == whole == trained["bpe"].encode_batch([text, "x"])[0]


def test_every_byte_has_its_own_printable_character():
    assert len(set(byte_characters())) == 256 and all(c.isprintable() for c in byte_characters())
    assert [character_bytes()[c] for c in byte_characters()] == list(range(256))
