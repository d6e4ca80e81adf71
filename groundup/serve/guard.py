"""What every request must pass, in one outer layer, before any route sees it.

Host: only names of this machine (a page that rebinds DNS to 127.0.0.1 still sends its own name; CVE-2024-28224).
Origin: a browser's cross-site request is refused, whatever its method; writing needs JSON (or, for files, plain bytes),
which a cross-site form cannot send unasked. Body: counted and timed while it comes, not only believed. Answers carry a strict
content policy. Keys, where the server has some: every address but the bare pages asks for one, in the header
`Authorization: Bearer KEY` or in the cookie that POST /api/session sets.

The one way in from another site's page (CORS) is a chat-only key in the header: such a key may only chat, it is shown to
everybody who reads that page, and no cookie is ever taken there, so nothing rides on who the visitor is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from groundup.serve.keys import Keys
from groundup.serve.limits import OWNER, SPENT

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
UPLOADS = re.compile(r"/api/projects/[^/]+/files/[^/]+")  # the only addresses that take a file's bytes
COOKIE = "groundup_key"
# Without a key: the bare pages, which hold nothing of anybody's, the way to give a key, and the two probes.
OPEN = re.compile(r"/|/studio/[\w./-]*|/api/session|/health|/ready")
CHAT_ONLY = frozenset({("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("POST", "/api/apps/support/ask")})
CHAT_PATHS = frozenset(path for _, path in CHAT_ONLY)
# Any site: a chat-only key is no secret of one site, and without cookies the answer is the same for every visitor.
ANY_ORIGIN = {"access-control-allow-origin": "*"}
PREFLIGHT = {
    **ANY_ORIGIN,
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",  # ten minutes; taste
}
JSON = {"content-type": "application/json"}
NOTHING: Mapping[str, str] = {}
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
    """The body grew past its bound while it was read, or did not come in time."""


class Guard:
    """ASGI middleware. Refusals have OpenAI's error shape, so that clients can show them."""

    def __init__(
        self,
        app: Any,
        *,
        hosts: frozenset[str],
        max_body_bytes: int,
        max_file_bytes: int = 0,
        keys: Keys | None = None,
        read_seconds: float = 20.0,
    ) -> None:
        """max_file_bytes: the bound of an uploaded file. keys: None asks for none (this machine only).

        read_seconds: a body that is not there by then is given up (an uploaded file: a hundred times as long).
        """
        self.read_seconds = read_seconds
        self.app = app
        self.hosts = LOOPBACK | {host.lower() for host in hosts}
        self.max_body_bytes = max_body_bytes
        self.max_file_bytes = max_file_bytes
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"]
        elsewhere = self._from_elsewhere(path, headers)
        if elsewhere and method == "OPTIONS":
            await _answer(send, 204, b"", PREFLIGHT)
            return
        refusal = self._refusal(method, path, headers, elsewhere) or self._without_key(
            method, path, headers, scope, elsewhere
        )
        shared = ANY_ORIGIN if elsewhere else {}
        if refusal:
            await _refuse(send, *refusal, shared)
            return
        limit = self._limit(method, path)
        started = too_large = too_slow = read = False
        received = 0
        patience = self.read_seconds * (100 if limit == self.max_file_bytes else 1)
        clock = asyncio.get_running_loop().time
        until = clock() + patience

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received, too_large, too_slow, read
            if read:  # the body is there: what comes now is only that the client has gone
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.01, until - clock()))
            except TimeoutError:
                too_slow = True
                raise TooLarge from None
            read = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > limit:
                too_large = True
                raise TooLarge
            return message

        async def dressed(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if (too_large or too_slow) and not started:
                return  # whatever the app made of the cut body; the refusal is sent below
            if message["type"] == "http.response.start":
                started = True
                present = {name.lower() for name, _ in message["headers"]}
                extra = [
                    (name.encode(), value.encode())
                    for name, value in {**HEADERS, **shared}.items()
                    if name.encode() not in present
                ]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            with contextlib.suppress(TooLarge):
                await self.app(scope, counted, dressed)
        finally:
            if SPENT in scope:
                scope[SPENT].close()
        if too_slow and not started:
            await _refuse(send, 408, f"The body did not come within {patience:g} seconds.")
        elif too_large and not started:
            await _refuse(send, 413, f"The body is larger than {limit:,} bytes.")

    def _limit(self, method: str, path: str) -> int:
        return self.max_file_bytes if method == "PUT" and UPLOADS.fullmatch(path) else self.max_body_bytes

    def _from_elsewhere(self, path: str, headers: dict[str, str]) -> bool:
        """Whether a page of another site asks, by the one way that is open to it."""
        if self.keys is None or not self.keys.any_for_chat or path not in CHAT_PATHS:
            return False
        origin = headers.get("origin")
        return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()

    def _without_key(
        self, method: str, path: str, headers: dict[str, str], scope: Scope, elsewhere: bool
    ) -> tuple[int, str] | None:
        """What is wrong with the key of a request; None when nothing is, or no key is asked for. A good key's name is
        noted in the scope: what belongs to a key is found by it."""
        if self.keys is None or OPEN.fullmatch(path):
            return None
        scheme, _, text = headers.get("authorization", "").partition(" ")
        in_cookie = "" if elsewhere else _cookie(headers.get("cookie", ""))
        key = self.keys.key_of(text.strip() if scheme.lower() == "bearer" else in_cookie)
        if key is None:
            return 401, "This server asks for a key (header: Authorization: Bearer KEY)."
        if elsewhere and key.role != "chat":
            return 403, "From another site's page only a chat-only key is taken: everybody can read it there."
        scope[OWNER] = key.name
        if key.role == "chat" and (method, path) not in CHAT_ONLY:
            return 403, "This key may only list models and chat."
        return None

    def _refusal(self, method: str, path: str, headers: dict[str, str], elsewhere: bool) -> tuple[int, str] | None:
        host = _name(headers.get("host", ""))
        if host not in self.hosts:
            return 403, "This server answers only under its own name (Host header)."
        origin = headers.get("origin")
        if not elsewhere and origin is not None and _name(urlsplit(origin).netloc) not in self.hosts:
            return 403, "Requests from other sites are refused (Origin header)."
        if not elsewhere and origin is not None and urlsplit(origin).netloc.lower() != headers["host"].lower():
            return 403, "Requests from other ports are refused (Origin header)."
        if not elsewhere and headers.get("sec-fetch-site") == "cross-site" and method not in SAFE_METHODS:
            return 403, "Requests from other sites are refused."
        length = headers.get("content-length", "0")
        limit = self._limit(method, path)
        if not length.isdigit() or int(length) > limit:
            return 413, f"The body is larger than {limit:,} bytes."
        has_body = length != "0" or "transfer-encoding" in headers
        is_file = method == "PUT" and UPLOADS.fullmatch(path)
        wanted = "application/octet-stream" if is_file else "application/json"
        if has_body and headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
            return 415, f"The body must be {'the bytes of a file' if is_file else 'JSON'} (content-type: {wanted})."
        return None


def _name(netloc: str) -> str:
    """The host of "name:port" or "[::1]:port", in lower case; "" when it is not one."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").lower()
    except ValueError:
        return ""


def _cookie(header: str) -> str:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), "")


async def _refuse(send: Send, status: int, message: str, more: Mapping[str, str] = NOTHING) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    challenge = {"www-authenticate": "Bearer"} if status == 401 else {}
    await _answer(send, status, json.dumps({"error": error}).encode(), {**JSON, **challenge, **more})


async def _answer(send: Send, status: int, body: bytes, more: Mapping[str, str]) -> None:
    headers = {**HEADERS, "content-length": str(len(body)), **more}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
