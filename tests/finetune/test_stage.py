"""One step from folder to folder: it learns, it resumes to the same bits, it says what it could not use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.document import Document, write_documents
from groundup.core.errors import DataError, Interrupted, RecipeError
from groundup.core.example import Example, write_examples
from groundup.core.files import read_json
from groundup.core.split import split_of
from groundup.core.stage import Context
from groundup.finetune.data import Origin, available, read
from groundup.finetune.options import StepOptions
from groundup.finetune.stage import run
from groundup.model import bundle

FAST = {"batch_size": 4, "precision": "fp32", "eval_every": 0, "sample_every": 0}


@pytest.fixture
def inputs(tmp_path, model_folder, examples) -> dict[str, Path]:
    write_examples(tmp_path / "collect" / "examples" / "toy" / "chat.jsonl.zst", examples)
    text = "# Foxes\n\nFoxes live in dens and hunt at night in the woods.\n"
    documents = [Document(text, "books", f"{n}.md") for n in range(9)]
    write_documents(tmp_path / "clean" / "documents" / "books-00000.parquet", documents)
    return {"model": model_folder, "collect": tmp_path / "collect", "clean": tmp_path / "clean"}


def context(**changes) -> Context:
    return Context(console=Console(quiet=True), device="cpu", **changes)


def test_it_learns_and_leaves_a_model_that_opens(inputs, tmp_path, examples):
    options = StepOptions(data=["toy:chat"], steps=40, **FAST)
    counts = run(options, inputs, tmp_path / "out", context())
    rows = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if row["kind"] == "step"]
    assert counts["steps"] == 40 and losses[-1] < losses[0] / 2
    assert counts["answer_loss"] < losses[0]
    assert bundle.load(tmp_path / "out" / "model").tokenizer is not None
    told = read_json(tmp_path / "out" / "examples.json")
    train = sum(split_of(example.document_id) == "train" for example in examples)
    assert told["by_address"]["toy:chat"]["examples"] == told["examples"] == train
    assert [piece["learned"] for piece in told["shown"][0]["pieces"]] == [False, True]
    samples = [json.loads(line) for line in (tmp_path / "out" / "samples.jsonl").read_text().splitlines()]
    assert samples and samples[-1]["step"] == 40 and samples[-1]["prompt"].startswith("colour")


def test_killed_and_continued_ends_with_the_same_bits(inputs, tmp_path):
    options = StepOptions(data=["toy:chat"], steps=12, **{**FAST, "eval_every": 3, "sample_every": 3})
    run(options, inputs, tmp_path / "whole", context())
    for stop_after in (3, 8):
        asked: list[int] = []
        out = tmp_path / f"cut-{stop_after}"
        with pytest.raises(Interrupted):
            run(options, inputs, out, context(stop=lambda asked=asked, n=stop_after: asked.append(1) or len(asked) > n))
        run(options, inputs, out, context())
        for name in ("model/model.safetensors", "samples.jsonl", "examples.json"):
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    "given, plan, steps",
    [
        ({"steps": 3}, {"steps": 7}, 3),
        ({}, {"steps": 2}, 2),
        ({}, {"tokens": 3 * 4 * 64}, 3),
        ({"epochs": 0.1}, {"steps": 7}, 1),
    ],
)
def test_steps_come_from_the_recipe_then_the_plan(inputs, tmp_path, given, plan, steps):
    options = StepOptions(data=["toy:chat"], **given, **FAST)
    assert run(options, inputs, tmp_path / "out", context(plan=plan))["steps"] == steps


def test_addresses(inputs, tokenizer, examples):
    assert available(inputs) == ["toy:chat", "samples:small_talk"]
    origin = Origin(inputs, tokenizer, 64)
    reading = read("toy:chat", origin)
    held = [
        example.id for split in ("validation", "test") for example in read("toy:chat", origin, split=split).examples
    ]
    assert sorted([example.id for example in reading.examples] + held) == sorted(example.id for example in examples)
    assert reading.num_held_out == len(held) > 0
    derived = read("documents:sections", Origin(inputs, tokenizer, 256)).examples
    assert derived and all(example.meta == {"derived": "section"} for example in derived)
    talk = read("samples:small_talk", origin).examples
    assert len(talk) > 100 and all(split_of(example.document_id) == "train" for example in talk)


@pytest.mark.parametrize("wrong, near", [("toy:chta", "toy:chat"), ("documents:section", "sections"), ("toys", "toy")])
def test_an_unknown_address_names_the_nearest(inputs, tokenizer, wrong, near):
    with pytest.raises(RecipeError, match=near):
        read(wrong, Origin(inputs, tokenizer, 64))


def test_an_address_never_leaves_its_folder(inputs, tokenizer):
    with pytest.raises(RecipeError, match="no examples"):
        read("../../secret:chat", Origin(inputs, tokenizer, 64))


def test_broken_rows_are_skipped_and_told_or_stop_the_step(inputs, tmp_path):
    rows = [json.dumps({"prompt": f"q{n}", "response": "yes"}) for n in range(50)]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join([*rows, '{"prompt": "q"}']))
    options = StepOptions(data=[str(path)], steps=1, **FAST)
    assert run(options, inputs, tmp_path / "out", context())["broken"] == 1
    problems = read_json(tmp_path / "out" / "examples.json")["by_address"][str(path)]["problems"]
    assert problems == [f"{path}, line 51: no known shape; its fields: prompt"]
    with pytest.raises(DataError, match="line 51"):
        run(options.model_copy(update={"on_broken": "stop"}), inputs, tmp_path / "again", context())


def test_nothing_to_learn_from_is_an_error_with_the_reason(inputs, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": "q" * 90, "response": f"{n}"}) for n in range(30)))
    with pytest.raises(DataError, match="longer than the 64 tokens"):
        run(StepOptions(data=[str(path)], **FAST), inputs, tmp_path / "out", context())
    path.write_text("{}")
    with pytest.raises(DataError, match="1 rows are broken"):
        run(StepOptions(data=[str(path)], **FAST), inputs, tmp_path / "out2", context())


def test_a_template_decides_what_the_user_says(inputs, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n" + "\n".join(f"word{n},good" for n in range(40)))
    options = StepOptions(data=[str(path)], steps=1, template="Is {text} good? {choices}", **FAST)
    run(options, inputs, tmp_path / "out", context())
    first = read_json(tmp_path / "out" / "examples.json")["shown"][0]["pieces"]
    assert first[0]["text"].startswith("<|endoftext|><|user|>Is word") and first[1]["text"] == "good<|end|>"


def test_examples_without_an_answer_are_counted(inputs, tmp_path):
    bare = [Example("qa", question=f"Who {n}?") for n in range(20)]
    bare += [Example("qa", question=f"Why {n}?", target="I") for n in range(20)]
    write_examples(tmp_path / "bare.jsonl", bare)
    options = StepOptions(data=[str(tmp_path / "bare.jsonl")], epochs=1, **FAST)
    counts = run(options, inputs, tmp_path / "out", context())
    assert counts["unusable"] == sum(split_of(one.document_id) == "train" for one in bare[:20])
