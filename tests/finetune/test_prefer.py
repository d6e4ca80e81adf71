"""Preferences: DPO and the reward model learn which answer is better, and say what they cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from groundup.core.console import Console
from groundup.core.errors import ArtifactError, DataError, Interrupted
from groundup.core.example import Example
from groundup.core.files import read_json
from groundup.core.stage import Context
from groundup.finetune.classify import Classifier
from groundup.finetune.options import StepOptions
from groundup.finetune.prefer import (
    DirectPreference,
    answer_logprobs,
    batch_of,
    is_pair,
    pair_of,
    reference_logprobs,
    rows_batch,
    summed,
    with_thumbs,
)
from groundup.finetune.reward import RewardModel
from groundup.finetune.stage import run
from groundup.generate import Engine
from groundup.generate.purpose import kind_of
from groundup.model import bundle

FAST = {"batch_size": 8, "precision": "fp32", "eval_every": 0, "checkpoint_every_seconds": 0, "warmup_steps": 0}


def context(**changes) -> Context:
    return Context(console=Console(quiet=True), device="cpu", **changes)


def pairs(path: Path, count: int = 160) -> Path:
    """Polite answers are better than rude ones."""
    rows = [{"prompt": f"help {n}?", "chosen": f"sure {n}", "rejected": f"no {n}"} for n in range(count)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def question(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_an_answers_logprob_is_the_engines(model_folder):
    opened = bundle.load(model_folder, device="cpu")
    pair = pair_of(opened.tokenizer, Example("prefer", messages=question("Hi?"), choices=["Good day", "What"]))
    rows = [pair.chosen, pair.rejected]
    with torch.no_grad():
        total_B = summed(*answer_logprobs(opened.model, rows_batch(rows, 0)), 2)
    scored = Engine(opened).score([(row.ids[: row.answer_from], row.ids[row.answer_from :]) for row in rows])
    assert total_B.tolist() == pytest.approx([one.logprob for one in scored], rel=1e-5)
    assert reference_logprobs(opened.model, [pair], 0)[0].tolist() == pytest.approx(total_B.tolist(), rel=1e-5)


def test_at_the_start_the_loss_is_log_two_and_its_slope_favours_the_better_answer(model_folder):
    opened = bundle.load(model_folder, device="cpu")
    pair = pair_of(opened.tokenizer, Example("prefer", messages=question("Hi?"), choices=["Good day", "What"]))
    before = reference_logprobs(opened.model, [pair], 0)
    batch = batch_of([pair], before, [0], 0)
    loss = DirectPreference(0.1)(opened.model, batch)
    assert loss.count == 1 and float(loss.loss.detach()) == pytest.approx(0.6931, abs=1e-4)
    loss.loss.backward()
    with torch.no_grad():
        for parameter in opened.model.parameters():
            if parameter.grad is not None:
                parameter -= 0.05 * parameter.grad
    after = reference_logprobs(opened.model, [pair], 0)
    assert float((after - before)[0, 0]) > float((after - before)[0, 1])


@pytest.mark.parametrize("lora", [None, {"rank": 4}])
def test_dpo_learns_to_prefer(model_folder, tmp_path, lora):
    options = StepOptions(
        method="prefer", data=[str(pairs(tmp_path / "p.jsonl"))], steps=30, learning_rate=2e-3, lora=lora, **FAST
    )
    counts = run(options, {"model": model_folder}, tmp_path / "out", context())
    assert counts["validation_preferred"] == 1.0 and counts["validation_margin"] > 0.1
    tuned = bundle.load(tmp_path / "out" / "model", device="cpu")
    asked = Example("prefer", messages=question("help 9999?"), choices=["sure 9999", "no 9999"])
    pair = pair_of(tuned.tokenizer, asked)
    now, before = (
        reference_logprobs(one.model, [pair], 0)[0] for one in (tuned, bundle.load(model_folder, device="cpu"))
    )
    assert float((now - before)[0]) > float((now - before)[1])  # unseen, and through the saved folder
    shown = read_json(tmp_path / "out" / "examples.json")["shown"][0]
    assert shown["choices"][0].startswith("sure")


def test_killed_and_continued_ends_with_the_same_bits(model_folder, tmp_path):
    options = StepOptions(method="prefer", data=[str(pairs(tmp_path / "p.jsonl", 60))], steps=6, **FAST)
    run(options, {"model": model_folder}, tmp_path / "whole", context())
    asked: list[int] = []
    with pytest.raises(Interrupted):
        stop = context(stop=lambda: asked.append(1) or len(asked) > 3)
        run(options, {"model": model_folder}, tmp_path / "cut", stop)
    run(options, {"model": model_folder}, tmp_path / "cut", context())
    name = "model/model.safetensors"
    assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_reward_model_judges_answers_it_has_not_seen(model_folder, tmp_path):
    options = StepOptions(method="reward", data=[str(pairs(tmp_path / "p.jsonl"))], steps=40, **FAST)
    counts = run(options, {"model": model_folder}, tmp_path / "out", context())
    folder = tmp_path / "out" / "model"
    assert counts["validation_preferred"] == 1.0 and kind_of(folder) == "reward"
    judge = RewardModel.load(folder, device="cpu")
    better, worse = judge.reward(question("help 777?"), ["sure 777", "no 777"])
    assert better > worse
    wins = judge.win_rate([question("help 5?")] * 2, ["sure 5", "no 5"], ["no 5", "no 5"])
    assert wins.tolist() == [1.0, 0.5]
    with pytest.raises(ArtifactError, match="holds no classifier, but a reward model"):
        Classifier.load(folder, device="cpu")


def test_transformers_opens_the_reward_model_and_says_the_same(model_folder, tmp_path):
    transformers = pytest.importorskip("transformers")
    options = StepOptions(method="reward", data=[str(pairs(tmp_path / "p.jsonl", 60))], steps=3, **FAST)
    run(options, {"model": model_folder}, tmp_path / "out", context())
    folder = tmp_path / "out" / "model"
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    opened = bundle.load(folder, device="cpu")
    ids = pair_of(opened.tokenizer, Example("prefer", messages=question("a?"), choices=["b", "c"])).chosen.ids
    with torch.no_grad():
        logit = float(theirs(torch.tensor([ids])).logits[0, 0])
    assert logit == pytest.approx(RewardModel(opened).reward(question("a?"), ["b"])[0], abs=1e-5)


def test_thumbs_of_one_question_make_a_pair():
    def judged(answer: str, thumb: str, asked: str = "Hi?") -> Example:
        turns = [*question(asked), {"role": "assistant", "content": answer}]
        return Example("chat" if thumb == "up" else "disliked", messages=turns, meta={"thumb": thumb})

    found = with_thumbs([judged("good", "up"), judged("bad", "down"), judged("lonely", "up", "Who?")])
    made = [example for example in found if is_pair(example)]
    assert [example.choices for example in made] == [["good", "bad"]]


def test_what_is_no_pair_is_told(model_folder, tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"q{n}", "response": "a"}) for n in range(30)))
    with pytest.raises(DataError, match='"chosen" and "rejected"'):
        run(StepOptions(method="prefer", data=[str(path)], **FAST), {"model": model_folder}, tmp_path / "o", context())
    long = [{"prompt": f"q{n}", "chosen": "a" * 100, "rejected": "b"} for n in range(30)]
    path.write_text("\n".join(map(json.dumps, long)))
    with pytest.raises(DataError, match="longer than the 64 tokens"):
        run(StepOptions(method="prefer", data=[str(path)], **FAST), {"model": model_folder}, tmp_path / "o", context())


def test_a_family_that_cannot_is_told_what_it_can(bert_folder, tmp_path):
    options = StepOptions(method="prefer", data=["x.jsonl"], **FAST)
    with pytest.raises(ArtifactError, match="This family can: classify, qa, tag, embed, reward"):
        run(options, {"model": bert_folder}, tmp_path / "o", context())
