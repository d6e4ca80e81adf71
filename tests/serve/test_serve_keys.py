"""Keys: hashed, with a role, asked at one outer layer; without one nothing but the bare pages answers."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from fastapi.testclient import TestClient
from port import on_a_port
from toy_speaker import ANSWER, ToySpeaker

from groundup.core.errors import ArtifactError, UsageError
from groundup.serve.api import create_app, keys_for
from groundup.serve.keys import Keys, main, make_key, read_keys

HELLO = {"model": "demo", "messages": [{"role": "user", "content": "Hello!"}]}


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def guarded(runs_folder: Path, key_file: Path) -> Iterator[tuple[TestClient, str, str]]:
    """A client, a key for everything, a key that may only chat."""
    whole, chat = make_key(key_file, "office"), make_key(key_file, "website", "chat")
    app = create_app(runs_folder, open_speaker=ToySpeaker, keys=read_keys(key_file))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client, whole, chat


def test_a_key_is_stored_as_a_hash_that_only_its_owner_can_read(key_file: Path) -> None:
    text = make_key(key_file, "office")
    assert text.startswith("gu-") and len(text) > 40
    assert text not in key_file.read_text() and stat.S_IMODE(key_file.stat().st_mode) == 0o600
    keys = read_keys(key_file)
    assert keys.role_of(text) == "all" and keys.role_of(text + "x") is None and keys.role_of("") is None
    with pytest.raises(UsageError, match="already"):
        make_key(key_file, "office")


def test_a_damaged_key_file_is_refused_not_ignored(key_file: Path) -> None:
    for content in ('{"keys": [{"name": "a"}]}', "[]", '{"keys": [{"name": "a", "role": "root", "sha256": "00"}]}'):
        key_file.write_text(content)
        with pytest.raises(ArtifactError):
            read_keys(key_file)


def test_every_address_but_the_bare_pages_asks_for_a_key(guarded: tuple[TestClient, str, str]) -> None:
    client, whole, _ = guarded
    paths = ["/v1/models", "/api/home", "/api/apps", "/api/runs/demo/trust", "/metrics", "/openapi.json", "/nowhere"]
    for path in paths:
        refused = client.get(path)
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer", path
        assert client.get(path, headers={"authorization": f"Bearer {whole}"}).status_code != 401
    for path in ("/", "/studio/app.js", "/health", "/ready"):
        assert client.get(path).status_code == 200
    for wrong in ("Bearer", "Bearer x", f"Basic {whole}", whole, f"Bearer {whole[:-1]}"):
        assert client.get("/v1/models", headers={"authorization": wrong}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/studio/../api/home", "//api/home", "/api/session/../home", "/Api/home", "/v1/models/"]
)
def test_no_spelling_of_an_address_goes_round_the_key(guarded: tuple[TestClient, str, str], path: str) -> None:
    answer = guarded[0].get(path)
    assert answer.status_code in (401, 404) and "runs" not in answer.text and '"id"' not in answer.text


def test_a_chat_key_may_chat_and_nothing_else(guarded: tuple[TestClient, str, str]) -> None:
    client, _, chat = guarded
    mine = {"authorization": f"Bearer {chat}"}
    assert client.post("/v1/chat/completions", json=HELLO, headers=mine).json()["choices"][0]["message"]["content"]
    assert client.get("/v1/models", headers=mine).status_code == 200
    for method, path in (
        ("GET", "/api/home"),
        ("POST", "/api/runs"),
        ("POST", "/v1/embeddings"),
        ("GET", "/api/chats"),
    ):
        assert client.request(method, path, headers=mine, json={} if method == "POST" else None).status_code == 403


def test_a_browser_keeps_the_key_in_a_cookie_no_script_can_read(guarded: tuple[TestClient, str, str]) -> None:
    client, whole, _ = guarded
    assert client.post("/api/session", json={"key": "gu-wrong"}).status_code == 401
    answer = client.post("/api/session", json={"key": whole})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert client.get("/api/home").status_code == 200


def test_the_real_client_sends_its_key(runs_folder: Path, key_file: Path) -> None:
    text = make_key(key_file, "office")
    with on_a_port(create_app(runs_folder, open_speaker=ToySpeaker, keys=read_keys(key_file))) as address:
        good = openai.OpenAI(base_url=f"{address}/v1", api_key=text, max_retries=0)
        assert good.chat.completions.create(**HELLO).choices[0].message.content == ANSWER  # type: ignore[call-overload]
        with pytest.raises(openai.AuthenticationError, match="asks for a key"):
            openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0).models.list()


def test_an_address_of_the_network_needs_keys(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundup.serve.keys.Path.home", lambda: key_file.parent)
    assert keys_for("127.0.0.1", 1, None) is None
    with pytest.raises(UsageError, match="no key"):
        keys_for("0.0.0.0", 1, None)
    with pytest.raises(UsageError, match="holds no key"):
        keys_for("127.0.0.1", 1, key_file)
    make_key(key_file, "office")
    assert isinstance(keys_for("0.0.0.0", 1, key_file), Keys) and isinstance(keys_for("localhost", 1, key_file), Keys)


def test_the_command_prints_a_key_once(key_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["site", "--role", "chat", "--key-file", str(key_file)]) == 0
    text = capsys.readouterr().out.strip()
    assert read_keys(key_file).role_of(text) == "chat"
    assert json.loads(key_file.read_text())["keys"][0]["name"] == "site"
    assert main(["site", "--key-file", str(key_file)]) == 2 and "already" in capsys.readouterr().err
