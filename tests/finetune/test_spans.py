"""Spans: characters to tokens and back, windows, no answer, and a tiny model that learns to point."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.console import Console
from groundup.core.errors import DataError
from groundup.core.stage import Context
from groundup.finetune.options import StepOptions
from groundup.finetune.spans import SpanReader, _best_span, placed, windows
from groundup.finetune.stage import run
from groundup.generate.purpose import kind_of
from groundup.model import bundle
from groundup.tokenizer import Tokenizer

FAST = {"batch_size": 8, "precision": "fp32", "eval_every": 0, "checkpoint_every_seconds": 0}
BPE = Tokenizer.train(["the capital of the land is the town"] * 20, vocabulary_size=305)


def context() -> Context:
    return Context(console=Console(quiet=True), device="cpu")


def squad(path: Path, count: int = 150, *, refuse: bool = False) -> Path:
    towns = ("Rome", "Oslo", "Bern")
    rows = []
    for number in range(count):
        text = f"{number} {towns[number % 3]} {number * 7 % 10}"
        answers = [{"text": towns[number % 3], "answer_start": text.index(towns[number % 3])}]
        if refuse and number % 2:
            text, answers = f"{number} x {number * 7 % 10}", []
        qas = [{"question": "town?", "answers": answers, "is_impossible": not answers}]
        rows.append({"context": text, "qas": qas})
    path.write_text(json.dumps({"data": [{"paragraphs": rows}]}))
    return path


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_offsets_cut_the_text_into_its_characters(text):
    pieces = [text[start:end] for start, end in placed(BPE, text)[1]]
    assert "".join(pieces) == text


def test_a_tokenizer_that_loses_blanks_and_case_still_tells_places():
    lossy = Tokenizer.train([f"the town {n}{n}" for n in range(99)], kind="wordpiece", vocabulary_size=100)
    ids, places = placed(lossy, "  the   town 11")
    pieces = ["  the   town 11"[start:end] for start, end in places]
    assert len(ids) == len(places) and "".join(pieces) == "thetown11" and pieces[0][0] == "t"


def test_windows_cover_the_text_and_mark_the_answer_where_it_is_whole(tokenizer):
    text = "".join(chr(97 + n % 26) for n in range(100))
    answer = (50, 56)
    rows = windows(tokenizer, "where?", text, 48, answer)
    seen = set()
    for row in rows:
        assert len(row.ids) <= 48 and row.last == len(row.ids) - 1
        seen.update(range(row.characters[0][0], row.characters[-1][1]))
        inside = row.characters[0][0] <= 50 and row.characters[-1][1] >= 56
        if inside:
            marked = row.characters[row.start - row.first][0], row.characters[row.end - row.first][1]
            assert marked == answer
        else:
            assert row.start == row.end == row.last
    assert seen == set(range(100)) and any(row.start != row.last for row in rows)


def test_the_best_span_is_the_one_that_trying_all_finds():
    random = np.random.default_rng(1)
    for _ in range(20):
        start, end = random.normal(size=40), random.normal(size=40)
        all_spans = {(i, j): start[i] + end[j] for i in range(40) for j in range(i, min(40, i + 30))}
        score, first, last = _best_span(start, end)
        assert max(all_spans, key=all_spans.__getitem__) == (first, last) and score == pytest.approx(
            all_spans[first, last]
        )


@pytest.mark.parametrize("refuse", [False, True])
def test_a_tiny_model_learns_to_point(model_folder, tmp_path, refuse):
    options = StepOptions(method="qa", data=[str(squad(tmp_path / "s.json", refuse=refuse))], steps=120, **FAST)
    counts = run(options, {"model": model_folder}, tmp_path / "out", context())
    assert counts["without_answer"] > 0 if refuse else counts["without_answer"] == 0
    folder = tmp_path / "out" / "model"
    assert kind_of(folder) == "qa" and bundle.load(folder, device="cpu").tokenizer is not None
    reader = SpanReader.load(folder, device="cpu")
    found = reader.answer("town?", "83 Oslo 1")
    assert found.text == "Oslo" and "83 Oslo 1"[found.start : found.end] == "Oslo"
    if refuse:
        assert reader.answer("town?", "83 x 1").text == ""


def test_answers_without_a_place_are_refused_with_the_reason(model_folder, tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"t{n}", "question": "q?", "answer": "t"}) for n in range(20)))
    with pytest.raises(DataError, match="answer_start"):
        run(StepOptions(method="qa", data=[str(path)], **FAST), {"model": model_folder}, tmp_path / "out", context())


def test_a_context_without_room_is_refused(tokenizer):
    with pytest.raises(DataError, match="no room"):
        windows(tokenizer, "a long question?", "text", 12)
