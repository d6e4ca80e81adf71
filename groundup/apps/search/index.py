"""The index: one SQLite file with documents, passages, a full-text table (FTS5, BM25), words and vectors.

Crash-safe: every document is replaced inside one transaction (write-ahead log), so that a kill leaves the old
document or the new one. Incremental: a document whose content hash is known is skipped; one that has gone is removed.

BM25 is FTS5's own (Robertson and Zaragoza 2009) with k1 = 1.2 and b = 0.75, which SQLite fixes.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from groundup.apps.search.passages import passages
from groundup.apps.search.stem import tokens
from groundup.core.document import Document
from groundup.core.errors import ArtifactError

FORMAT = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, path TEXT NOT NULL, title TEXT NOT NULL,
  licence TEXT NOT NULL, date TEXT NOT NULL, content_hash TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS passages (
  number INTEGER PRIMARY KEY, document INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
  title TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS passages_of ON passages (document);
CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (passage INTEGER NOT NULL, encoder TEXT NOT NULL, vector BLOB NOT NULL,
  PRIMARY KEY (encoder, passage)) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS full_text USING fts5 (
  title, text, content = 'passages', content_rowid = 'number', tokenize = 'porter unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE IF NOT EXISTS stems USING fts5vocab (full_text, 'row');
CREATE TRIGGER IF NOT EXISTS passage_added AFTER INSERT ON passages BEGIN
  INSERT INTO full_text (rowid, title, text) VALUES (new.number, new.title, new.text); END;
CREATE TRIGGER IF NOT EXISTS passage_removed AFTER DELETE ON passages BEGIN
  INSERT INTO full_text (full_text, rowid, title, text) VALUES ('delete', old.number, old.title, old.text);
  DELETE FROM vectors WHERE passage = old.number; END;
"""


@dataclass(frozen=True)
class Filters:
    """Which documents may be found; applied before ranking, so that nothing else can leak into a result."""

    sources: tuple[str, ...] = ()  # () means all
    licences: tuple[str, ...] = ()
    date_from: str = ""  # ISO 8601; documents without a date pass only when no date is asked for
    date_to: str = ""

    def where(self) -> tuple[str, list[str]]:
        """An SQL condition on ``documents`` (empty when nothing is filtered) and its parameters."""
        parts: list[str] = []
        values: list[str] = []
        for column, wanted in (("source", self.sources), ("licence", self.licences)):
            if wanted:
                parts.append(f"documents.{column} IN ({', '.join('?' * len(wanted))})")
                values += wanted
        if self.date_from:
            parts.append("documents.date >= ?")
            values.append(self.date_from)
        if self.date_to:
            parts.append("documents.date <> '' AND documents.date <= ?")
            values.append(self.date_to + "\uffff")  # '2024-05' includes '2024-05-31T10:00'
        return " AND ".join(parts), values


@dataclass(frozen=True)
class Passage:
    """One passage with its place: ``document text[start:end] == text``."""

    number: int
    document_id: str
    source: str
    path: str
    title: str
    licence: str
    date: str
    start: int
    end: int
    text: str


