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
CREATE TABLE IF NOT EXISTS talks (
    owner TEXT NOT NULL, id TEXT NOT NULL, model TEXT NOT NULL, title TEXT NOT NULL, messages TEXT NOT NULL,
    leaf INTEGER NOT NULL, changed REAL NOT NULL, PRIMARY KEY (owner, id));
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
            self._bring_over()
        except sqlite3.DatabaseError as error:
            raise ArtifactError(
                f"{path} cannot be used: {error}.", repair="Move it away; the studio makes a new one."
            ) from None

    def save_chat(self, owner: str, id: str, model: str, messages: list[dict[str, Any]], leaf: int = -1) -> None:
        """Keep a conversation under its id; the first question is its title.

        owner: the name of a key, "" where none is asked for; nobody sees another's. leaf: the last turn that is shown
        (`branch` says what turns are); -1: the last one written.
        """
        first = next((str(turn["content"]) for turn in messages if turn.get("role") == "user"), "")
        title = " ".join(first.split())[:80] or "New conversation"
        row = (owner, id, model, title, json.dumps(messages, ensure_ascii=False), leaf, time.time())
        self._run("INSERT OR REPLACE INTO talks VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        oldest = "SELECT id FROM talks WHERE owner = ? ORDER BY changed DESC LIMIT -1 OFFSET ?"
        self._run(f"DELETE FROM talks WHERE owner = ? AND id IN ({oldest})", (owner, owner, MAX_CHATS))

    def chats(self, owner: str, limit: int = 100) -> list[dict[str, Any]]:
        """Somebody's newest conversations, without their messages."""
        statement = "SELECT id, model, title, changed FROM talks WHERE owner = ? ORDER BY changed DESC LIMIT ?"
        return [
            dict(zip(("id", "model", "title", "changed"), row, strict=True))
            for row in self._run(statement, (owner, limit))
        ]

    def chat(self, owner: str, id: str) -> dict[str, Any] | None:
        """One conversation with its messages."""
        names = ("id", "model", "title", "messages", "leaf", "changed")
        rows = self._run(f"SELECT {', '.join(names)} FROM talks WHERE owner = ? AND id = ?", (owner, id))
        if not rows:
            return None
        found = dict(zip(names, rows[0], strict=True))
        return {**found, "messages": json.loads(found["messages"])}

    def delete_chat(self, owner: str, id: str) -> None:
        """Forget a conversation."""
        self._run("DELETE FROM talks WHERE owner = ? AND id = ?", (owner, id))

    def thumbs(self, owner: str) -> list[dict[str, Any]]:
        """Somebody's judged answers, the oldest conversation first: {messages: the answer and all before it, thumb}."""
        rows = self._run("SELECT messages FROM talks WHERE owner = ? ORDER BY changed", (owner,))
        found = []
        for (text,) in rows:
            turns = json.loads(text)
            for place, turn in enumerate(turns):
                if turn.get("thumb"):
                    path = [one for one in branch(turns, place) if one["content"] or one["role"] != "system"]
                    said = [{"role": one["role"], "content": one["content"]} for one in path]
                    found.append({"messages": said, "thumb": turn["thumb"]})
        return found

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

    def _bring_over(self) -> None:
        """Conversations kept before they had owners belong to nobody's key, which is this machine's studio."""
        if self._database.execute("SELECT 1 FROM sqlite_master WHERE name = 'chats'").fetchone():
            self._database.execute(
                "INSERT OR IGNORE INTO talks SELECT '', id, model, title, messages, -1, changed FROM chats"
            )
            self._database.execute("DROP TABLE chats")


def branch(turns: list[dict[str, Any]], leaf: int) -> list[dict[str, Any]]:
    """The turns from the first to `leaf`. A conversation is a tree: each turn names the place of the one before it as
    its `parent` (-1: none; left out: the turn written before it)."""
    found: list[dict[str, Any]] = []
    while 0 <= leaf < len(turns):
        turn = turns[leaf]
        found.append(turn)
        parent = turn.get("parent")
        before = leaf - 1 if parent is None else int(parent)
        if before >= leaf:
            break  # never written by us; a ring would have no end
        leaf = before
    return found[::-1]
