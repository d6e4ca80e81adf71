"""Connections that send nothing: closed when the head of a request is not there in time (slow loris).

uvicorn waits for a head as long as the client likes; its keep-alive timeout begins only after a first answer. This
protocol starts a timer with the connection and stops it with the first whole head.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def impatient(head_seconds: float) -> type[H11Protocol]:
    """uvicorn's protocol, with `head_seconds` for a head."""

    class Impatient(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._timer = self.loop.call_later(head_seconds, self._give_up)

        def handle_events(self) -> None:
            super().handle_events()
            if self.cycle is not None and self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def connection_lost(self, exc: Exception | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

        def _give_up(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

    return Impatient
