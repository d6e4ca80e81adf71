"""What every request must pass, in one outer layer, before any route sees it.

Host: only names of this machine (a page that rebinds DNS to 127.0.0.1 still sends its own name; CVE-2024-28224).
Origin: a browser's cross-site request is refused, whatever its method; writing needs JSON, which a cross-site form
cannot send unasked. Body: counted while it comes, not only believed. Answers carry a strict content policy.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


class TooLarge(Exception):
    """The body grew past its bound while it was read."""


class Guard:
    """ASGI middleware. Refusals have OpenAI's error shape, so that clients can show them."""

    def __init__(self, app: Any, *, hosts: frozenset[str], max_body_bytes: int) -> None:
        self.app = app
        self.hosts = LOOPBACK | {host.lower() for host in hosts}
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], headers)
        if refusal:
            await _refuse(send, *refusal)
            return
        started = too_large = False
        received = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received, too_large
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_bytes:
                too_large = True
                raise TooLarge
            return message

        async def dressed(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if too_large and not started:
                return  # whatever the app made of the cut body; the refusal is sent below
            if message["type"] == "http.response.start":
                started = True
                present = {name.lower() for name, _ in message["headers"]}
                extra = [
                    (name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in present
                ]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        with contextlib.suppress(TooLarge):
            await self.app(scope, counted, dressed)
        if too_large and not started:
            await _refuse(send, 413, f"The body is larger than {self.max_body_bytes:,} bytes.")

    def _refusal(self, method: str, headers: dict[str, str]) -> tuple[int, str] | None:
        host = _name(headers.get("host", ""))
        if host not in self.hosts:
            return 403, "This server answers only under its own name (Host header)."
        origin = headers.get("origin")
        if origin is not None and _name(urlsplit(origin).netloc) not in self.hosts:
            return 403, "Requests from other sites are refused (Origin header)."
        if origin is not None and urlsplit(origin).netloc.lower() != headers["host"].lower():
            return 403, "Requests from other ports are refused (Origin header)."
        if headers.get("sec-fetch-site") == "cross-site" and method not in SAFE_METHODS:
            return 403, "Requests from other sites are refused."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.max_body_bytes:
            return 413, f"The body is larger than {self.max_body_bytes:,} bytes."
        has_body = length != "0" or "transfer-encoding" in headers
        if has_body and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return 415, "The body must be JSON (content-type: application/json)."
        return None


def _name(netloc: str) -> str:
    """The host of "name:port" or "[::1]:port", in lower case; "" when it is not one."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").lower()
    except ValueError:
        return ""


async def _refuse(send: Send, status: int, message: str) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    body = json.dumps({"error": error}).encode()
    headers = {**HEADERS, "content-type": "application/json", "content-length": str(len(body))}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
