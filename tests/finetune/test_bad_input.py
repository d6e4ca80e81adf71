"""What people hand in by mistake: each stops, or is told, with the reason and the repair. Rows: see test_formats."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.errors import ArtifactError, DataError, GroundupError
from groundup.core.stage import Context
from groundup.finetune.chat import pack_examples
from groundup.finetune.formats import read_file
from groundup.finetune.options import StepOptions
from groundup.finetune.prompts import messages_of
from groundup.finetune.read_model import open_reader
from groundup.finetune.stage import run
from groundup.model import bundle
from groundup.tokenizer import Tokenizer
from groundup.tokenizer.chat import render

FAST = {"batch_size": 4, "precision": "fp32", "eval_every": 0, "sample_every": 0, "steps": 1}


def context() -> Context:
    return Context(console=Console(quiet=True), device="cpu")


def lines(path: Path, rows: list[dict]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_a_missing_column_names_the_nearest(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("review,stars\nfine,1\n")
    with pytest.raises(DataError, match=r"no column 'reviews'.\n.*Did you mean 'review'"):
        list(read_file(path, {"text": "reviews", "label": "stars"}))


def test_the_tokenizer_of_another_model_is_refused(model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "mixed")
    Tokenizer.train(["the cat sat on the mat"] * 30, vocabulary_size=300).save(tmp_path / "mixed")
    with pytest.raises(ArtifactError, match="not from the same run"):
        run(StepOptions(data=["x.jsonl"], **FAST), {"model": tmp_path / "mixed"}, tmp_path / "o", context())


def test_a_folder_without_a_tokenizer_is_refused(model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "bare")
    (tmp_path / "bare" / "tokenizer.json").unlink()
    with pytest.raises(ArtifactError, match="holds no tokenizer"):
        run(StepOptions(data=["x.jsonl"], **FAST), {"model": tmp_path / "bare"}, tmp_path / "o", context())


def test_the_template_of_another_model_is_the_one_that_is_used(tokenizer, tmp_path):
    """A folder with a chat template of its own is rendered by it, in training as in chat; nothing mixes the two."""
    tokenizer.save(tmp_path / "own")
    foreign = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"
    (tmp_path / "own" / "chat_template.jinja").write_text(foreign)
    other = Tokenizer.load(tmp_path / "own")
    turns = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]
    assert other.decode(render(other, turns).ids, skip_special=False) == "[user] Hi?\n[assistant] Yes.\n"
    assert render(other, turns).ids != render(tokenizer, turns).ids


def test_one_object_makes_the_ids_of_training_and_of_answering(tokenizer, examples, model_folder):
    from groundup.generate import Engine, Sampling

    engine = Engine(bundle.load(model_folder, device="cpu"))
    for example in examples[:5]:
        messages = messages_of(example)
        packed, _ = pack_examples([example], tokenizer, 65)
        trained = packed.ids_RL[0][packed.documents_RL[0] == 0].tolist()
        asked, _ = engine.chat_prompt(messages[:-1], Sampling(max_tokens=4))
        assert trained[: len(asked)] == asked and not packed.learn_RL[0][: len(asked)].any()


def test_rows_longer_than_the_model_are_counted_and_the_rest_is_learned(model_folder, tmp_path):
    rows = [{"prompt": f"q{n}", "response": "a" * (200 if n % 2 else 3)} for n in range(100)]
    counts = run(
        StepOptions(data=[lines(tmp_path / "l.jsonl", rows)], batch_size=4, precision="fp32", epochs=1),
        {"model": model_folder},
        tmp_path / "o",
        context(),
    )
    assert counts["too_long"] > 30 and counts["examples"] > 30


def test_lora_on_a_family_it_does_not_know_is_refused(bert_folder, tmp_path):
    data = lines(tmp_path / "l.jsonl", [{"text": f"t{n}", "label": n % 2} for n in range(20)])
    options = StepOptions(method="classify", data=[data], lora={"rank": 2}, **FAST)
    with pytest.raises(ArtifactError, match="LoRA knows the matrices of the family 'gpt'"):
        run(options, {"model": bert_folder}, tmp_path / "o", context())


def test_an_encoder_cannot_write_and_says_what_it_can(bert_folder, tmp_path):
    with pytest.raises(ArtifactError, match=r"'chat' does not fit .*\n.*classify, qa, tag, embed"):
        run(StepOptions(data=["x.jsonl"], **FAST), {"model": bert_folder}, tmp_path / "o", context())


def test_a_tuned_folder_opens_as_what_it_is(model_folder, encoder_decoder_folder, tmp_path):
    data = lines(
        tmp_path / "l.jsonl", [{"text": f"{n} {'up' if n % 2 else 'down'}", "label": n % 2} for n in range(60)]
    )
    run(StepOptions(method="classify", data=[data], **FAST), {"model": model_folder}, tmp_path / "c", context())
    reader = open_reader(tmp_path / "c" / "model", device="cpu")
    assert reader is not None and reader.kind == "classify"
    found = reader.read("12 up")
    assert found["label"] in ("0", "1") and sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert open_reader(model_folder, device="cpu") is None  # a language model: it writes
    written = open_reader(encoder_decoder_folder, device="cpu")
    assert written is not None and isinstance(written.read("hello")["text"], str)


def test_a_span_reader_wants_a_question(model_folder, tmp_path):
    rows = [
        {"context": f"{n} Rome", "question": "town?", "answers": [{"text": f"{n}", "answer_start": 0}]}
        for n in range(60)
    ]
    data = lines(tmp_path / "s.jsonl", rows)
    run(StepOptions(method="qa", data=[data], **FAST), {"model": model_folder}, tmp_path / "q", context())
    reader = open_reader(tmp_path / "q" / "model", device="cpu")
    assert reader is not None and set(reader.read("3 Rome", question="town?")) == {"answer", "start", "end", "margin"}
    with pytest.raises(GroundupError, match="needs a question"):
        reader.read("3 Rome")
