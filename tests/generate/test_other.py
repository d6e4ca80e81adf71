"""Models that do not continue texts are told apart before they are opened, and used for what they are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from groundup.core.errors import UsageError
from groundup.core.files import read_json, write_json
from groundup.generate.other import fill, write
from groundup.generate.purpose import demand_writer
from groundup.model import build
from groundup.model.bundle import load, save
from groundup.model.options import ModelOptions
from groundup.model.presets import resolve
from groundup.tokenizer import Tokenizer

TINY = {"depth": 1, "width": 32, "num_heads": 2, "context_length": 64}


def opened(folder: Path, tokenizer: Tokenizer, family: str):
    options = ModelOptions.model_validate({"family": family, **TINY})
    module = build(resolve(options, tokenizer.vocabulary_size), 1)
    save(folder, module.eval(), tokenizer)
    return load(folder, device="cpu")


def test_an_encoder_fills_gaps_and_does_not_chat(tmp_path, tokenizer):
    bundle = opened(tmp_path / "reader" / "model", tokenizer, "bert")
    gaps = fill(bundle, "A [MASK] is a [MASK].", top=3)
    assert len(gaps) == 2 and all(len(gap.words) == 3 for gap in gaps)
    assert gaps[0].words[0][1] >= gaps[0].words[1][1] > 0
    special = tokenizer.special
    ids = [special["<|cls|>"], *tokenizer.encode("A "), special["<|mask|>"], *tokenizer.encode(" is a ")]
    ids += [special["<|mask|>"], *tokenizer.encode("."), special["<|sep|>"]]
    logits_TV = bundle.model.logits(bundle.model(torch.tensor([ids])))[0]
    logits_TV[:, sorted(special.values())] = float("-inf")
    assert tokenizer.token_bytes(int(logits_TV[3].argmax())).decode("utf-8", "replace") == gaps[0].words[0][0]
    for wrong, words in (("no gap", "0 gaps"), ("[MASK]" * 65, "65 gaps"), ("x" * 70 + "[MASK]", "the model reads 64")):
        with pytest.raises(UsageError, match=words):
            fill(bundle, wrong)
    with pytest.raises(UsageError, match="'reader' is an encoder") as caught:
        demand_writer(bundle.folder, "chat")
    assert "--fill" in str(caught.value)


def test_an_encoder_decoder_writes_from_a_source_with_beams(tmp_path, tokenizer):
    bundle = opened(tmp_path / "translator", tokenizer, "encoder_decoder")
    greedy = write(bundle, "a text", beams=1, max_tokens=6)
    beams = write(bundle, "a text", beams=3, max_tokens=6)
    assert len(greedy) == 1 and len(beams) == 3
    assert beams[0][1].score >= beams[1][1].score >= beams[2][1].score
    with pytest.raises(UsageError, match="makes 65 tokens"):
        write(bundle, "x" * 65)
    with pytest.raises(UsageError, match="Only an encoder"):
        fill(bundle, "[MASK]")
    with pytest.raises(UsageError, match="--source"):
        demand_writer(bundle.folder, "generate")


def test_classifiers_and_span_readers_are_told_apart(tmp_path, tokenizer):
    bundle = opened(tmp_path / "labels", tokenizer, "gpt")
    demand_writer(bundle.folder, "chat")
    config = read_json(bundle.folder / "config.json")
    write_json(bundle.folder / "head.json", {"kind": "qa"})
    with pytest.raises(UsageError, match="is a span reader"):
        demand_writer(bundle.folder, "chat")
    (bundle.folder / "head.json").unlink()
    write_json(bundle.folder / "config.json", {**config, "architectures": ["Qwen3ForSequenceClassification"]})
    with pytest.raises(UsageError, match="is a classifier"):
        demand_writer(bundle.folder, "serve")


def test_a_gap_in_a_text_is_asked_for_in_the_models_own_words(engine, tokenizer):
    special = tokenizer.special
    ids = engine.gap_prompt("ab", "c")
    names = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    start, prefix, suffix, middle = (special[name] for name in names)
    assert ids == [start, prefix, *tokenizer.encode("ab"), suffix, *tokenizer.encode("c"), middle]
    assert engine.fill_gap("ab", "c").finish in ("stop", "length")
    bare = SimpleNamespace(special={"<|endoftext|>": 0}, encode=tokenizer.encode)
    engine.tokenizer = bare
    with pytest.raises(UsageError, match="filling a gap"):
        engine.gap_prompt("a", "b")
