"""What the OpenAPI page promises holds for whatever is sent: no request of any shape makes the server slip (slow proofs)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tiny_engine import speaker
from toy_speaker import ToySpeaker

from groundup.serve.api import create_app


@pytest.mark.slow
def test_no_request_made_from_the_schema_makes_the_server_slip(runs_folder: Path) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings

    app = create_app(runs_folder, open_speaker=ToySpeaker, studio=False)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"host": "127.0.0.1"})
    for operation in schema.get_all_operations():
        case_of = operation.ok().as_strategy()

        @settings(
            max_examples=60,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=case_of)
        def never_slips(case: Any) -> None:
            answer = case.call(headers={"host": "127.0.0.1"})
            assert answer.status_code < 500, answer.text

        never_slips()


FRAGMENTS: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1e308,
        2**63,
        "",
        "x" * 1000,
        "\x00",
        "\ud800",
        [],
        {},
        [[]],
        {"a": {}},
        "demo",
        "user",
        "text",
    ),
    *({"role": "user", "content": "x"}, {"type": "function"}, {"type": "json_object"}, [{"role": "tool"}], "auto"),
    *({"json": {}}, {"regex": "a+"}, {"choice": ["a"]}, [1, 2], ["a", "b"], {"5": 1}, 5, 0.5, 3),
]
FIELDS = [
    *("model", "messages", "prompt", "max_tokens", "temperature", "top_p"),
    *("top_k", "min_p", "n", "seed", "stop", "stream"),
    *("stream_options", "logprobs", "top_logprobs", "tools", "tool_choice", "response_format"),
    *("structured_outputs", "logit_bias", "echo", "suffix", "user", "best_of"),
    *("input", "encoding_format", "parallel_tool_calls", "presence_penalty", "max_completion_tokens"),
]


def fuzz(client: TestClient, rounds: int, seed: int) -> int:
    """Random bodies around good ones; returns how many were let in."""
    dice = random.Random(seed)
    let_in = 0
    for _ in range(rounds):
        path = dice.choice(["chat/completions", "completions", "embeddings"])
        good = {"messages": [{"role": "user", "content": "x"}]} if path[1] == "h" else {"prompt": "x", "input": "x"}
        body: dict[str, Any] = {"model": "demo", "max_tokens": 3, **good}
        if path == "embeddings":
            body.pop("max_tokens"), body.pop("prompt")
        elif path == "completions":
            body.pop("input")
        for _ in range(dice.choice([0, 1, 1, 2, 5])):
            body[dice.choice(FIELDS)] = dice.choice(FRAGMENTS)
        raw = json.dumps(body).encode()
        if dice.random() < 0.1:  # broken bytes
            place = dice.randrange(len(raw))
            raw = raw[:place] + bytes([dice.randrange(256)]) + raw[place + 1 :]
        answer = client.post(f"/v1/{path}", content=raw, headers={"content-type": "application/json"})
        assert answer.status_code in (200, 400, 404, 429), (answer.status_code, raw, answer.text)
        let_in += answer.status_code == 200
    return let_in


@pytest.mark.parametrize("rounds", [150, pytest.param(20_000, marks=pytest.mark.slow)])
def test_random_bodies_are_answered_or_refused(runs_folder: Path, rounds: int) -> None:
    app = create_app(runs_folder, open_speaker=speaker)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        assert fuzz(client, rounds, seed=1) > rounds // 20
        assert client.get("/ready").status_code == 200
