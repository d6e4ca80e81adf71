"""The shop's data in any database that SQLAlchemy reaches (PostgreSQL, MariaDB, SQLite ...), behind the same small door.

`Connection` has the few methods of sqlite3 that `policy.Gate` uses, so that the rules exist once. What SQLite's authorizer
does inside the database is done here before a statement leaves: every statement is ours, begins with its verb and names its
table, and one that does not is refused.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from groundup.apps.support import database
from groundup.core.errors import MissingExtra, UsageError

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]
STATEMENT = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)?", re.I)
ACTIONS = {
    "INSERT INTO": sqlite3.SQLITE_INSERT,
    "UPDATE": sqlite3.SQLITE_UPDATE,
    "DELETE FROM": sqlite3.SQLITE_DELETE,
}
NUMBERED = ("returns", "tickets", "items", "audit", "unanswered")  # tables that number their rows themselves


class Rows:
    """The rows of one statement, read whole; `lastrowid` of an insert into a numbered table."""

    def __init__(self, rows: list[tuple[Any, ...]], lastrowid: int | None = None) -> None:
        self._rows = rows
        self.lastrowid = lastrowid

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row left, or None."""
        return self._rows.pop(0) if self._rows else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)


class Connection:
    """One connection to a database named by a URL. Its errors are raised as sqlite3.OperationalError."""

    def __init__(self, url: str) -> None:
        try:
            import sqlalchemy
        except ImportError:
            raise MissingExtra("sqlalchemy", "database", "A shop database named by a URL") from None
        self._alchemy: Any = sqlalchemy
        self._authorizer: Authorizer | None = None
        try:
            engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError, ImportError) as error:
            raise UsageError(f"This is no database URL that can be opened: {error}.") from None
        self.dialect = str(engine.dialect.name)
        self.in_transaction = False
        try:
            self._connection: Any = engine.connect()
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise sqlite3.OperationalError(str(error.__class__.__name__)) from None

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """Run one statement with ``?`` for values. sqlite3.DatabaseError for one that the authorizer denies."""
        plain = statement.strip().upper()
        if plain in ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"):
            self._run("BEGIN" if plain.startswith("BEGIN") else plain, ())
            self.in_transaction = plain.startswith("BEGIN")
            return Rows([])
        match = STATEMENT.match(statement)
        if match is None:
            raise sqlite3.DatabaseError("not authorized")
        verb, table = match.group(1).upper(), (match.group(2) or "").lower()
        if self._authorizer is not None and verb in ACTIONS:
            answer = self._authorizer(ACTIONS[verb], table, None, None, None)
            if answer != sqlite3.SQLITE_OK:
                raise sqlite3.DatabaseError("not authorized")
        returning = verb == "INSERT INTO" and table in NUMBERED and "RETURNING" not in plain
        rows = self._run(statement + (" RETURNING id" if returning else ""), values)
        return Rows([], int(rows[0][0])) if returning and rows else Rows(rows)

    def create(self) -> None:
        """Make the tables that are missing, in this database's words. Triggers are SQLite's; here `execute` guards the log."""
        script = re.sub(r"CREATE TRIGGER.*?END;", "", database.SCHEMA, flags=re.S)
        script = re.sub(r"\)\s*WITHOUT ROWID", ")", script)
        if self.dialect != "sqlite":
            number = (
                "INTEGER PRIMARY KEY AUTO_INCREMENT" if self.dialect in ("mysql", "mariadb") else "SERIAL PRIMARY KEY"
            )
            script = script.replace("id INTEGER PRIMARY KEY", f"id {number}")
        if self.dialect in ("mysql", "mariadb"):  # keys need a length there
            script = re.sub(r"(\w+) TEXT PRIMARY KEY", r"\1 VARCHAR(255) PRIMARY KEY", script)
        for statement in script.split(";"):
            if statement.strip():
                self._run(statement, ())

    def set_authorizer(self, authorizer: Authorizer) -> None:
        """Ask this before every write."""
        self._authorizer = authorizer

    def close(self) -> None:
        """Close; later calls raise sqlite3.ProgrammingError."""
        self._connection.close()

    def __enter__(self) -> Connection:
        self.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.execute("COMMIT" if kind is None else "ROLLBACK")

    def _run(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Send one statement; ``?`` becomes the driver's own mark."""
        parts = statement.split("?")
        text = parts[0] + "".join(f":v{place}{part}" for place, part in enumerate(parts[1:]))
        try:
            result = self._connection.execute(
                self._alchemy.text(text), {f"v{place}": value for place, value in enumerate(values)}
            )
            return [tuple(row) for row in result] if result.returns_rows else []
        except self._alchemy.exc.SQLAlchemyError as error:
            raise sqlite3.OperationalError(str(getattr(error, "orig", error.__class__.__name__))) from None
