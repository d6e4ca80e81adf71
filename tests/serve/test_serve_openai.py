"""The real openai client works against /v1, and everything out of bounds is refused in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_speaker import ANSWER

from groundup.serve.requests import ChatRequest

HELLO: list[Any] = [{"role": "user", "content": "Hello!"}]


@pytest.fixture(scope="module")
def real(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def test_the_client_lists_and_gets_models(real: openai.OpenAI) -> None:
    assert {model.id for model in real.models.list()} == {"demo", "half"}
    assert real.models.retrieve("demo").owned_by == "groundup"
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        real.models.retrieve("other")


def test_the_client_gets_a_whole_answer_with_usage(real: openai.OpenAI) -> None:
    made = real.chat.completions.create(model="demo", messages=HELLO)
    assert made.choices[0].message.content == ANSWER
    assert made.choices[0].finish_reason == "stop"
    assert made.usage and made.usage.total_tokens == 3 + len(ANSWER.split())


def test_the_client_streams_the_same_text_and_the_usage_at_the_end(real: openai.OpenAI) -> None:
    chunks = list(
        real.chat.completions.create(
            model="demo", messages=HELLO, stream=True, stream_options={"include_usage": True}, temperature=0.5
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == ANSWER
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage and chunks[-1].usage.completion_tokens == len(ANSWER.split())


def test_the_client_gets_several_answers_and_a_cut_one(real: openai.OpenAI) -> None:
    made = real.chat.completions.create(model="demo", messages=HELLO, n=3, max_tokens=2)
    assert [choice.index for choice in made.choices] == [0, 1, 2]
    assert {choice.message.content for choice in made.choices} == {"Mira went"}
    assert made.choices[0].finish_reason == "length" and made.usage and made.usage.prompt_tokens == 3


def test_the_client_completes_prompts_whole_and_streamed(real: openai.OpenAI) -> None:
    made = real.completions.create(model="demo", prompt=["say one", "say two three"])
    assert [choice.text for choice in made.choices] == ["one", "two three"]
    parts = real.completions.create(model="demo", prompt="say one two", stream=True)
    assert "".join(part.choices[0].text for part in parts if part.choices) == "one two"


def test_content_in_parts_and_the_developer_role_are_understood(real: openai.OpenAI) -> None:
    messages: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "say "}, {"type": "text", "text": "hi"}]},
    ]
    assert real.chat.completions.create(model="demo", messages=messages).choices[0].message.content == "hi"


def test_an_unknown_model_is_not_found(real: openai.OpenAI) -> None:
    for name in ("../demo", "/etc", "demo/4_pretrain/model", "x" * 200, "\u202edemo"):
        with pytest.raises(openai.NotFoundError) as caught:
            real.chat.completions.create(model=name, messages=HELLO)
        assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_of_the_model_is_a_bad_request_not_a_broken_stream(real: openai.OpenAI, stream: bool) -> None:
    long = [{"role": "user", "content": "word " * 101}]
    with pytest.raises(openai.BadRequestError, match="too long"):
        real.chat.completions.create(model="demo", messages=long, stream=stream)  # type: ignore[call-overload]


OUTSIDE: list[tuple[str, Any]] = [
    ("max_tokens", 0),
    ("max_tokens", 4097),
    ("max_tokens", True),
    ("max_tokens", 2**63),
    ("max_tokens", 1.5),
    ("max_completion_tokens", -1),
    ("temperature", -0.1),
    ("temperature", 2.1),
    ("temperature", "1"),
    ("temperature", True),
    ("top_p", 0),
    ("top_p", 1.01),
    ("top_k", -1),
    ("min_p", 2),
    ("n", 0),
    ("n", 9),
    ("presence_penalty", -3),
    ("frequency_penalty", 1e308),
    ("seed", 2**60),
    ("stop", ["a"] * 5),
    ("stop", [""]),
    ("logit_bias", {"-1": 1}),
    ("logit_bias", {"5": 101}),
    ("logit_bias", {str(number): 1 for number in range(301)}),
    ("logprobs", 3),
    ("tools", [{"type": "function"}]),
    ("response_format", {"type": "xml"}),
    ("unheard_of", 1),
    ("messages", []),
    ("messages", [{"role": "wizard", "content": "x"}]),
    ("messages", [{"role": "user", "content": "x"}] * 257),
    ("messages", [{"role": "user", "content": "x" * 200_001}]),
    (
        "messages",
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254"}}]}],
    ),
]


@pytest.mark.parametrize(("field", "value"), OUTSIDE, ids=lambda value: str(value)[:24])
def test_a_value_outside_its_bounds_is_refused_by_name(client: TestClient, field: str, value: Any) -> None:
    answer = client.post("/v1/chat/completions", json={"model": "demo", "messages": HELLO, field: value})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error" and error["param"].startswith(field)


@pytest.mark.parametrize("body", ["NaN", "{", "[]", '{"temperature": NaN}', '{"temperature": Infinity}', "null", ""])
def test_a_body_that_is_no_request_is_refused(client: TestClient, body: str) -> None:
    body = (
        body.replace("{", '{"model": "demo", "messages": [{"role": "user", "content": "x"}], ', 1)
        if ":" in body
        else body
    )
    answer = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400 and answer.json()["error"]["message"]


NUMBERS = st.one_of(st.integers(), st.floats(), st.booleans(), st.none())
FIELDS = ["max_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "n", "seed"]


@settings(max_examples=150, deadline=None)
@given(values=st.dictionaries(st.sampled_from(FIELDS), NUMBERS))
def test_whatever_numbers_come_what_is_admitted_is_in_bounds(values: dict[str, Any]) -> None:
    try:
        request = ChatRequest.model_validate({"model": "demo", "messages": HELLO, **values})
    except ValueError:
        return
    admitted = request.sampling(256)
    assert 1 <= admitted["max_tokens"] <= 4096 and 1 <= admitted["n"] <= 8
    assert 0 <= admitted.get("temperature", 0) <= 2 and 0 < admitted.get("top_p", 1) <= 1
    assert not any(isinstance(value, bool) for value in admitted.values())


def test_a_full_queue_asks_to_come_back(make_app: Callable[..., FastAPI]) -> None:
    with TestClient(make_app(pause=0.02, max_waiting=1), base_url="http://127.0.0.1") as client:
        request = {"model": "demo", "messages": HELLO}
        body = {"model": "demo", "prompt": ["say a b c", "say d e f"]}
        answer = client.post("/v1/completions", json=body)
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"]["type"] == "rate_limit_error"
        for _ in range(100):  # the first prompt was given up: the place is free again after its next token
            answer = client.post("/v1/chat/completions", json=request)
            if answer.status_code == 200:
                break
        assert answer.json()["choices"][0]["message"]["content"] == ANSWER


def test_an_answer_past_its_deadline_ends_with_what_it_has(make_app: Callable[..., FastAPI]) -> None:
    with TestClient(make_app(pause=0.05, deadline_seconds=0.12), base_url="http://127.0.0.1") as client:
        made = client.post("/v1/chat/completions", json={"model": "demo", "messages": HELLO}).json()["choices"][0]
    assert ANSWER.startswith(made["message"]["content"]) and made["finish_reason"] == "length"
    assert len(made["message"]["content"]) < len(ANSWER)


def test_the_openapi_page_names_every_route_and_loads_nothing_from_elsewhere(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/models", "/v1/chat/completions", "/v1/completions", "/api/sources", "/health"} <= set(paths)
    assert client.get("/docs").status_code == 404
