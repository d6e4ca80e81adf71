"""The gate: the only way to the shop's database, and the place where its rules are enforced, in code.

Whoever proposes a call (the dialogue, a trained model, a server, or an attacker through any of them), the gate decides:

1. the tool exists and its arguments fit its schema;
2. identity: the order's number and its e-mail were given together in this conversation, for this very order;
3. the shop's rules hold now (state of the order, days since delivery, product in the order);
4. a write was shown to the customer in words, and the customer's next message is a plain yes: the gate itself reads
   the message, so that no model can confirm; the same write is never done twice (idempotency key);
5. every call is in the audit log, allowed or not, before its result leaves.

Underneath, an SQLite authorizer denies every write to the shop's tables except those of the tool now running
(complete mediation: Saltzer and Schroeder 1975).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from groundup.apps.support import database
from groundup.apps.support.options import Policy
from groundup.apps.support.other_database import Connection
from groundup.apps.support.tools import TOOLS, Tool, order_row
from groundup.core.errors import ArtifactError

YES = re.compile(
    r"(?:yes|yep|yeah|yup|sure|ok|okay|correct|confirm(?:ed)?|i confirm|go ahead|do it|please do|that'?s right|right|absolutely)"
    r"(?:[ ,.!]+(?:yes|please|thanks|thank you|go ahead|do it|do that|i confirm|confirm|that'?s right|that is right|sure|"
    r"cancel it|change it|return it|correct|i am sure|i'm sure|of course))*[ .!]*"
)  # the whole message must be a yes: "yes, but ..." is none
NO = re.compile(
    r"\s*(?:no|nope|nah|stop|don'?t|do not|wait|never ?mind|cancel that|rather not|not now|leave it)\b.*", re.S
)
WRITING = frozenset((sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE))
SCHEMA_CHANGES = frozenset(
    (sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_ALTER_TABLE, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH,
     sqlite3.SQLITE_DROP_TRIGGER, sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_TRIGGER)
)  # fmt: skip
OWN_TABLES = frozenset(("audit", "done", "sessions", "unanswered", "corrections"))
DOWN = "The order system cannot be reached right now."


@dataclass(frozen=True)
class Outcome:
    """What the gate decided. status: done, confirm, identity, refused, invalid or down."""

    status: str
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass
class Session:
    """What the gate knows of one conversation; kept in the database, never in the caller's hands."""

    turn: int = 0
    message: str = ""  # the customer's message of this turn, as the gate saw it
    verified: list[str] = field(default_factory=list)  # order numbers
    wrong: int = 0  # failed identity checks
    pending: dict[str, Any] | None = None  # {"tool", "arguments", "turn"}


