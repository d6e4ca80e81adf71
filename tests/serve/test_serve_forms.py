"""The real openai client against the real engine: tools, forms, log-probabilities, scored prompts, gaps, penalties."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi.testclient import TestClient
from port import on_a_port
from tiny_engine import speaker, tokenizer

from groundup.serve.api import create_app

HELLO: list[Any] = [{"role": "user", "content": "Who?"}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 9}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "weather", "description": "Rain or sun?", "parameters": PARAMETERS}},
    {"type": "function", "function": {"name": "clock"}},
]


@pytest.fixture(scope="module")
def real(runs_folder: Path) -> Iterator[openai.OpenAI]:
    with on_a_port(create_app(runs_folder, open_speaker=speaker)) as address:
        yield openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def direct(runs_folder: Path) -> Iterator[TestClient]:
    with TestClient(create_app(runs_folder, open_speaker=speaker), base_url="http://127.0.0.1") as client:
        yield client


def check(calls: Any) -> None:
    assert calls
    for call in calls:
        assert call.type == "function" and call.id.startswith("call_")
        arguments = json.loads(call.function.arguments)
        if call.function.name == "weather":
            assert isinstance(arguments["city"], str) and arguments["days"] <= 9
        else:
            assert (call.function.name, arguments) == ("clock", {})


def test_calls_that_must_come_come_valid_from_a_random_model(real: openai.OpenAI) -> None:
    for seed in range(3):
        made = real.chat.completions.create(
            model="demo", messages=HELLO, tools=TOOLS, tool_choice="required", temperature=1.5, seed=seed, max_tokens=90
        )
        choice = made.choices[0]
        check(choice.message.tool_calls)
        assert choice.message.content is None and choice.finish_reason in ("tool_calls", "length")


def test_a_named_tool_is_called_once_and_what_it_gave_back_is_read(real: openai.OpenAI) -> None:
    named: Any = {"type": "function", "function": {"name": "clock"}}
    made = real.chat.completions.create(model="demo", messages=HELLO, tools=TOOLS, tool_choice=named)
    message = made.choices[0].message
    assert [call.function.name for call in message.tool_calls or ()] == ["clock"]
    assert made.choices[0].finish_reason == "tool_calls"
    call = (message.tool_calls or [])[0]
    turns = [
        *HELLO,
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "noon"},
    ]
    after = real.chat.completions.create(model="demo", messages=turns, tools=TOOLS, tool_choice="none", max_tokens=8)
    assert after.choices[0].message.tool_calls is None
    assert (after.usage and made.usage) and after.usage.prompt_tokens != made.usage.prompt_tokens


def test_streamed_calls_join_to_the_same_call(real: openai.OpenAI) -> None:
    wanted: Any = {"model": "demo", "messages": HELLO, "tools": TOOLS[:1], "tool_choice": "required", "max_tokens": 60}
    wanted["parallel_tool_calls"] = False
    whole = real.chat.completions.create(**wanted).choices[0].message.tool_calls
    chunks = [chunk.choices[0] for chunk in real.chat.completions.create(**wanted, stream=True)]
    calls = [call for chunk in chunks for call in chunk.delta.tool_calls or ()]
    assert [call.index for call in calls] == [0] and chunks[-1].finish_reason == "tool_calls"
    assert calls[0].function and calls[0].function.arguments == whole[0].function.arguments
    assert not any(chunk.delta.content for chunk in chunks)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "other"}}}, "none of the tools"),
        ({"tool_choice": "required"}, "comes with tools"),
        ({"tools": [TOOLS[0], TOOLS[0]]}, "same name"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "name"),
        ({"tools": TOOLS, "response_format": {"type": "json_object"}}, "only one of"),
        ({"top_logprobs": 3}, "comes with logprobs"),
        ({"tools": [TOOLS[1]] * 65}, "tools"),
        ({"tools": TOOLS, "tool_choice": "required", "max_tokens": 4}, "needs"),
        ({"structured_outputs": {"regex": "a", "choice": ["b"]}}, "exactly one"),
        ({"messages": [{"role": "user"}]}, "content"),
        ({"messages": [{"role": "user", "content": "x", "tool_call_id": "y"}]}, "tool_call_id"),
    ],
)
def test_what_does_not_fit_together_is_refused(direct: TestClient, fields: dict[str, Any], words: str) -> None:
    answer = direct.post("/v1/chat/completions", json={"model": "demo", "messages": HELLO, **fields})
    assert answer.status_code == 400 and words in answer.text


@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_patterns_and_choices_hold_answers(direct: TestClient, path: str) -> None:
    asked = {"messages": HELLO} if path.startswith("chat") else {"prompt": "Who?"}
    for form, pattern in (
        ({"regex": "[a-c]{2}-[0-9]"}, "[a-c]{2}-[0-9]"),
        ({"choice": ["left", "right"]}, "left|right"),
    ):
        body = {"model": "demo", **asked, "structured_outputs": form, "temperature": 1, "n": 2}
        for choice in direct.post(f"/v1/{path}", json=body).json()["choices"]:
            text = choice["message"]["content"] if "message" in choice else choice["text"]
            assert re.fullmatch(pattern, text) and choice["finish_reason"] == "stop"


def test_every_token_tells_how_probable_it_was(real: openai.OpenAI) -> None:
    made = real.chat.completions.create(
        model="demo", messages=HELLO, logprobs=True, top_logprobs=4, max_tokens=6, logit_bias={"6": -100, "0": -100}
    )
    content = made.choices[0].logprobs.content  # type: ignore[union-attr]
    assert content and len(content) == 6
    for one in content:
        assert one.logprob <= 0 and len(one.top_logprobs) == 4
        values = [other.logprob for other in one.top_logprobs]
        assert values == sorted(values, reverse=True)
        assert bytes(one.bytes or ()).decode("utf-8", "replace") or one.token
    plain = real.chat.completions.create(model="demo", messages=HELLO, max_tokens=6)
    assert plain.choices[0].logprobs is None
    parts = real.chat.completions.create(
        model="demo", messages=HELLO, logprobs=True, max_tokens=6, stream=True, logit_bias={"6": -100, "0": -100}
    )
    streamed = [one.logprob for part in parts for one in getattr(part.choices[0].logprobs, "content", None) or ()]
    assert streamed == pytest.approx([one.logprob for one in content], abs=1e-6)


def test_a_prompt_is_scored_without_an_answer(real: openai.OpenAI) -> None:
    text = "there was a fox"
    made = real.completions.create(model="demo", prompt=text, echo=True, max_tokens=0, logprobs=2)
    choice = made.choices[0]
    assert choice.text == text and made.usage and made.usage.completion_tokens == 0
    told = choice.logprobs
    assert told and told.tokens and "".join(told.tokens) == text
    ids = [tokenizer().special["<|endoftext|>"], *tokenizer().encode(text)]
    assert told.token_logprobs == pytest.approx(speaker().engine.token_logprobs(ids)[1:].tolist(), abs=1e-4)
    assert told.text_offset == [sum(map(len, told.tokens[:place])) for place in range(len(told.tokens))]
    both = real.completions.create(model="demo", prompt=text, echo=True, max_tokens=3, logprobs=0)
    assert both.choices[0].text.startswith(text) and len(both.choices[0].logprobs.tokens) == len(told.tokens) + 3  # type: ignore[union-attr,arg-type]
    with pytest.raises(openai.BadRequestError, match="comes with echo"):
        real.completions.create(model="demo", prompt=text, max_tokens=0)


def test_a_suffix_makes_a_gap_to_fill(real: openai.OpenAI) -> None:
    gap = real.completions.create(model="demo", prompt="once there", suffix="the mill", max_tokens=5)
    plain = real.completions.create(model="demo", prompt="once there", max_tokens=5)
    assert gap.usage and plain.usage and gap.usage.prompt_tokens > plain.usage.prompt_tokens
    with pytest.raises(openai.BadRequestError, match="echo"):
        real.completions.create(model="demo", prompt="a", suffix="b", echo=True)


def test_penalties_bias_and_seeds_do_what_they_say(real: openai.OpenAI) -> None:
    def text(**fields: Any) -> str:
        return real.completions.create(model="demo", prompt="once", max_tokens=12, **fields).choices[0].text

    fox = tokenizer().encode("fox")[0]
    assert text(logit_bias={str(fox): 100}, stop=None).count(tokenizer().decode([fox])) == 12
    warm = {"temperature": 1.0}
    assert text(seed=1, **warm) == text(seed=1, **warm) != text(seed=2, **warm)
    assert text(frequency_penalty=2.0) != text(logit_bias={str(fox): 100})
    narrow = {"extra_body": {"min_p": 1.0}}
    assert text(temperature=1.0, seed=1, **narrow) == text(temperature=1.0, seed=9, **narrow) == text()


def test_the_same_question_in_a_crowd_gets_the_same_answer(direct: TestClient) -> None:
    from concurrent.futures import ThreadPoolExecutor

    body = {"model": "demo", "messages": HELLO, "temperature": 1.0, "seed": 5, "max_tokens": 20}
    alone = direct.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"]
    others = [{**body, "seed": n, "messages": [{"role": "user", "content": "x" * n}]} for n in range(1, 8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda one: direct.post("/v1/chat/completions", json=one).json(), [body, *others]))
    assert made[0]["choices"][0]["message"]["content"] == alone


def test_the_second_question_of_a_conversation_reads_only_what_is_new(direct: TestClient) -> None:
    long = [{"role": "user", "content": "there was a fox in the old mill " * 3}]
    body = {"model": "demo", "messages": long, "max_tokens": 4}
    direct.post("/v1/chat/completions", json=body)
    before = saved(direct)
    direct.post(
        "/v1/chat/completions", json={**body, "messages": [*long, {"role": "assistant", "content": "x"}, *HELLO]}
    )
    assert saved(direct) > before + 10


def saved(client: TestClient) -> float:
    found = re.search(r"^groundup_prefix_tokens_saved (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert found
    assert math.isfinite(float(found[1]))
    return float(found[1])
