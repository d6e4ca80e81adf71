"""What the server counts, as Prometheus text (exposition format 0.0.4): requests, seconds, tokens, work in hand."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from groundup.serve.guard import Receive, Scope, Send

BUCKETS = (0.01, 0.1, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0)  # seconds; from a page to the longest answer; taste


class Metrics:
    """Counters of one server. Safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request has ended. route: the pattern of the path, so that names do not make new rows."""
        with self._lock:
            self._requests[(method, route, status)] += 1
            self._counts[route] += 1
            self._seconds[route] += seconds  # type: ignore[assignment]
            for bucket in BUCKETS:
                if seconds <= bucket:
                    self._buckets[(route, bucket)] += 1

    def tokens(self, kind: str, count: int) -> None:
        """Tokens read ("prompt") or written ("completion")."""
        with self._lock:
            self._tokens[kind] += count

    def text(self, gauges: Mapping[str, float]) -> str:
        """All of it. gauges: name -> value now."""
        with self._lock:
            lines = ["# TYPE groundup_requests_total counter"]
            for (method, route, status), count in sorted(self._requests.items()):
                labels = f'method="{method}",route="{route}",status="{status}"'
                lines.append(f"groundup_requests_total{{{labels}}} {count}")
            lines.append("# TYPE groundup_request_seconds histogram")
            for route in sorted(self._counts):
                for bucket in BUCKETS:
                    row = f'groundup_request_seconds_bucket{{route="{route}",le="{bucket}"}}'
                    lines.append(f"{row} {self._buckets[(route, bucket)]}")
                lines.append(f'groundup_request_seconds_bucket{{route="{route}",le="+Inf"}} {self._counts[route]}')
                lines.append(f'groundup_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}')
                lines.append(f'groundup_request_seconds_count{{route="{route}"}} {self._counts[route]}')
            lines.append("# TYPE groundup_tokens_total counter")
            for kind in ("prompt", "completion"):
                lines.append(f'groundup_tokens_total{{kind="{kind}"}} {self._tokens[kind]}')
        for name, value in gauges.items():
            lines += [f"# TYPE groundup_{name} gauge", f"groundup_{name} {value:g}"]
        return "\n".join(lines) + "\n"


class Metered:
    """ASGI middleware: counts every request that passed the guard, and those it refused."""

    def __init__(self, app: Callable[..., Any], *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.monotonic()
        status = 0

        async def noted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "") or "other"
            method = scope["method"] if scope["method"] in ("GET", "POST", "PUT", "DELETE", "HEAD") else "other"
            self.metrics.request(method, route, status, time.monotonic() - start)