class Gate:
    """Policy over one shop database. Thread-safe."""

    def __init__(
        self, path: Path | None, policy: Policy, today: Callable[[], date], *, sample: bool, url: str = ""
    ) -> None:
        """url: a database that SQLAlchemy reaches, in the place of the SQLite file at `path`."""
        self.policy = policy
        self.today = today
        self._lock = threading.RLock()
        self._granted: frozenset[str] = frozenset()
        try:
            self.__db: Any = Connection(url) if url else database.open_database(path)
            database.create(self.__db)
            if sample and next(iter(self.__db.execute("SELECT count(*) FROM orders")))[0] == 0:
                with self.__db:
                    database.fill_sample(self.__db, today())
        except sqlite3.Error as error:
            named = "The database of the URL" if url else path  # a URL may hold a password: never shown
            raise ArtifactError(f"{named} cannot be opened as a shop database: {error}.") from None
        self.__db.set_authorizer(self._authorize)

    def close(self) -> None:
        """Close the database; later calls answer with the status 'down'."""
        with self._lock:
            self.__db.close()

    # The customer's side

    def begin_turn(self, conversation: str, message: str) -> bool:
        """A message of the customer has come. False when the database is down."""
        try:
            with self._lock, self._transaction():
                session = self._session(conversation)
                session.turn += 1
                session.message = message[:4000]
                self._keep(conversation, session)
            return True
        except sqlite3.Error:
            return False

    def verify(self, conversation: str, order_number: str, email: str) -> Outcome:
        """Identity for one order: its number and the e-mail it was placed with. The reply never tells which was wrong."""
        try:
            with self._lock, self._transaction():
                session = self._session(conversation)
                if session.wrong >= self.policy.wrong_identity or self._wrong_today(order_number) >= (
                    self.policy.wrong_identity_a_day
                ):
                    return self._log(
                        conversation, "verify", {"order_number": order_number}, Outcome("refused", {}, "locked")
                    )
                row = self.__db.execute(
                    "SELECT customers.email FROM orders JOIN customers ON customers.id = orders.customer WHERE number = ?",
                    (order_number,),
                ).fetchone()
                stored = row[0] if row else ""
                good = bool(stored) and hmac.compare_digest(stored.encode(), email.strip().lower().encode())
                if good:
                    session.verified = [*(one for one in session.verified if one != order_number), order_number]
                else:
                    session.wrong += 1
                self._keep(conversation, session)
                outcome = Outcome("done") if good else Outcome("identity", {}, "mismatch")
                return self._log(conversation, "verify", {"order_number": order_number}, outcome)
        except sqlite3.Error:
            return Outcome("down", {}, DOWN)

    def call(self, conversation: str, tool: str, arguments: object) -> Outcome:
        """Decide one proposed call: run a look-up, or keep a write until the customer says yes."""
        try:
            with self._lock, self._transaction():
                outcome = self._decide(conversation, tool, arguments)
                kept = arguments if isinstance(arguments, Mapping) else {"": repr(arguments)[:200]}
                return self._log(conversation, tool, kept, outcome)
        except sqlite3.Error:
            return Outcome("down", {}, DOWN)

    def answer_pending(self, conversation: str) -> Outcome | None:
        """Carry out or drop the pending write by the customer's message of this turn; None when it is neither yes nor no.

        Only the turn right after the question counts, so that a yes to something else confirms nothing.
        """
        try:
            with self._lock, self._transaction():
                session = self._session(conversation)
                pending = session.pending
                if pending is None:
                    return None
                message = session.message.strip().lower().replace("\u2019", "'")
                yes = YES.fullmatch(message) is not None
                if not yes and NO.fullmatch(message) is None:
                    return None
                session.pending = None
                self._keep(conversation, session)
                tool, arguments = TOOLS[pending["tool"]], pending["arguments"]
                if not yes:
                    return self._log(conversation, tool.name, arguments, Outcome("refused", {}, "not confirmed"))
                if session.turn != pending["turn"] + 1:
                    return self._log(conversation, tool.name, arguments, Outcome("refused", {}, "asked too long ago"))
                outcome = self._rules(session, tool, arguments) or self._write(
                    conversation, tool, arguments, pending["turn"]
                )
                return self._log(conversation, tool.name, arguments, outcome)
        except sqlite3.Error:
            return Outcome("down", {}, DOWN)

    def pending(self, conversation: str) -> Mapping[str, Any] | None:
        """The write that waits for a yes, or None."""
        with self._lock:
            try:
                return self._session(conversation).pending
            except sqlite3.Error:
                return None

    def is_verified(self, conversation: str, order_number: str) -> bool:
        """Whether this conversation may see the order."""
        with self._lock:
            try:
                return order_number in self._session(conversation).verified
            except sqlite3.Error:
                return False

    # Deciding

    def _decide(self, conversation: str, name: str, arguments: object) -> Outcome:
        tool = TOOLS.get(name)
        if tool is None:
            return Outcome("invalid", {}, f"no tool '{name[:40]}'")
        problem = tool.problem(arguments)
        if problem:
            return Outcome("invalid", {}, problem)
        assert isinstance(arguments, Mapping)
        session = self._session(conversation)
        refused = self._rules(session, tool, arguments)
        if refused is not None:
            return refused
        if tool.needs_confirmation:
            session.pending = {"tool": tool.name, "arguments": dict(arguments), "turn": session.turn}
            self._keep(conversation, session)
            return Outcome("confirm", {"tool": tool.name, "arguments": dict(arguments)})
        if tool.writes:
            return self._write(conversation, tool, arguments, 0)
        return Outcome("done", tool.run(self.__db, arguments, self.today(), conversation))

    def _rules(self, session: Session, tool: Tool, arguments: Mapping[str, Any]) -> Outcome | None:
        """None when the call is allowed now; else why not. Checked when asked and again when confirmed."""
        if not tool.needs_identity:
            return None
        number = arguments["order_number"]
        if number not in session.verified:
            return Outcome("identity", {}, "identity of this order is not checked")
        order = order_row(self.__db, number)
        if order is None:
            return Outcome("refused", {}, "no such order")
        if tool.name in ("cancel_order", "change_address") and order["status"] not in self.policy.changes_until:
            return Outcome("refused", {"status": order["status"]}, order["status"])
        if tool.name == "start_return":
            return self._return_rules(order, arguments["product"])
        return None

    def _return_rules(self, order: Mapping[str, Any], product: str) -> Outcome | None:
        if order["status"] != "delivered" or not order["shipment"]:
            return Outcome("refused", {"status": order["status"]}, "not delivered")
        if product not in [one["product"] for one in order["items"]]:
            return Outcome("refused", {"items": [one["product"] for one in order["items"]]}, "not in the order")
        if product in order["returned"]:
            return Outcome("refused", {}, "already returned")
        days = (self.today() - date.fromisoformat(order["shipment"]["delivered_on"])).days
        if days > self.policy.return_days:
            return Outcome("refused", {"days": days}, "too late")
        return None

    def _write(self, conversation: str, tool: Tool, arguments: Mapping[str, Any], turn: int) -> Outcome:
        """Run a write once; the same key brings the first result again."""
        content = json.dumps([conversation, tool.name, dict(arguments), turn], sort_keys=True)
        key = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
        row = self.__db.execute("SELECT result FROM done WHERE key = ?", (key,)).fetchone()
        if row is not None:
            return Outcome("done", json.loads(row[0]))
        self._granted = frozenset(tool.writes)
        try:
            data = tool.run(self.__db, arguments, self.today(), conversation)
        finally:
            self._granted = frozenset()
        self.__db.execute("INSERT INTO done VALUES (?, ?)", (key, json.dumps(data)))
        return Outcome("done", data)

    def _authorize(
        self, action: int, first: str | None, second: str | None, base: str | None, trigger: str | None
    ) -> int:
        if action in SCHEMA_CHANGES or (first == "audit" and action in WRITING and action != sqlite3.SQLITE_INSERT):
            return sqlite3.SQLITE_DENY
        if action in WRITING and first not in OWN_TABLES and first not in self._granted:
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    # Memory, audit, and what the team reads

    def memory(self, conversation: str) -> dict[str, Any]:
        """What the dialogue remembers of a conversation."""
        with self._lock:
            try:
                row = self.__db.execute(
                    "SELECT memory FROM sessions WHERE conversation = ?", (conversation,)
                ).fetchone()
                return json.loads(row[0]) if row else {}
            except sqlite3.Error:
                return {}

    def remember(self, conversation: str, memory: Mapping[str, Any]) -> None:
        """Keep the dialogue's memory; a database that is down keeps nothing, and the next turn starts anew."""
        try:
            with self._lock, self._transaction():
                self.__db.execute(
                    "UPDATE sessions SET memory = ? WHERE conversation = ?", (json.dumps(memory), conversation)
                )
        except sqlite3.Error:
            return

    def note_unanswered(self, question: str) -> None:
        """Put a question nobody could answer on the team's weekly list."""
        try:
            with self._lock, self._transaction():
                self.__db.execute("INSERT INTO unanswered (time, question) VALUES (?, ?)", (_now(), question[:500]))
        except sqlite3.Error:
            return

    def unanswered(self, since: str) -> list[tuple[str, int]]:
        """``(question, times)`` since an ISO time, most asked first, without those that have been corrected."""
        with self._told():
            rows = self.__db.execute(
                "SELECT min(question), count(*) FROM unanswered WHERE time >= ? AND lower(question) NOT IN "
                "(SELECT lower(question) FROM corrections) GROUP BY lower(question) ORDER BY 2 DESC, 1",
                (since,),
            )
            return [(str(question), int(count)) for question, count in rows]

    def correct(self, question: str, answer: str) -> None:
        """Keep the team's answer to a question."""
        with self._told(), self._transaction():
            self.__db.execute(
                "INSERT INTO corrections VALUES (?, ?, ?) ON CONFLICT (question) DO UPDATE SET answer = excluded.answer, "
                "time = excluded.time",
                (question, answer, _now()),
            )

    def corrections(self) -> list[tuple[str, str]]:
        """``(question, answer)`` as corrected by the team; none while the database is down, so that pages still answer."""
        with self._lock:
            try:
                return list(self.__db.execute("SELECT question, answer FROM corrections ORDER BY question"))
            except sqlite3.Error:
                return []

    def audit(self, conversation: str = "") -> list[dict[str, str]]:
        """The log of all calls, or of one conversation."""
        names = ("time", "conversation", "tool", "arguments", "outcome", "reason")
        with self._told():
            rows = self.__db.execute(
                f"SELECT {', '.join(names)} FROM audit WHERE ? IN ('', conversation) ORDER BY id", (conversation,)
            )
            return [dict(zip(names, row, strict=True)) for row in rows]

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the shop's tables, to compare the state before and after (evaluation and tests)."""
        with self._told():
            return {name: list(self.__db.execute(f"SELECT * FROM {name} ORDER BY 1")) for name in database.SHOP_TABLES}

    def _session(self, conversation: str) -> Session:
        row = self.__db.execute("SELECT state FROM sessions WHERE conversation = ?", (conversation,)).fetchone()
        return Session(**json.loads(row[0])) if row else Session()

    def _keep(self, conversation: str, session: Session) -> None:
        self.__db.execute(
            "INSERT INTO sessions VALUES (?, ?, '{}') ON CONFLICT (conversation) DO UPDATE SET state = excluded.state",
            (conversation, json.dumps(asdict(session))),
        )

    def _wrong_today(self, order_number: str) -> int:
        row = self.__db.execute(
            "SELECT count(*) FROM audit WHERE tool = 'verify' AND outcome = 'identity' AND arguments = ? AND time >= ?",
            (json.dumps({"order_number": order_number}), _now()[:10]),
        ).fetchone()
        return int(row[0])

    def _log(self, conversation: str, tool: str, arguments: Mapping[str, Any], outcome: Outcome) -> Outcome:
        text = json.dumps(dict(arguments), default=str)[:2000]
        self.__db.execute(
            "INSERT INTO audit (time, conversation, tool, arguments, outcome, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (_now(), conversation, tool[:60], text, outcome.status, outcome.reason),
        )
        return outcome

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The lock, with the database's errors in words: for the team's functions."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise ArtifactError(f"The shop database cannot be used: {error}.") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.__db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self.__db.in_transaction:
                self.__db.execute("ROLLBACK")
            raise
        self.__db.execute("COMMIT")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
