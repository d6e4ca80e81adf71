"""What can be done in the shop: plain functions over a connection, each with a JSON schema of its arguments.

Nobody calls these but `policy.Gate`: a tool trusts that its rules were checked, and does one thing.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Arguments = Mapping[str, str]
ORDER = {"type": "string", "pattern": r"^GU-\d{4,6}$", "description": "the order number, like GU-1001"}
REASON = {"type": "string", "minLength": 2, "maxLength": 300, "description": "in the customer's words"}


@dataclass(frozen=True)
class Tool:
    """One thing the assistant may ask for. writes: the tables it may change, () for a look-up."""

    name: str
    description: str
    properties: Mapping[str, Mapping[str, Any]]
    run: Callable[[sqlite3.Connection, Arguments, date, str], dict[str, Any]]
    writes: tuple[str, ...] = ()
    needs_identity: bool = True
    needs_confirmation: bool = False

    def schema(self) -> dict[str, Any]:
        """The tool in the form of OpenAI's ``tools`` parameter."""
        parameters = {
            "type": "object",
            "properties": {name: dict(rule) for name, rule in self.properties.items()},
            "required": list(self.properties),
            "additionalProperties": False,
        }
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": parameters},
        }

    def problem(self, arguments: object) -> str:
        """What is wrong with the arguments by the schema, or ''."""
        if not isinstance(arguments, Mapping):
            return "arguments must be an object"
        unknown, missing = set(arguments) - set(self.properties), set(self.properties) - set(arguments)
        if unknown or missing:
            return f"unknown {sorted(map(str, unknown))}, missing {sorted(missing)}"
        for name, rule in self.properties.items():
            value = arguments[name]
            if not isinstance(value, str):
                return f"{name} must be text"
            if not rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", 1000):
                return f"{name} must have {rule.get('minLength', 0)} to {rule.get('maxLength', 1000)} characters"
            if "pattern" in rule and not re.fullmatch(rule["pattern"].strip("^$"), value):
                return f"{name} does not look like {rule['description']}"
        return ""


def order_row(connection: sqlite3.Connection, number: str) -> dict[str, Any] | None:
    """An order with its items and shipment, or None."""
    row = connection.execute(
        "SELECT number, status, placed_on, address, note FROM orders WHERE number = ?", (number,)
    ).fetchone()
    if row is None:
        return None
    order = dict(zip(("number", "status", "placed_on", "address", "note"), row, strict=True))
    items = connection.execute("SELECT product, quantity, price_cents FROM items WHERE order_number = ?", (number,))
    order["items"] = [dict(zip(("product", "quantity", "price_cents"), one, strict=True)) for one in items]
    shipment = connection.execute(
        "SELECT carrier, tracking, place, expected_on, delivered_on FROM shipments WHERE order_number = ?", (number,)
    ).fetchone()
    names = ("carrier", "tracking", "place", "expected_on", "delivered_on")
    order["shipment"] = dict(zip(names, shipment, strict=True)) if shipment else None
    returned = connection.execute("SELECT product FROM returns WHERE order_number = ?", (number,))
    order["returned"] = [one[0] for one in returned]
    return order


def lookup_order(connection: sqlite3.Connection, arguments: Arguments, today: date, who: str) -> dict[str, Any]:
    """The order as the customer may see it (the note is the customer's own)."""
    order = order_row(connection, arguments["order_number"])
    assert order is not None  # identity was checked against it
    return order


def track_shipment(connection: sqlite3.Connection, arguments: Arguments, today: date, who: str) -> dict[str, Any]:
    """Where the parcel is."""
    order = lookup_order(connection, arguments, today, who)
    return {"number": order["number"], "status": order["status"], "shipment": order["shipment"]}


def cancel_order(connection: sqlite3.Connection, arguments: Arguments, today: date, who: str) -> dict[str, Any]:
    """Set the order's state to cancelled."""
    connection.execute("UPDATE orders SET status = 'cancelled' WHERE number = ?", (arguments["order_number"],))
    return {"number": arguments["order_number"], "status": "cancelled"}


def start_return(connection: sqlite3.Connection, arguments: Arguments, today: date, who: str) -> dict[str, Any]:
    """Register a return of one product of the order."""
    cursor = connection.execute(
        "INSERT INTO returns (order_number, product, reason, created_on) VALUES (?, ?, ?, ?)",
        (arguments["order_number"], arguments["product"], arguments["reason"], today.isoformat()),
    )
    return {"return": cursor.lastrowid, "product": arguments["product"]}


def change_address(connection: sqlite3.Connection, arguments: Arguments, today: date, who: str) -> dict[str, Any]:
    """Replace the delivery address of the order."""
    values = (arguments["address"], arguments["order_number"])
    connection.execute("UPDATE orders SET address = ? WHERE number = ?", values)
    return {"number": arguments["order_number"], "address": arguments["address"]}


def open_ticket(connection: sqlite3.Connection, arguments: Arguments, today: date, who: str) -> dict[str, Any]:
    """A problem with an order, for the team to solve."""
    return _ticket(connection, "problem", arguments["order_number"], arguments["reason"], today, who)


def hand_over(connection: sqlite3.Connection, arguments: Arguments, today: date, who: str) -> dict[str, Any]:
    """Put the conversation into the team's list; once a conversation, however often it is asked."""
    row = connection.execute("SELECT id FROM tickets WHERE kind = 'person' AND conversation = ?", (who,)).fetchone()
    if row is not None:
        return {"ticket": row[0]}
    return _ticket(connection, "person", "", arguments["summary"], today, who)


def _ticket(
    connection: sqlite3.Connection, kind: str, order: str, summary: str, today: date, who: str
) -> dict[str, Any]:
    cursor = connection.execute(
        "INSERT INTO tickets (kind, order_number, summary, created_on, conversation) VALUES (?, ?, ?, ?, ?)",
        (kind, order, summary, today.isoformat(), who),
    )
    return {"ticket": cursor.lastrowid}


ADDRESS = {"type": "string", "minLength": 8, "maxLength": 200, "description": "street and number, postcode and city"}
PRODUCT = {"type": "string", "minLength": 2, "maxLength": 80, "description": "a product of the order"}
SUMMARY = {"type": "string", "minLength": 1, "maxLength": 2000, "description": "what the customer wants"}
TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("lookup_order", "Show an order.", {"order_number": ORDER}, lookup_order),
        Tool("track_shipment", "Say where a parcel is.", {"order_number": ORDER}, track_shipment),
        Tool("cancel_order", "Cancel an order that is not shipped.", {"order_number": ORDER}, cancel_order,
             writes=("orders",), needs_confirmation=True),
        Tool("start_return", "Return one product of a delivered order.",
             {"order_number": ORDER, "product": PRODUCT, "reason": REASON}, start_return,
             writes=("returns",), needs_confirmation=True),
        Tool("change_address", "Change the delivery address of an order that is not shipped.",
             {"order_number": ORDER, "address": ADDRESS}, change_address, writes=("orders",), needs_confirmation=True),
        Tool("open_ticket", "Report a problem with an order to the team.",
             {"order_number": ORDER, "reason": REASON}, open_ticket, writes=("tickets",), needs_confirmation=True),
        # A hand-over changes no order and is what a lost customer needs most: no identity, no confirmation.
        Tool("hand_over", "Pass the conversation to a person.", {"summary": SUMMARY}, hand_over,
             writes=("tickets",), needs_identity=False),
    )
}  # fmt: skip
