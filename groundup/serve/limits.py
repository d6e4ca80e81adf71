"""How much each key may ask for: requests a minute, tokens a minute, answers at once.

What a request can cost at most is taken when it is let in and set right when it has ended, so that many requests sent
at the same moment cannot slip through together. A minute is a bucket that refills steadily (a token bucket): there is
no moment at which everybody may start again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from groundup.core.errors import GroundupError

SPENT = "groundup.spent"  # where a request's `Spent` lies in its ASGI scope
OWNER = "groundup.key"  # the name of the key it came with


def owner_of(asked: Any) -> str:
    """The name of the key a request came with (see guard); "" where none is asked for."""
    return str(asked.scope.get(OWNER, ""))


@dataclass(frozen=True)
class Allowance:
    """What one key may do; None: as much as the server can."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    at_once: int | None = None


class Exceeded(GroundupError):
    """A key has used up what it may. retry_seconds: when it may try again."""

    def __init__(self, message: str, retry_seconds: float) -> None:
        super().__init__(message)
        self.retry_seconds = max(1, int(retry_seconds + 0.999))


class _Bucket:
    """`size` units, refilled at `size` a minute."""

    def __init__(self, size: int, now: float) -> None:
        self.size = size
        self.held = float(size)
        self.at = now

    def refill(self, now: float) -> None:
        self.held = min(float(self.size), self.held + (now - self.at) * self.size / 60)
        self.at = now

    def wait(self, units: float) -> float:
        """Seconds until so many units are there."""
        return max(0.0, (units - self.held) * 60 / self.size)


class Limits:
    """The allowances of all keys by name, and what of them is used. Safe to call from several threads."""

    def __init__(
        self, allowances: Mapping[str, Allowance] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowances = dict(allowances or {})
        self._clock = clock
        self._lock = threading.Lock()
        self._requests: dict[str, _Bucket] = {}
        self._tokens: dict[str, _Bucket] = {}
        self._at_once: dict[str, int] = {}

    def admit(self, name: str, cost: int) -> Spent:
        """Let a request of key `name` in that takes at most `cost` tokens. Raises Exceeded."""
        allowed = self._allowances.get(name)
        if allowed is None:
            return Spent(self, "", 0)
        with self._lock:
            now = self._clock()
            requests = self._bucket(self._requests, name, allowed.requests_per_minute, now)
            tokens = self._bucket(self._tokens, name, allowed.tokens_per_minute, now)
            if tokens is not None and cost > tokens.size:
                raise Exceeded(f"This request can take {cost:,} tokens; the key has {tokens.size:,} a minute.", 60)
            if allowed.at_once is not None and self._at_once.get(name, 0) >= allowed.at_once:
                raise Exceeded(f"The key may ask for {allowed.at_once} answers at once.", 1)
            if requests is not None and (wait := requests.wait(1)) > 0:
                raise Exceeded(f"The key may ask {requests.size:,} times a minute.", wait)
            if tokens is not None and (wait := tokens.wait(cost)) > 0:
                raise Exceeded(f"The key has {tokens.size:,} tokens a minute.", wait)
            if requests is not None:
                requests.held -= 1
            if tokens is not None:
                tokens.held -= cost
            self._at_once[name] = self._at_once.get(name, 0) + 1
        return Spent(self, name, cost)

    def give_back(self, name: str, tokens: int, *, ended: bool) -> None:
        """Tokens that were not needed after all; ended: the request is over."""
        with self._lock:
            if name in self._tokens:
                self._tokens[name].held += tokens
            if ended:
                self._at_once[name] -= 1

    @staticmethod
    def _bucket(buckets: dict[str, _Bucket], name: str, size: int | None, now: float) -> _Bucket | None:
        if size is None:
            return None
        bucket = buckets.setdefault(name, _Bucket(size, now))
        bucket.refill(now)
        return bucket


class Spent:
    """What one request took: `settle` when it is known what it was, `close` when it is over."""

    def __init__(self, limits: Limits, name: str, cost: int) -> None:
        self._limits, self._name, self._cost = limits, name, cost
        self._open = bool(name)

    def settle(self, tokens: int) -> None:
        """So many tokens it were."""
        if self._open:
            self._limits.give_back(self._name, self._cost - tokens, ended=False)
            self._cost = tokens

    def close(self) -> None:
        """The request is over; what was not settled stays taken."""
        if self._open:
            self._open = False
            self._limits.give_back(self._name, 0, ended=True)
