"""One safe GET: the only place of this room that opens a connection. `httpx` stays behind `Fetcher.get`.

Safe against being sent to places inside the reader's network (server-side request forgery): a host is resolved once,
every address it has must be public, and the connection goes to exactly that address, so that a second look-up cannot
give another one. Redirects are never followed here: the crawler checks each step as a new address. Proxies named in
the environment are not used, since behind one we could not check where a name leads.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from groundup.core.errors import MissingExtra

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # an IPv4 address in IPv6 clothes (RFC 6052)


class FetchProblem(Exception):
    """Why an address gave nothing: `problem` is the counted word of problems.jsonl."""

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(f"{problem}: {detail}")
        self.problem = problem
        self.detail = detail


@dataclass(frozen=True)
class Answer:
    """What a server said. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """GET by httpx, one connection pool. timeout_seconds bounds every wait and the whole answer is given six of them."""

    def __init__(self, *, user_agent: str, timeout_seconds: float, allow_private: bool) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtra("httpx", "data", "Reading web pages") from None
        self._httpx = httpx
        self.timeout_seconds = timeout_seconds
        self.allow_private = allow_private
        self._addresses: dict[tuple[str, int], str] = {}
        self._client = httpx.Client(
            follow_redirects=False,
            trust_env=False,
            timeout=timeout_seconds,
            headers={"User-Agent": user_agent, "Accept": "text/html,text/*;q=0.9,application/pdf;q=0.8,*/*;q=0.1"},
        )

    def get(self, url: str, *, max_bytes: int, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET of `url`, whatever its status. Raises FetchProblem; never follows a redirect."""
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise FetchProblem("bad_address", url[:200]) from None
        if parts.scheme not in ("http", "https") or not host or parts.username:
            raise FetchProblem("bad_address", url[:200])
        address = self._address(host, port)
        shown = f"[{address}]" if ":" in address else address
        # The connection goes to the address; Host, TLS name and certificate check stay with the name
        target = urlunsplit((parts.scheme, f"{shown}:{port}", parts.path or "/", parts.query, ""))
        request = self._client.build_request(
            "GET", target, headers={**(headers or {}), "Host": parts.netloc}, extensions={"sni_hostname": host}
        )  # fmt: skip
        request.extensions.setdefault("timeout", self._httpx.Timeout(self.timeout_seconds).as_dict())
        try:
            return self._read(request, max_bytes)
        except self._httpx.TimeoutException:
            raise FetchProblem("timeout", f"no answer in {self.timeout_seconds:g} seconds") from None
        except (self._httpx.HTTPError, self._httpx.InvalidURL, OSError) as error:
            raise FetchProblem("no_answer", f"{type(error).__name__}: {error}"[:200]) from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _read(self, request: Any, max_bytes: int) -> Answer:
        end = time.monotonic() + 6 * self.timeout_seconds  # a server that sends byte by byte never times out by itself
        parts: list[bytes] = []
        size = 0
        response = self._client.send(request, stream=True)
        try:
            for chunk in response.iter_bytes(1 << 16):
                parts.append(chunk)
                size += len(chunk)
                if size > max_bytes:
                    raise FetchProblem("too_large", f"longer than {max_bytes:,} bytes")
                if time.monotonic() > end:
                    raise FetchProblem("timeout", f"not done after {6 * self.timeout_seconds:g} seconds")
        finally:
            response.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, b"".join(parts))

    def _address(self, host: str, port: int) -> str:
        """The one address of a host that this crawl talks to. Every address of the host must be allowed."""
        known = self._addresses.get((host, port))
        if known is None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                raise FetchProblem("unknown_host", f"{host}: {error}"[:200]) from None
            addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
            closed = [address for address in addresses if not is_public(address)]
            if closed and not self.allow_private:
                raise FetchProblem("private_address", f"{host} is {closed[0]}, inside this network; not read")
            known = self._addresses[(host, port)] = addresses[0]
        return known


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet: not loopback, private, link-local, multicast, reserved."""
    try:
        value = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    inner = getattr(value, "ipv4_mapped", None) or getattr(value, "sixtofour", None)
    if value.version == 6 and value in _NAT64:
        inner = ipaddress.IPv4Address(int(value) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(str(inner))
    return value.is_global and not (value.is_multicast or value.is_reserved or value.is_unspecified)
