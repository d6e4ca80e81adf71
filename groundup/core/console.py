"""What people see in a terminal: results on stdout, progress and notes on stderr; events in a file for the studio.

A `Console` is handed to whoever has something to tell. It draws progress bars only on a terminal, respects
NO_COLOR, and appends every event to ``events.jsonl`` when given one, so that a page reload loses nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")


class Console:
    """Progress and notes for one command or run. `quiet` keeps notes and bars off stderr, never out of the events."""

    def __init__(self, *, quiet: bool = False, events: Path | None = None) -> None:
        self.quiet = quiet
        self.events = events
        self.terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.color = self.terminal and not os.environ.get("NO_COLOR")
        self._bar_is_open = False

    def note(self, text: str = "") -> None:
        """One line for the reader, on stderr."""
        if not self.quiet:
            self._end_bar()
            print(text, file=sys.stderr, flush=True)

    def event(self, kind: str, **values: Any) -> None:
        """One line of events.jsonl: ``{"time": ..., "kind": "step", ...}``; live pages and reports read them."""
        if self.events is None:
            return
        row = {"time": round(time.time(), 3), "kind": kind, **values}
        self.events.parent.mkdir(parents=True, exist_ok=True)
        with open(self.events, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")

    def progress(self, items: Iterable[Item], label: str, *, total: int | None = None) -> Iterator[Item]:
        """Pass `items` on, drawing a bar with the time left on a terminal (at most ten times a second)."""
        start = last = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            now = time.monotonic()
            if self.terminal and not self.quiet and now - last > 0.1:
                last = now
                self.bar(label, done, total, now - start)
        self._end_bar()

    def bar(self, label: str, done: float, total: float | None, seconds: float, extra: str = "") -> None:
        """Draw one state of a bar over the last one."""
        if not self.terminal or self.quiet:
            return
        if total:
            share = min(1.0, done / total)
            left = seconds / share - seconds if share > 0 else 0
            drawn = "#" * int(share * 24)
            text = f"{label:<12} [{drawn:<24}] {share:4.0%}  {clock(left)} left  {extra}"
        else:
            text = f"{label:<12} {done:,.0f}  {clock(seconds)}  {extra}"
        print(f"\r{text:<79.120}", end="", file=sys.stderr, flush=True)
        self._bar_is_open = True

    def _end_bar(self) -> None:
        if self._bar_is_open:
            print(f"\r{'':<79}\r", end="", file=sys.stderr, flush=True)
            self._bar_is_open = False


def clock(seconds: float) -> str:
    """Seconds as a person writes them: '8s', '3m 05s', '2h 10m'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
