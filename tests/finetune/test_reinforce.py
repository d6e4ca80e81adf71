"""Rewards by rules, and a tiny model whose reward rises."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from groundup.core.console import Console
from groundup.core.errors import DataError, Interrupted
from groundup.core.example import Example
from groundup.core.stage import Context
from groundup.finetune.arithmetic import sums
from groundup.finetune.options import StepOptions
from groundup.finetune.reinforce import GroupRelative, Rollouts, advantages, question_from
from groundup.finetune.rewards import reward_of
from groundup.finetune.stage import run
from groundup.model import bundle

SUM = Example("qa", question="2 + 3 =", target="#### 5")
PLACE = Example("qa", question="Where?", target="the town", choices=["the town", "the wood"], label="0")
RECORD = Example("extract", text="t", target='{"who": "Ann", "day": 3}')

CASES = [
    ("exact", PLACE, "The town.", 1.0),
    ("exact", PLACE, "a wood", 0.0),
    ("exact", PLACE, "", 0.0),
    ("number", SUM, "It is 4, no, 5.", 1.0),
    ("number", SUM, "5 or 6", 0.0),
    ("number", SUM, "none", 0.0),
    ("number", Example("qa", question="q", target="1,200"), "1200.0", 1.0),
    ("contains", PLACE, "in the town, I think", 1.0),
    ("contains", PLACE, "downtown", 0.0),
    ("choice", PLACE, "the town", 1.0),
    ("choice", PLACE, "the town or the wood", 0.0),
    ("json", RECORD, '{"a": 1}', 1.0),
    ("json", RECORD, "{", 0.0),
    ("fields", RECORD, '{"who": "Ann", "day": 4}', 0.5),
    ("fields", Example("extract", text="t", target="{}"), "{}", 1.0),
    ("fields", RECORD, "none", 0.0),
]


@pytest.mark.parametrize("rule, example, answer, wanted", CASES)
def test_rules(rule, example, answer, wanted):
    assert reward_of(example, answer, {rule: 1.0}, ended=True) == wanted


def test_rewards_add_up_with_their_weights():
    weights = {"number": 1.0, "ended": 0.25, "pattern": 0.5}
    assert reward_of(SUM, "5", weights, ended=True, pattern=r"\d+") == 1.75
    assert reward_of(SUM, "it is 5", weights, ended=False, pattern=r"\d+") == 1.0


def test_advantages_compare_within_a_group():
    found_QA = advantages(np.array([[1.0, 0.0, 0.0, 1.0], [5.0, 5.0, 5.0, 5.0]]))
    assert found_QA[0] == pytest.approx([1, -1, -1, 1], abs=1e-3) and found_QA[1].tolist() == [0, 0, 0, 0]


def test_sums_are_right_and_different():
    found = list(sums("subtraction", 1))
    assert len({example.question for example in found}) == len(found) > 1000
    a, _, b, _ = found[0].question.split()
    assert found[0].target == str(int(a) - int(b))


def context(**changes) -> Context:
    return Context(console=Console(quiet=True), device="cpu", **changes)


def asked(path, count: int = 300):
    """The right answer is one letter, whatever is asked: a rule that chance finds."""
    path.write_text("\n".join(json.dumps({"question": f"say {n}", "answer": "b"}) for n in range(count)))
    return path


def step(path, **changes) -> StepOptions:
    how = {"rewards": {"contains": 1.0}, "answers": 8, "max_tokens": 4}
    values = {"method": "reinforce", "data": [str(path)], "reinforce": how, "batch_size": 32, "precision": "fp32"}
    values |= {"eval_every": 0, "checkpoint_every_seconds": 0, "learning_rate": 0.01, "warmup_steps": 0}
    return StepOptions(**{**values, **changes})


@pytest.fixture(scope="module")
def speaker(model_folder, tmp_path_factory):
    """A model that says a, b or c and ends."""
    folder = tmp_path_factory.mktemp("speaker")
    rows = [{"question": f"say {n}", "answer": "abc"[n % 3]} for n in range(120)]
    (folder / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    options = StepOptions(data=[str(folder / "r.jsonl")], steps=40, batch_size=8, precision="fp32", eval_every=0)
    run(options, {"model": model_folder}, folder / "out", context())
    return folder / "out" / "model"


def test_the_reward_rises(speaker, tmp_path):
    counts = run(step(asked(tmp_path / "q.jsonl"), steps=25), {"model": speaker}, tmp_path / "out", context())
    rows = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()]
    rewards = [row["reward"] for row in rows if row["kind"] == "step"]
    assert np.mean(rewards[:3]) < 0.6 and np.mean(rewards[-3:]) > 0.85
    assert counts["validation_solved"] == 1.0 and counts["solved_low"] > 0.3
    assert counts["gain"] == pytest.approx(1.0 - counts["solved_before"]) and counts["gain_low"] > 0
    assert counts["gain_p"] < 0.05
    assert bundle.load(tmp_path / "out" / "model", device="cpu").tokenizer is not None


def test_adapters_alone_raise_the_reward(speaker, tmp_path):
    options = step(asked(tmp_path / "q.jsonl"), steps=30, lora={"rank": 8})
    counts = run(options, {"model": speaker}, tmp_path / "out", context())
    assert counts["solved_before"] < 0.9 and counts["validation_solved"] == 1.0 and counts["gain_low"] > 0
    before, after = (
        bundle.load(place, device="cpu").model.state_dict() for place in (speaker, tmp_path / "out" / "model")
    )
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and all(name.startswith("blocks.") for name in moved), "embeddings and norms stay"
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").is_file()


def test_it_stays_near_where_it_started_when_asked_to(speaker, tmp_path):
    opened = bundle.load(speaker, device="cpu")
    question = question_from(opened.tokenizer, Example("qa", question="say 1", target="b"), None)
    rollouts = Rollouts(opened, [question], step(tmp_path / "q.jsonl"), seed=1)
    batch = rollouts.next()
    assert len(batch["reward_B"]) == 32 and batch["advantage_B"].abs().sum() > 0
    reference = bundle.load(speaker, device="cpu").model
    at_home = GroupRelative(0.1, reference)(opened.model, batch)
    assert at_home.parts["kl"] == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        opened.model.embedding.tokens.weight.mul_(1.5)
    assert GroupRelative(0.1, reference)(opened.model, batch).parts["kl"] > 0.01


def test_killed_and_continued_ends_with_the_same_bits(speaker, tmp_path):
    options = step(asked(tmp_path / "q.jsonl"), steps=4)
    run(options, {"model": speaker}, tmp_path / "whole", context())
    times: list[int] = []
    with pytest.raises(Interrupted):
        run(options, {"model": speaker}, tmp_path / "cut", context(stop=lambda: times.append(1) or len(times) > 2))
    run(options, {"model": speaker}, tmp_path / "cut", context())
    name = "model/model.safetensors"
    assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    "how, rule",
    [
        ({"rewards": {"exactly": 1.0}}, "Did you mean 'exact'"),
        ({"rewards": {"pattern": 1.0}}, "go together"),
        ({"rewards": {"pattern": 1.0}, "pattern": "("}, "no regular expression"),
        ({"answers": 5}, "no multiple of the 5"),
    ],
)
def test_wrong_settings_stop_before_work(how, rule):
    with pytest.raises(ValueError, match=rule):
        step("q.jsonl", reinforce=how)


def test_questions_without_room_for_an_answer_are_told(speaker, tmp_path):
    options = step(asked(tmp_path / "q.jsonl"), reinforce={"answers": 8, "max_tokens": 60})
    with pytest.raises(DataError, match="leaves room for an answer of 60 tokens"):
        run(options, {"model": speaker}, tmp_path / "out", context())
