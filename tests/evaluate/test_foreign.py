"""Any Hugging Face folder evaluates: layouts of ours by our code, others by transformers, with the same answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.core.errors import ArtifactError, GroundupError
from groundup.evaluate.foreign import ForeignEngine, open_foreign
from groundup.evaluate.subject import load_subject, writes_border
from groundup.generate import Sampling
from groundup.tokenizer import Tokenizer

transformers = pytest.importorskip("transformers")
SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
SIZES |= {"max_position_embeddings": 64, "bos_token_id": 0, "eos_token_id": 1}
TEXTS = [("the cat sat", " on the mat"), ("a", " dog"), ("the cat sat on the mat and then it", " ran away")]


def folder_of(place: Path, kind: str) -> Path:
    """A small random model of transformers with a byte tokenizer of ours beside it."""
    import torch

    torch.manual_seed(1)
    config = getattr(transformers, f"{kind}Config")(**SIZES)
    getattr(transformers, f"{kind}ForCausalLM")(config).save_pretrained(place)
    Tokenizer.train(["tiny"], kind="bytes").save(place)
    return place


def test_an_unknown_layout_is_opened_by_transformers(tmp_path: Path) -> None:
    subject = load_subject(folder_of(tmp_path, "GPTNeoX"), device="cpu")
    assert isinstance(subject.engine, ForeignEngine) and subject.context_length == 64
    found = subject.score(subject.pairs(TEXTS))
    alone = [subject.score(subject.pairs([one]))[0].logprob for one in TEXTS]
    assert [one.logprob for one in found] == pytest.approx(alone, abs=1e-4)
    (written,) = subject.engine.generate([subject.tokenizer.encode("ab")], Sampling(max_tokens=4, temperature=0.0))
    ids = subject.tokenizer.encode("ab")
    assert subject.score([(ids, written.ids)])[0].is_greedy


def test_both_engines_give_one_folder_the_same_scores(tmp_path: Path) -> None:
    place = folder_of(tmp_path, "Llama")
    ours = load_subject(place, device="cpu")
    theirs = open_foreign(place, "cpu", because=GroundupError("asked for"))
    assert not isinstance(ours.engine, ForeignEngine)
    pairs = ours.pairs(TEXTS)
    expected = [one.logprob for one in theirs.score(pairs)]
    assert [one.logprob for one in ours.score(pairs)] == pytest.approx(expected, abs=1e-4)


def test_what_nobody_opens_is_told(tmp_path: Path) -> None:
    place = folder_of(tmp_path, "GPTNeoX")
    (place / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match="Nor does transformers"):
        load_subject(place, device="cpu")


def test_a_tokenizer_that_opens_texts_itself_is_seen(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"post_processor": {"type": "ByteLevel"}}')
    assert not writes_border(tmp_path)
    step = '{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}'
    (tmp_path / "tokenizer.json").write_text(f'{{"post_processor": {{"type": "Sequence", "processors": [{step}]}}}}')
    assert writes_border(tmp_path)
