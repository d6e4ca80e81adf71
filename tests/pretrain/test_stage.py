"""The front door: tokens in, a model folder out; stopped and continued ends in the same model."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from groundup.core.console import Console
from groundup.core.errors import DataError, Interrupted
from groundup.core.split import split_of
from groundup.core.stage import Context, carry_out
from groundup.model import bundle
from groundup.model.families import build
from groundup.model.presets import from_depth
from groundup.pretrain.options import PretrainOptions, PretrainStage
from groundup.pretrain.stage import run
from groundup.pretrain.validate import bits_per_byte, choose_documents, document_losses
from groundup.tokenizer import Tokenizer
from groundup.tokenizer.shards import ShardWriter, TokenShards

TEXTS = [f"The {a} {b} saw a {c} and said: how {a} you are." for a in ("red", "old", "shy", "big") for b in
         ("cat", "dog", "hen", "fox", "owl", "cow") for c in ("tree", "lake", "hill", "road", "star")]  # fmt: skip


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    folder = tmp_path_factory.mktemp("3_tokenizer")
    tokenizer = Tokenizer.train(TEXTS, kind="bytes")
    tokenizer.save(folder / "tokenizer")
    start = tokenizer.special["<|endoftext|>"]
    with ShardWriter(folder / "tokens", vocabulary_size=tokenizer.vocabulary_size, start_id=start) as writer:
        for number, text in enumerate(TEXTS):
            source = "even" if number % 2 == 0 else "odd"
            split = split_of(str(number), validation=0.1)
            writer.add(split, tokenizer.encode(text), num_bytes=len(text.encode()), id=str(number), source=source)
    return folder


TRAINING = {"steps": 12, "batch_size": 4, "eval_every": 5, "sample_every": 6, "precision": "fp32", "warmup_steps": 2}
OPTIONS = PretrainStage(
    pretrain=PretrainOptions(**TRAINING),
    model={"depth": 1, "width": 16, "num_heads": 2, "context_length": 32},
)


def context(**changes):
    return Context(**{"seed": 1, "console": Console(quiet=True), "device": "cpu", **changes})


def test_it_leaves_a_model_curves_samples_and_a_journey(tokens, tmp_path):
    hook = lambda module, step: [{"prompt": "The", "text": f"at {step}"}]  # noqa: E731
    console = Console(quiet=True, events=tmp_path / "events.jsonl")
    manifest, worked = carry_out(
        "pretrain",
        1,
        run,
        OPTIONS,
        {"tokenizer": tokens},
        tmp_path / "4",
        context(hooks={"samples": hook}, console=console),
    )
    assert worked
    opened = bundle.load(tmp_path / "4" / "model", "cpu")
    assert opened.tokenizer.encode("red") == Tokenizer.load(tokens / "tokenizer").encode("red")
    samples = [json.loads(line) for line in (tmp_path / "4" / "samples.jsonl").read_text().splitlines()]
    assert [sample["step"] for sample in samples] == [6, 12]
    journey = json.loads((tmp_path / "4" / "journey.json").read_text())["documents"][0]
    assert len(journey["losses_first"]) == len(journey["losses_last"]) == len(journey["tokens"]) - 1
    assert sum(journey["losses_last"]) < sum(journey["losses_first"])
    assert manifest.counts["steps"] == 12
    assert 0 < manifest.counts["validation"]["bits_per_byte"] < 12
    assert set(manifest.counts["validation"]["by_source"]) <= {"even", "odd"}
    assert not any(name.startswith(".") for name in manifest.outputs)
    kinds = {json.loads(line)["kind"] for line in (tmp_path / "events.jsonl").read_text().splitlines()}
    assert {"stage", "step", "validation", "sample"} <= kinds


@pytest.mark.parametrize("at", [0, 5, 11])
def test_stopped_and_continued_ends_in_the_same_model(tokens, tmp_path, at):
    run(OPTIONS, {"tokenizer": tokens}, tmp_path / "whole", context())
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        run(OPTIONS, {"tokenizer": tokens}, tmp_path / "cut", context(stop=lambda: next(asked) == at))
    run(OPTIONS, {"tokenizer": tokens}, tmp_path / "cut", context())
    for name in ("model/model.safetensors", "journey.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_the_plan_fills_what_the_tables_leave_open(tokens, tmp_path):
    options = PretrainStage(pretrain=PretrainOptions(precision="fp32"), model={"context_length": 32})
    plan = {"steps": 2, "batch_size": 3, "model": {"depth": 2, "width": 16, "num_heads": 1, "context_length": 16}}
    counts = run(options, {"tokenizer": tokens}, tmp_path, context(plan=plan))
    config = bundle.load_config(tmp_path / "model")
    assert (counts["steps"], config.depth, config.width, config.context_length) == (2, 2, 16, 32)


def test_a_corpus_without_validation_documents_is_refused(tokens, tmp_path):
    tokenizer = Tokenizer.load(tokens / "tokenizer")
    tokenizer.save(tmp_path / "tokenizer")
    with ShardWriter(tmp_path / "tokens", vocabulary_size=tokenizer.vocabulary_size, start_id=0) as writer:
        for number in range(40):
            writer.add("train", tokenizer.encode(TEXTS[0]), num_bytes=50, id=str(number))
    with pytest.raises(DataError, match="no document"):
        run(OPTIONS, {"tokenizer": tmp_path}, tmp_path / "out", context())


def test_steps_and_tokens_together_are_refused():
    with pytest.raises(ValueError, match="give one"):
        PretrainOptions(steps=1, tokens=1)


@torch.no_grad()
def test_bits_per_byte_is_the_plain_sum_over_documents(tokens):
    shards = TokenShards.open(tokens / "tokens", "validation")
    module = build(from_depth(1, shards.vocabulary_size, width=16, num_heads=2, context_length=16), seed=1).eval()
    documents = choose_documents(shards, num_tokens=200, seed=1)
    nats = num_bytes = 0.0
    for document in documents:
        ids = torch.tensor(shards[document].astype("int64"))
        for start in range(0, len(ids) - 1, 16):  # windows of the context, no token twice
            window = ids[start : start + 17]
            logits = module.logits(module(window[None, :-1]))[0]
            nats += float(F.cross_entropy(logits, window[1:], reduction="sum"))
        num_bytes += int(shards.document_bytes[document])
    found = bits_per_byte(module, shards, documents)
    assert found["bits_per_byte"] == pytest.approx(nats / math.log(2) / num_bytes, rel=1e-5)


@torch.no_grad()
def test_losses_do_not_depend_on_who_else_is_in_the_batch(tokens):
    shards = TokenShards.open(tokens / "tokens", "train")
    module = build(from_depth(1, shards.vocabulary_size, width=16, num_heads=2, context_length=16), seed=1).eval()
    documents = [shards[number][: 5 + 9 * number] for number in range(5)]
    together = document_losses(module, documents, batch_size=3)
    for document, losses in zip(documents, together, strict=True):
        torch.testing.assert_close(torch.tensor(document_losses(module, [document])[0]), torch.tensor(losses))
        assert len(losses) == len(document) - 1


def test_another_seed_is_another_model(tokens, tmp_path):
    """The seed of the context reaches weights and data."""
    short = OPTIONS.model_copy(update={"pretrain": PretrainOptions(**{**TRAINING, "steps": 2})})
    run(short, {"tokenizer": tokens}, tmp_path / "one", context())
    run(short, {"tokenizer": tokens}, tmp_path / "two", replace(context(), seed=2))
    one, two = ((tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one != two
