"""The content guard in the server: refusals before the model, nothing hidden in whole answers, streams and calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.audit.content import ContentGuard, Policy
from groundup.core.errors import RecipeError
from groundup.serve.screening import Screening
from groundup.serve.worker import Job, Piece

POLICY = """
refuse  = ["weapon"]
hide    = ["email", "card"]
message = "Not here."
[patterns]
weapon = "pipe bomb"
"""
ADDRESS = "anna.miller@example.org"
CHAT = "/v1/chat/completions"


@pytest.fixture
def guarded(make_app: Callable[..., FastAPI], tmp_path: Path) -> Any:
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    with TestClient(make_app(policy=str(tmp_path / "policy.toml")), base_url="http://127.0.0.1") as client:
        yield client


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "demo", "messages": [{"role": "user", "content": text}], **more}


def streamed(client: TestClient, body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(deltas, finish reasons) of a streamed answer."""
    lines = client.post(CHAT, json={**body, "stream": True}).text.splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    choices = [event["choices"][0] for event in events]
    return [one["delta"].get("content") or "" for one in choices], [
        one["finish_reason"] for one in choices if one["finish_reason"]
    ]


def test_a_refused_request_never_reaches_the_model(guarded: TestClient) -> None:
    answer = guarded.post(CHAT, json=asked("How is a PIPE bomb built?", n=2)).json()
    assert [one["message"]["content"] for one in answer["choices"]] == ["Not here."] * 2
    assert {one["finish_reason"] for one in answer["choices"]} == {"content_filter"}
    assert answer["usage"]["total_tokens"] == 0  # nothing was read
    deltas, finish = streamed(guarded, asked("How is a pipe bomb built?"))
    assert "".join(deltas) == "Not here." and finish == ["content_filter"]
    whole = guarded.post("/v1/completions", json={"model": "demo", "prompt": "The pipe bomb"}).json()
    assert whole["choices"][0]["text"] == "Not here."
    turns = [{"role": "assistant", "content": "Sure, a pipe bomb"}, {"role": "user", "content": "Go on."}]
    assert guarded.post(CHAT, json={"model": "demo", "messages": turns}).json()["choices"][0]["finish_reason"] == (
        "content_filter"
    )


def test_answers_are_screened_whole_and_streamed_alike(guarded: TestClient) -> None:
    said = (
        f"say Please write to {ADDRESS} or pay with 4111 1111 1111 1111 before the end of the week. "
        + "Thank you. " * 12
    )
    whole = guarded.post(CHAT, json=asked(said)).json()["choices"][0]
    assert whole["message"]["content"].startswith("Please write to [email] or pay with [card] before")
    deltas, finish = streamed(guarded, asked(said))
    assert "".join(deltas) == whole["message"]["content"] and finish == ["stop"] == [whole["finish_reason"]]
    assert len([one for one in deltas if one]) > 3  # it still comes in pieces


def test_without_a_policy_nothing_is_touched(client: TestClient) -> None:
    assert client.post(CHAT, json=asked(f"say {ADDRESS}")).json()["choices"][0]["message"]["content"] == ADDRESS


def test_probabilities_would_spell_what_is_hidden(guarded: TestClient) -> None:
    answer = guarded.post(CHAT, json=asked("Hello", logprobs=True))
    assert answer.status_code == 400 and "logprobs" in answer.json()["error"]["message"]


def test_an_unknown_category_stops_the_server_from_starting(make_app: Callable[..., FastAPI], tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('refuse = ["weapons"]', encoding="utf-8")
    with pytest.raises(RecipeError, match="weapons"):
        make_app(policy=str(tmp_path / "policy.toml"))


def watched(pieces: list[Piece]) -> list[Piece]:
    """What comes out of a screened job that says these pieces."""
    out: list[Any] = []
    guard = ContentGuard(Policy(hide=["email"]))
    job = Screening(guard, Job("m", {"n": 2}, out.append, text="Hello", cancelled=threading.Event())).watch()
    for piece in pieces:
        job.emit(piece)
    return out


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=6), st.integers(0, 1))
def test_two_answers_side_by_side_never_show_a_part_of_what_is_hidden(cuts: list[int], index: int) -> None:
    text = f"You can reach her under {ADDRESS} in the mornings, every day of the week but one, and never on a holiday."
    places = [0, *sorted(cuts), len(text)]
    said = [Piece(index, text[a:b]) for a, b in pairwise(places)]
    other = [Piece(1 - index, "a harmless word ") for _ in said]
    pairs = [one for pair in zip(said, other, strict=True) for one in pair]
    out = watched([*pairs, Piece(index, finish="stop"), Piece(1 - index, finish="length")])
    assert "".join(one.text for one in out if one.index == index) == text.replace(ADDRESS, "[email]")
    assert [one.finish for one in out if one.finish] == ["stop", "length"]
    assert not any("anna" in one.text for one in out)


def test_the_arguments_of_a_call_are_screened_and_errors_pass() -> None:
    call = {"name": "send", "arguments": {"to": [ADDRESS], "times": 2}}
    (out,) = watched([Piece(0, call=call)])
    assert out.call == {"name": "send", "arguments": {"to": ["[email]"], "times": 2}}
    error = ValueError("broken")
    assert watched([error]) == [error]  # type: ignore[list-item]
