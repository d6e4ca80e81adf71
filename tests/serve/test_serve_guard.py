"""One outer layer: other hosts, other sites, large bodies and forms are refused before any route sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from groundup.core.errors import UsageError
from groundup.serve.api import serve

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::2]", "[", "0.0.0.0"]
)
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    for path in ("/", "/health", "/v1/models", "/api/home", "/studio/app.js", "/openapi.json"):
        assert client.get(path, headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost:1", "LOCALHOST", "[::1]:8765"])
def test_this_machine_has_several_names(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9", "http://127.0.0.1.evil.example"]
)
def test_another_site_is_refused_whatever_it_asks(client: TestClient, origin: str) -> None:
    assert client.get("/api/home", headers={"origin": origin}).status_code == 403
    assert client.post("/api/runs", json={"recipe": "demo"}, headers={"origin": origin}).status_code == 403


def test_our_own_page_is_let_in(client: TestClient) -> None:
    assert client.get("/api/home", headers={"origin": "http://127.0.0.1"}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_of_another_site_cannot_start_a_run(client: TestClient, kind: str) -> None:
    answer = client.post("/api/runs", content='{"recipe": "demo"}', headers={"content-type": kind})
    assert answer.status_code == 415


def test_a_cross_site_write_is_refused(client: TestClient) -> None:
    answer = client.post("/api/runs/demo/stop", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_a_large_body_is_refused_said_or_unsaid(make_app: Callable[..., FastAPI]) -> None:
    def unsaid() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 100

    with TestClient(make_app(max_body_bytes=1000), base_url="http://127.0.0.1") as client:
        said = client.post("/v1/completions", content=b" " * 2000, headers=JSON)
        streamed = client.post("/v1/completions", content=unsaid(), headers=JSON)
        lied = client.post("/v1/completions", content=b"{}", headers={**JSON, "content-length": "-5"})
    assert (said.status_code, streamed.status_code, lied.status_code) == (413, 413, 413)


def test_every_answer_carries_the_policy(client: TestClient) -> None:
    for path in ("/", "/studio/app.js", "/api/home", "/v1/models", "/nowhere"):
        answer = client.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    refused = client.get("/", headers={"host": "evil.example"})
    assert "default-src 'none'" in refused.headers["content-security-policy"]


def test_no_other_site_is_ever_allowed_by_a_header(client: TestClient) -> None:
    answer = client.options(
        "/v1/models", headers={"origin": "http://127.0.0.1", "access-control-request-method": "POST"}
    )
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/studio/../api.py", "/studio/%2e%2e/api.py", "/studio//etc/passwd", "/studio/..%5capi.py"]
)
def test_pages_do_not_lead_out_of_their_folder(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (403, 404)


def test_serving_beyond_this_machine_is_refused_with_the_way_round(tmp_path) -> None:
    with pytest.raises(UsageError, match="ssh -L"):
        serve(tmp_path, host="0.0.0.0")


def test_a_taken_port_is_said(tmp_path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="is taken"):
            serve(tmp_path, port=taken.getsockname()[1])
