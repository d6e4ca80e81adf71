"""events.jsonl as server-sent events that can be picked up again: the id of an event is its place in the file.

A browser that lost the connection sends the last id it saw (Last-Event-ID) and gets what came after it; a page that
was reloaded starts from the first and misses nothing. Half-written lines wait until they are whole.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

POLL_SECONDS = 0.25  # taste: a curve that moves at the pace of steps
PING_SECONDS = 15.0  # comments that keep proxies from closing a quiet line
CHUNK = 256 * 1024


def lines_after(path: Path, place: int) -> tuple[list[tuple[int, str]], int]:
    """Whole lines that begin at byte `place` or later, as (byte after the line, text), and the next place to read.

    A place past the end of the file (a run that began anew) starts from the beginning.
    """
    if not path.is_file():
        return [], 0
    if place > path.stat().st_size:
        place = 0
    with open(path, "rb") as file:
        file.seek(place)
        data = file.read(CHUNK)
        while data and b"\n" not in data:
            more = file.read(CHUNK)
            if not more:
                break
            data += more
    whole = data[: data.rfind(b"\n") + 1]
    lines = []
    for line in whole.splitlines(keepends=True):
        place += len(line)
        text = line.decode("utf-8", "replace").strip()
        if text:
            lines.append((place, text))
    return lines, place


async def stream(path: Path, place: int, is_running: Callable[[], bool]) -> AsyncIterator[str]:
    """Events after `place`, as text of the SSE protocol, until the run has ended and all is told; then "end"."""
    quiet = 0.0
    yield "retry: 1000\n\n"
    while True:
        running = is_running()  # asked before reading: what is written between the two is read in the next round
        lines, place = lines_after(path, place)
        for end, text in lines:
            if _is_json(text):
                yield f"id: {end}\ndata: {text}\n\n"
        if lines:
            quiet = 0.0
            continue
        if not running:
            yield f"id: {place}\nevent: end\ndata: {{}}\n\n"
            return
        await asyncio.sleep(POLL_SECONDS)
        quiet += POLL_SECONDS
        if quiet >= PING_SECONDS:
            quiet = 0.0
            yield ": still here\n\n"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