@dataclass
class Changes:
    """What an update of the index did, in documents."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    passages: int = 0
    skipped: list[str] = field(default_factory=list)  # "path: why"


class Index:
    """The database behind search. Safe to use from several threads (one lock), and from several processes to read."""

    def __init__(self, path: Path | None, *, passage_words: int = 120, title_weight: float = 2.0) -> None:
        """Open or make the index at `path`; None keeps it in memory. ArtifactError when the file is not ours."""
        self.path = path
        self.passage_words = passage_words
        self._lock = threading.RLock()
        self._matrix: tuple[int, str, np.ndarray, np.ndarray] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(SCHEMA)
            self._db.execute(
                "INSERT INTO full_text (full_text, rank) VALUES ('rank', ?)", (f"bm25({title_weight}, 1.0)",)
            )
            found = self.fact("format") or str(FORMAT)
        except sqlite3.Error as error:
            raise ArtifactError(
                f"{path} cannot be opened as a search index: {error}.", repair="Delete it; it is made again."
            ) from None
        if found != str(FORMAT):
            raise ArtifactError(f"{path} is a search index of format {found}, not {FORMAT}.", repair="Delete it.")
        self.set_fact("format", str(FORMAT))

    def close(self) -> None:
        """Close the file; using the index afterwards is an error."""
        with self._lock:
            self._db.close()

    # Writing

    def update(self, documents: Iterable[Document], *, whole: Sequence[str] | None = None) -> Changes:
        """Add new and changed documents and skip the rest.

        whole: sources that come complete this time (with every source that does come); what they no longer hold is
        removed. None removes nothing.
        """
        changes = Changes()
        seen: dict[str, set[str]] = {source: set() for source in whole or ()}
        for document in documents:
            seen.setdefault(document.source, set()).add(document.id)
            with self._transaction():
                self._put(document, changes)
        for source, ids in seen.items() if whole is not None else ():
            for (old,) in self._all("SELECT id FROM documents WHERE source = ?", (source,)):
                if old not in ids:
                    self.remove(old)
                    changes.removed += 1
        return changes

    def remove(self, document_id: str) -> None:
        """Remove one document with its passages and vectors; nothing happens when it is not there."""
        with self._transaction():
            row = self._one("SELECT number FROM documents WHERE id = ?", (document_id,))
            if row is not None:
                self._remove_number(row[0])

    def _put(self, document: Document, changes: Changes) -> None:
        row = self._one("SELECT number, content_hash FROM documents WHERE id = ?", (document.id,))
        fingerprint = f"{document.content_hash} {document.licence} {document.date} {self.passage_words}"
        if row is not None and row[1] == fingerprint:
            changes.unchanged += 1
            return
        if row is not None:
            self._remove_number(row[0])
            changes.changed += 1
        else:
            changes.added += 1
        text = document.text.encode("utf-8", "replace").decode("utf-8")  # SQLite cannot hold lone surrogates
        title = str(document.meta.get("title", "")) or Path(document.path).stem.replace("_", " ").replace("-", " ")
        values = (
            document.id,
            document.source,
            document.path,
            title,
            document.licence,
            document.date,
            fingerprint,
            text,
        )
        cursor = self._db.execute(
            "INSERT INTO documents (id, source, path, title, licence, date, content_hash, text) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        number = cursor.lastrowid
        spans = passages(text, self.passage_words)
        self._db.executemany(
            "INSERT INTO passages (document, start, end, title, text) VALUES (?, ?, ?, ?, ?)",
            [(number, span.start, span.end, title, text[span.start : span.end]) for span in spans],
        )
        self._count_words(f"{title}\n{text}", 1)
        changes.passages += len(spans)

    def _remove_number(self, number: int) -> None:
        title, text = self._one("SELECT title, text FROM documents WHERE number = ?", (number,))
        self._db.execute("DELETE FROM passages WHERE document = ?", (number,))
        self._db.execute("DELETE FROM documents WHERE number = ?", (number,))
        self._count_words(f"{title}\n{text}", -1)

    def _count_words(self, text: str, sign: int) -> None:
        counts = Counter(word for _, _, word in tokens(text) if len(word) > 2 and not word.isdigit())
        self._db.executemany(
            "INSERT INTO words VALUES (?, ?) ON CONFLICT (word) DO UPDATE SET count = count + excluded.count",
            [(word, sign * count) for word, count in counts.items()],
        )
        if sign < 0:
            self._db.execute("DELETE FROM words WHERE count <= 0")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("UPDATE facts SET value = value + 1 WHERE name = 'generation'")
                self._db.execute("INSERT OR IGNORE INTO facts VALUES ('generation', '1')")
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise ArtifactError(f"The search index {self.path} cannot be written: {error}.") from None
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    # Reading

    def __len__(self) -> int:
        """The number of passages."""
        return int(self._one("SELECT count(*) FROM passages")[0])

    def num_documents(self) -> int:
        """The number of documents."""
        return int(self._one("SELECT count(*) FROM documents")[0])

    def sources(self) -> dict[str, int]:
        """source -> number of documents."""
        return {str(name): int(count) for name, count in self._all("SELECT source, count(*) FROM documents GROUP BY 1")}

    def text_of(self, document_id: str) -> str:
        """The whole text of a document, or '' when it is not indexed."""
        row = self._one("SELECT text FROM documents WHERE id = ?", (document_id,))
        return str(row[0]) if row else ""

    def texts(self) -> list[tuple[str, str, str]]:
        """``(path, title, text)`` of every document, for export."""
        return [
            (str(p), str(t), str(x)) for p, t, x in self._all("SELECT path, title, text FROM documents ORDER BY number")
        ]

    def match(self, expression: str, *, limit: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """``(passage, BM25)`` best first for an FTS5 expression; scores are positive, more is better."""
        condition, values = (filters or Filters()).where()
        if condition:
            rows = self._all(
                "SELECT full_text.rowid, -full_text.rank FROM full_text "
                "JOIN passages ON passages.number = full_text.rowid "
                "JOIN documents ON documents.number = passages.document "
                f"WHERE full_text MATCH ? AND {condition} ORDER BY full_text.rank LIMIT ?",
                (expression, *values, limit),
            )
        else:
            rows = self._all(
                "SELECT rowid, -rank FROM full_text WHERE full_text MATCH ? ORDER BY rank LIMIT ?", (expression, limit)
            )
        return [(int(number), float(score)) for number, score in rows]

    def passages(self, numbers: Sequence[int]) -> dict[int, Passage]:
        """The passages of these numbers; unknown ones are left out."""
        found: dict[int, Passage] = {}
        for first in range(0, len(numbers), 500):  # SQLite takes at most 999 parameters on old builds
            some = list(numbers[first : first + 500])
            rows = self._all(
                "SELECT passages.number, id, source, path, documents.title, licence, date, start, end, passages.text "
                "FROM passages JOIN documents ON documents.number = passages.document "
                f"WHERE passages.number IN ({', '.join('?' * len(some))})",
                some,
            )
            found |= {row[0]: Passage(*row) for row in rows}
        return found

    def document_frequency(self, stem: str) -> int:
        """In how many passages a stem occurs."""
        row = self._one("SELECT doc FROM stems WHERE term = ?", (stem,))
        return int(row[0]) if row else 0

    def vocabulary(self) -> dict[str, int]:
        """word -> how often the indexed texts use it; spelling is checked against it."""
        return dict(self._all("SELECT word, count FROM words"))

    def generation(self) -> int:
        """A number that grows with every change; caches compare it."""
        return int(self.fact("generation") or 0)

    # Vectors

    def without_vector(self, encoder: str, limit: int) -> list[tuple[int, str]]:
        """Up to `limit` ``(passage, "title. text")`` that this encoder has not seen."""
        return self._all(
            "SELECT number, title || '. ' || text FROM passages WHERE number NOT IN "
            "(SELECT passage FROM vectors WHERE encoder = ?) ORDER BY number LIMIT ?",
            (encoder, limit),
        )

    def put_vectors(self, encoder: str, numbers: Sequence[int], vectors_ND: np.ndarray) -> None:
        """Store float32 vectors of passages."""
        rows = [(n, encoder, v.astype("<f4").tobytes()) for n, v in zip(numbers, vectors_ND, strict=True)]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO vectors (passage, encoder, vector) VALUES (?, ?, ?)", rows)

    def matrix(self, encoder: str) -> tuple[np.ndarray, np.ndarray]:
        """``(numbers_N, vectors_ND)`` of all passages, kept in memory until the index changes."""
        with self._lock:
            generation = self.generation()
            if self._matrix is None or self._matrix[:2] != (generation, encoder):
                rows = self._all("SELECT passage, vector FROM vectors WHERE encoder = ? ORDER BY passage", (encoder,))
                numbers_N = np.array([row[0] for row in rows], dtype=np.int64)
                joined = b"".join(row[1] for row in rows)
                vectors_ND = np.frombuffer(joined, dtype="<f4").reshape(len(rows), -1) if rows else np.zeros((0, 0))
                self._matrix = (generation, encoder, numbers_N, vectors_ND)
            return self._matrix[2], self._matrix[3]

    def allowed(self, filters: Filters) -> set[int] | None:
        """The passages that pass the filters; None when there is no filter."""
        condition, values = filters.where()
        if not condition:
            return None
        rows = self._all(
            "SELECT passages.number FROM passages JOIN documents ON documents.number = passages.document "
            f"WHERE {condition}",
            values,
        )
        return {int(row[0]) for row in rows}

    # Facts and plumbing

    def fact(self, name: str) -> str:
        """A stored fact, or ''."""
        row = self._one("SELECT value FROM facts WHERE name = ?", (name,))
        return str(row[0]) if row else ""

    def set_fact(self, name: str, value: str) -> None:
        """Store a fact about the index."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise ArtifactError(f"The search index {self.path} cannot be read: {error}.") from None

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchone()
            except sqlite3.Error as error:
                raise ArtifactError(f"The search index {self.path} cannot be read: {error}.") from None
