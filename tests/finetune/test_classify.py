"""A head on a real tiny model: it learns labels, other tools open it, and what it was not taught is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from groundup.core.console import Console
from groundup.core.errors import ArtifactError, DataError, Interrupted
from groundup.core.example import Example
from groundup.core.files import read_json
from groundup.core.stage import Context
from groundup.finetune.classify import Classifier, encode, imbalance, labelled
from groundup.finetune.gold import label_of, labels_of
from groundup.finetune.options import StepOptions
from groundup.finetune.stage import run
from groundup.generate.purpose import kind_of
from groundup.model import bundle

FAST = {"batch_size": 8, "precision": "fp32", "eval_every": 0, "checkpoint_every_seconds": 0}
WORDS = {"good": ("fine", "great", "lovely"), "bad": ("awful", "poor", "sad")}


def context(**changes) -> Context:
    return Context(console=Console(quiet=True), device="cpu", **changes)


def reviews(path: Path, count: int = 120) -> Path:
    rows = []
    for number in range(count):
        label = "good" if number % 2 else "bad"
        rows.append(f"{label},{number} is {WORDS[label][number // 2 % 3]}")
    path.write_text("stars,review\n" + "\n".join(rows))
    return path


def options(path: Path, **changes) -> StepOptions:
    columns = {"text": "review", "label": "stars"}
    return StepOptions(method="classify", data=[str(path)], columns=columns, **{**FAST, **changes})


@pytest.fixture(scope="module")
def tuned(model_folder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("classify")
    counts = run(options(reviews(folder / "r.csv"), steps=80), {"model": model_folder}, folder / "out", context())
    assert counts["labels"] == 2 and counts["steps"] == 80
    return folder / "out" / "model"


def test_it_learns_the_labels_of_the_data(tuned):
    classifier = Classifier.load(tuned, device="cpu")
    labels, probabilities = classifier.predict(["3 is lovely", "5 is awful"])
    assert classifier.labels == ["bad", "good"] and labels == ["good", "bad"]
    assert probabilities.shape == (2, 2) and np.allclose(probabilities.sum(1), 1, atol=1e-6)


def test_a_text_is_judged_alike_alone_and_among_others(tuned):
    classifier = Classifier.load(tuned, device="cpu")
    texts = ["it is sad", "", "x" * 500, "it is great, it is great, it is great"]
    _, together = classifier.predict(texts)
    for text, row in zip(texts, together, strict=True):
        assert np.allclose(classifier.predict([text])[1][0], row, atol=1e-5)


def test_transformers_opens_the_folder_and_says_the_same(tuned):
    transformers = pytest.importorskip("transformers")
    texts = ["it is lovely", "it is poor indeed"]
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tuned).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tuned)
    with torch.no_grad():
        logits = theirs(**tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)).logits
    labels, probabilities = Classifier.load(tuned, device="cpu").predict(texts)
    assert torch.allclose(logits.softmax(1), torch.from_numpy(probabilities), atol=1e-5)
    assert [theirs.config.id2label[int(place)] for place in logits.argmax(1)] == labels


def test_the_language_model_under_it_still_opens(tuned, model_folder):
    assert bundle.load(tuned, device="cpu").config == bundle.load(model_folder, device="cpu").config
    assert kind_of(tuned) == "classify" and kind_of(model_folder) == ""
    with pytest.raises(ArtifactError, match="holds no classifier"):
        Classifier.load(model_folder, device="cpu")


def test_killed_and_continued_ends_with_the_same_bits(model_folder, tmp_path):
    chosen = options(reviews(tmp_path / "r.csv"), steps=6)
    run(chosen, {"model": model_folder}, tmp_path / "whole", context())
    asked: list[int] = []
    with pytest.raises(Interrupted):
        stop = context(stop=lambda: asked.append(1) or len(asked) > 3)
        run(chosen, {"model": model_folder}, tmp_path / "cut", stop)
    run(chosen, {"model": model_folder}, tmp_path / "cut", context())
    name = "model/model.safetensors"
    assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_labels_come_from_names_indexes_and_choices():
    examples = [
        Example("classify", text="a", label="joy"),
        Example("classify", text="b", choices=["joy", "fear"], label="1"),
        Example("classify", text="c", target="anger"),
    ]
    assert [label_of(example) for example in examples] == ["joy", "fear", "anger"]
    assert labels_of(examples) == ["anger", "fear", "joy"]
    assert labels_of([Example("classify", label=label) for label in ("10", "9", "-1")]) == ["-1", "9", "10"]


def test_a_label_it_was_not_taught_is_a_clear_error(tokenizer):
    with pytest.raises(DataError, match=r"'goood' is none of the 2 .*\n.*Did you mean 'good'"):
        labelled([Example("classify", text="a", label="goood")], ["bad", "good"], tokenizer, 64, None)


def test_one_label_is_nothing_to_learn(model_folder, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("stars,review\n" + "\n".join(f"good,it is {n}" for n in range(40)))
    with pytest.raises(DataError, match=r"All .* examples have the label 'good'"):
        run(options(path), {"model": model_folder}, tmp_path / "out", context())


def test_imbalance_is_told(model_folder, tmp_path):
    assert imbalance([0, 0, 0, 1], ["ham", "spam"]) == (3.0, "")
    ratio, warning = imbalance([0] * 9 + [1], ["ham", "spam"])
    assert ratio == 9.0 and "'ham' has 9 examples (90%)" in warning
    path = tmp_path / "r.csv"
    path.write_text("stars,review\n" + "\n".join(f"{'bad' if n % 10 else 'good'},it is {n}" for n in range(80)))
    run(options(path, steps=1), {"model": model_folder}, tmp_path / "out", context())
    assert "out of balance" in read_json(tmp_path / "out" / "examples.json")["warnings"][0]


def test_long_texts_are_cut_and_counted(tokenizer):
    rows, num_cut = encode(tokenizer, ["a" * 10, "b" * 100], 64)
    assert [len(row) for row in rows] == [10, 64] and num_cut == 1


def test_columns_by_number_read_a_table_without_a_header(model_folder, tmp_path):
    path = tmp_path / "sms.tsv"
    path.write_text("\n".join(f'{"spam" if n % 2 else "ham"}\tmessage "{n}' for n in range(60)))
    chosen = options(path, steps=1).model_copy(update={"columns": {"label": "1", "text": "2"}})
    counts = run(chosen, {"model": model_folder}, tmp_path / "out", context())
    shown = read_json(tmp_path / "out" / "examples.json")["shown"][0]
    assert counts["broken"] == 0 and shown["label"] in ("ham", "spam") and shown["text"].startswith('message "')
