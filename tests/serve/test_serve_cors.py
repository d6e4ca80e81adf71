"""From another site's page: only with a chat-only key in the header, only to chat; everything else is refused there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from toy_speaker import ANSWER, ToySpeaker

from groundup.serve.api import create_app
from groundup.serve.guard import COOKIE
from groundup.serve.keys import make_key, read_keys

HELLO = {"model": "demo", "messages": [{"role": "user", "content": "Hello!"}]}
SHOP = {"origin": "https://shop.example", "sec-fetch-site": "cross-site"}
ASKS = {**SHOP, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


def client_with(runs_folder: Path, tmp_path: Path, *roles: str) -> tuple[TestClient, dict[str, str]]:
    made = {role: make_key(tmp_path / "keys.json", role, role) for role in roles}  # type: ignore[arg-type]
    app = create_app(runs_folder, open_speaker=ToySpeaker, keys=read_keys(tmp_path / "keys.json"))
    return TestClient(app, base_url="http://127.0.0.1"), made


@pytest.fixture
def shop(runs_folder: Path, tmp_path: Path) -> Iterator[tuple[TestClient, dict[str, str]]]:
    client, made = client_with(runs_folder, tmp_path, "all", "chat")
    with client:
        yield client, {role: f"Bearer {key}" for role, key in made.items()}


def test_a_shop_page_chats_with_its_chat_key(shop: tuple[TestClient, dict[str, str]]) -> None:
    client, keys = shop
    for path in ("/v1/chat/completions", "/api/apps/support/ask"):
        asked = client.options(path, headers=ASKS)
        assert asked.status_code == 204 and asked.headers["access-control-allow-origin"] == "*"
        assert "authorization" in asked.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in asked.headers
    answer = client.post("/v1/chat/completions", json=HELLO, headers={**SHOP, "authorization": keys["chat"]})
    assert answer.json()["choices"][0]["message"]["content"] == ANSWER
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_wrong_key_is_told_so_that_the_page_can_say_it(shop: tuple[TestClient, dict[str, str]]) -> None:
    client, _ = shop
    answer = client.post("/v1/chat/completions", json=HELLO, headers={**SHOP, "authorization": "Bearer gu-x"})
    assert answer.status_code == 401 and answer.headers["access-control-allow-origin"] == "*"


def test_a_key_for_everything_is_refused_there(shop: tuple[TestClient, dict[str, str]]) -> None:
    client, keys = shop
    answer = client.post("/v1/chat/completions", json=HELLO, headers={**SHOP, "authorization": keys["all"]})
    assert answer.status_code == 403 and "chat-only" in answer.json()["error"]["message"]


def test_a_cookie_never_counts_there(shop: tuple[TestClient, dict[str, str]]) -> None:
    client, keys = shop
    for role in ("all", "chat"):
        cookie = {"cookie": f"{COOKIE}={keys[role].removeprefix('Bearer ')}"}
        assert client.post("/v1/chat/completions", json=HELLO, headers={**SHOP, **cookie}).status_code == 401
        assert client.post("/v1/chat/completions", json=HELLO, headers=cookie).status_code == 200


@pytest.mark.parametrize("path", ["/api/home", "/api/chats", "/v1/completions", "/v1/embeddings", "/metrics"])
def test_no_other_address_is_open_to_another_site(shop: tuple[TestClient, dict[str, str]], path: str) -> None:
    client, keys = shop
    for answer in (
        client.options(path, headers=ASKS),
        client.get(path, headers={**SHOP, "authorization": keys["chat"]}),
    ):
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("roles", [(), ("all",)])
def test_without_a_chat_key_nothing_is_open_to_another_site(
    runs_folder: Path, tmp_path: Path, roles: tuple[str, ...]
) -> None:
    client, _ = client_with(runs_folder, tmp_path, *roles)
    with client:
        answer = client.options("/v1/chat/completions", headers=ASKS)
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
