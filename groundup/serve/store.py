"""What the studio remembers, in one SQLite file: conversations, and the runs it started.

State lives here and not in the page, so that a reload, a second tab or a crash of the browser loses nothing.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from groundup.core.errors import ArtifactError

SCHEMA = """
CREATE TABLE IF NOT EXISTS chats (
    id TEXT PRIMARY KEY, model TEXT NOT NULL, title TEXT NOT NULL, messages TEXT NOT NULL, changed REAL NOT NULL);
CREATE TABLE IF NOT EXISTS started (
    run TEXT PRIMARY KEY, process INTEGER NOT NULL, born REAL NOT NULL, at REAL NOT NULL);
"""
MAX_CHATS = 1000  # the oldest go; taste: years of one person


class Store:
    """Conversations and started runs. Safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise ArtifactError(
                f"{path} cannot be used: {error}.", repair="Move it away; the studio makes a new one."
            ) from None

    def save_chat(self, id: str, model: str, messages: list[dict[str, Any]]) -> None:
        """Keep a conversation under its id; the first question is its title."""
        first = next((str(turn["content"]) for turn in messages if turn.get("role") == "user"), "")
        title = " ".join(first.split())[:80] or "New conversation"
        row = (id, model, title, json.dumps(messages, ensure_ascii=False), time.time())
        self._run("INSERT OR REPLACE INTO chats VALUES (?, ?, ?, ?, ?)", row)
        oldest = "SELECT id FROM chats ORDER BY changed DESC LIMIT -1 OFFSET ?"
        self._run(f"DELETE FROM chats WHERE id IN ({oldest})", (MAX_CHATS,))

    def chats(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest conversations, without their messages."""
        rows = self._run("SELECT id, model, title, changed FROM chats ORDER BY changed DESC LIMIT ?", (limit,))
        return [dict(zip(("id", "model", "title", "changed"), row, strict=True)) for row in rows]

    def chat(self, id: str) -> dict[str, Any] | None:
        """One conversation with its messages."""
        rows = self._run("SELECT id, model, title, messages, changed FROM chats WHERE id = ?", (id,))
        if not rows:
            return None
        found = dict(zip(("id", "model", "title", "messages", "changed"), rows[0], strict=True))
        return {**found, "messages": json.loads(found["messages"])}

    def delete_chat(self, id: str) -> None:
        """Forget a conversation."""
        self._run("DELETE FROM chats WHERE id = ?", (id,))

    def remember_start(self, run: str, process: int, born: float) -> None:
        """A run was started by process `process`, which was born at `born` (a number is used again after a death)."""
        self._run("INSERT OR REPLACE INTO started VALUES (?, ?, ?, ?)", (run, process, born, time.time()))

    def started(self, run: str) -> tuple[int, float] | None:
        """The process that was started for a run."""
        rows = self._run("SELECT process, born FROM started WHERE run = ?", (run,))
        return (int(rows[0][0]), float(rows[0][1])) if rows else None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _run(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()
