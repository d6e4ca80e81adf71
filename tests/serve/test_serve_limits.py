"""What each key may ask for: counted before it is let in, set right when it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from toy_speaker import ToySpeaker

from groundup.core.errors import ArtifactError
from groundup.serve.api import create_app
from groundup.serve.keys import make_key, read_keys
from groundup.serve.limits import Allowance, Exceeded, Limits

HELLO = {"model": "demo", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 20}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_refills_steadily() -> None:
    clock = Clock()
    limits = Limits({"a": Allowance(requests_per_minute=2)}, clock=clock)
    for _ in range(2):
        limits.admit("a", 1).close()
    with pytest.raises(Exceeded) as caught:
        limits.admit("a", 1)
    assert caught.value.retry_seconds == 30
    clock.now = 30
    limits.admit("a", 1).close()
    with pytest.raises(Exceeded):
        limits.admit("a", 1)
    clock.now = 10_000  # a long rest saves up no more than one minute's worth
    for _ in range(2):
        limits.admit("a", 1).close()
    with pytest.raises(Exceeded):
        limits.admit("a", 1)


def test_tokens_are_taken_first_and_given_back_when_fewer_were_needed() -> None:
    limits = Limits({"a": Allowance(tokens_per_minute=100)}, clock=Clock())
    first = limits.admit("a", 90)
    with pytest.raises(Exceeded):
        limits.admit("a", 90)  # sent at the same moment
    first.settle(10)
    first.settle(10)
    first.close()
    first.close()
    limits.admit("a", 90)
    with pytest.raises(Exceeded, match="can take 101 tokens"):
        limits.admit("a", 101)
    limits.admit("somebody without limits", 10**9)


def test_answers_at_once() -> None:
    limits = Limits({"a": Allowance(at_once=1)}, clock=Clock())
    first = limits.admit("a", 1)
    with pytest.raises(Exceeded, match="at once"):
        limits.admit("a", 1)
    first.close()
    limits.admit("a", 1)


@pytest.fixture
def served(runs_folder: Path, tmp_path: Path) -> Callable[..., tuple[TestClient, dict[str, str]]]:
    def make(pause: float = 0.0, **limits: int) -> tuple[TestClient, dict[str, str]]:
        file = tmp_path / "keys.json"
        text = make_key(file, "site", "chat", Allowance(**limits))
        make_key(file, "office")
        app = create_app(runs_folder, open_speaker=lambda folder: ToySpeaker(folder, pause), keys=read_keys(file))
        return TestClient(app, base_url="http://127.0.0.1"), {"authorization": f"Bearer {text}"}

    return make


def test_a_key_past_its_rate_is_told_when_to_come_back(served) -> None:
    client, mine = served(requests_per_minute=2)
    with client:
        codes = [client.post("/v1/chat/completions", json=HELLO, headers=mine) for _ in range(3)]
    assert [one.status_code for one in codes] == [200, 200, 429]
    assert 1 <= int(codes[2].headers["retry-after"]) <= 30
    assert codes[2].json()["error"]["code"] == "rate_limit_exceeded"


def test_tokens_of_a_key_are_counted_as_they_were_not_as_they_could_have_been(served) -> None:
    client, mine = served(tokens_per_minute=60)
    with client:
        codes = [client.post("/v1/chat/completions", json=HELLO, headers=mine).status_code for _ in range(3)]
        large = client.post("/v1/chat/completions", json={**HELLO, "max_tokens": 100}, headers=mine)
    assert codes == [200, 200, 429] and large.status_code == 429  # 3 + 15 tokens each; 20 + 3 must be free


@pytest.mark.parametrize("stream", [True, False])
def test_a_stream_that_is_left_frees_its_place(served, stream: bool) -> None:
    client, mine = served(pause=0.02, at_once=1)
    with client:
        if stream:
            with client.stream("POST", "/v1/chat/completions", json={**HELLO, "stream": True}, headers=mine) as answer:
                next(answer.iter_lines())
        else:
            assert client.post("/v1/chat/completions", json={**HELLO, "n": 2}, headers=mine).status_code == 200
        for _ in range(100):
            again = client.post("/v1/chat/completions", json=HELLO, headers=mine)
            if again.status_code == 200:
                break
            time.sleep(0.02)
    assert again.status_code == 200


def test_limits_are_kept_with_the_key_and_nonsense_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    text = make_key(file, "a", "chat", Allowance(3, 4, 5))
    key = read_keys(file).key_of(text)
    assert key is not None and key.allowed == Allowance(3, 4, 5)
    for nonsense in ("-1", "true", '"many"', "0", "1.5"):
        file.write_text(
            '{"keys": [{"name": "a", "role": "all", "sha256": "' + "0" * 64 + f'", "at_once": {nonsense}' + "}]}"
        )
        with pytest.raises(ArtifactError):
            read_keys(file)
