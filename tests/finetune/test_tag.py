"""Tags: spans to tokens and back, windows, and tiny models of two families that learn to find."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.errors import DataError
from groundup.core.stage import Context
from groundup.finetune.options import StepOptions
from groundup.finetune.spans import placed
from groundup.finetune.stage import run
from groundup.finetune.tag import Tagger, token_names, windows
from groundup.generate.purpose import kind_of
from groundup.metrics.spans import bio_spans
from groundup.model import bundle
from groundup.tokenizer import Tokenizer

FAST = {"batch_size": 8, "precision": "fp32", "eval_every": 0, "checkpoint_every_seconds": 0}
BPE = Tokenizer.train(["Ann went to the town of Rome on Monday"] * 20, vocabulary_size=310)


def context() -> Context:
    return Context(console=Console(quiet=True), device="cpu")


def rows(path: Path, count: int = 240) -> Path:
    """Towns are written in capitals."""
    towns = ("ROME", "OSLO", "BERN")
    found = [{"tokens": [str(n), "in", towns[n % 3], "ok"], "tags": ["O", "O", "B-TOWN", "O"]} for n in range(count)]
    path.write_text("\n".join(map(json.dumps, found)))
    return path


def test_names_of_tokens_give_the_spans_back():
    text = "Ann went to the town of Rome"
    spans = [{"start": 0, "end": 3, "label": "WHO"}, {"start": 24, "end": 28, "label": "TOWN"}]
    _, places = placed(BPE, text)
    found = bio_spans(token_names(places, spans))
    pieces = [(text[places[first][0] : places[end - 1][1]].strip(), label) for first, end, label in found]
    assert pieces == [("Ann", "WHO"), ("Rome", "TOWN")]


def test_windows_cover_a_long_text(tokenizer, model_folder):
    config = bundle.load_config(model_folder)
    found, places = windows(tokenizer, config, "ab " * 80)
    assert len(places) == 240 and all(len(window.ids) <= 64 for window in found)
    assert {token for window in found for token in range(window.begin, window.begin + window.size)} == set(range(240))


@pytest.mark.parametrize("family", ["model_folder", "bert_folder"])
def test_a_tiny_model_learns_to_find(family, request, tmp_path):
    rates = (
        {"optimizer": "adamw", "learning_rate": 3e-3, "matrix_learning_rate": 3e-3} if family != "model_folder" else {}
    )
    options = StepOptions(method="tag", data=[str(rows(tmp_path / "t.jsonl"))], steps=90, **FAST, **rates)
    counts = run(options, {"model": request.getfixturevalue(family)}, tmp_path / "out", context())
    folder = tmp_path / "out" / "model"
    assert counts["kinds"] == 1 and counts["span_f1"] > 0.9 and kind_of(folder) == "tag"
    tagger = Tagger.load(folder, device="cpu")
    (found,) = tagger.tag("888 in OSLO ok")
    assert (found.text, found.label, found.start, found.end) == ("OSLO", "TOWN", 7, 11) and tagger.kinds == ["TOWN"]


def test_a_span_at_the_end_of_a_long_text_is_found(model_folder, tmp_path):
    options = StepOptions(method="tag", data=[str(rows(tmp_path / "t.jsonl"))], steps=90, **FAST)
    run(options, {"model": model_folder}, tmp_path / "out", context())
    text = "1 in ROME ok " * 20
    found = Tagger.load(tmp_path / "out" / "model", device="cpu").tag(text)
    assert len(found) >= 18 and all(text[one.start : one.end] == one.text for one in found)


def test_texts_without_any_span_teach_nothing(model_folder, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(json.dumps({"tokens": ["a", str(n)], "tags": ["O", "O"]}) for n in range(40)))
    with pytest.raises(DataError, match="nothing to find"):
        run(StepOptions(method="tag", data=[str(path)], **FAST), {"model": model_folder}, tmp_path / "o", context())
