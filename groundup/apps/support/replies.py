"""What the assistant says. One place for all its words, so that they can be read, checked and translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ASK = {
    "order_number": "Which order is it? Please tell me the order number; it looks like GU-1001.",
    "email": "Please tell me the e-mail address of the order, so that I know it is yours.",
    "address": "What is the new address? Please write street and number, postcode and city, with a comma between them.",
    "product": "Which item of the order do you mean: {products}?",
    "reason": "What is the reason? A few words are enough.",
}
WRONG_IDENTITY = "The order number and the e-mail address do not belong together. Please check both and tell me again."
LOCKED = "For your safety I cannot look at this order any more here. I can pass you to a person of our team: shall I?"
NOT_CONFIRMED = "Good, I have changed nothing. What else can I do for you?"
CONFIRM_AGAIN = "I have not done anything yet. Please answer yes or no: {question}"
GREETING = (
    "Hello, this is the assistant of {company}. I can track, change, cancel or return an order, and answer questions about "
    "delivery, returns and our shop."
)
THANKS = "You are welcome. Is there anything else?"
GOODBYE = "Goodbye, and thank you for writing to {company}."
EMPTY = "Please write what I can do for you, for example: Where is my order?"
OTHER = "I can only help with orders, delivery, returns and our shop. I can also pass you to a person of our team."
CLARIFY = (
    "I am not sure what to do with the order. Please say it in other words: track it, show it, cancel it, change its address, "
    "return an item, or report a problem?"
)
UNKNOWN = (
    "I do not know the answer to that, and I will not guess. I have noted your question for the team. "
    "Shall I pass you to a person?"
)
DOWN = (
    "I am sorry: our order system cannot be reached right now, so I can neither see nor change an order. "
    "Nothing was changed. Please try again in a few minutes, or write to our team."
)
HANDED_OVER = (
    "I have passed our conversation to a person of our team (ticket {ticket}). They answer Monday to Friday from 9 to 5 and "
    "have this summary: {summary}"
)


def confirm(tool: str, arguments: Mapping[str, str]) -> str:
    """The question before a write: what exactly will happen."""
    number = arguments["order_number"]
    return {
        "cancel_order": f"I will cancel order {number}. Is that right (yes or no)?",
        "start_return": f"I will register the return of the {arguments.get('product')} of order {number} "
        f"(reason: {arguments.get('reason')}). Is that right (yes or no)?",
        "change_address": f"I will change the delivery address of order {number} to: {arguments.get('address')}. "
        "Is that right (yes or no)?",
        "open_ticket": f"I will report this problem with order {number} to our team: {arguments.get('reason')}. "
        "Is that right (yes or no)?",
    }[tool]


def done(tool: str, data: Mapping[str, Any]) -> str:
    """What was done or found."""
    if tool == "cancel_order":
        return f"Order {data['number']} is cancelled. You pay nothing; what you have paid comes back within 5 working days."
    if tool == "start_return":
        return f"The return of the {data['product']} is registered. We send you a free label by e-mail."
    if tool == "change_address":
        return f"The new address of order {data['number']} is: {data['address']}."
    if tool == "open_ticket":
        return f"I have reported the problem to our team (ticket {data['ticket']}). They write to you within one working day."
    if tool == "track_shipment":
        return tracking(data)
    items = ", ".join(f"{one['quantity']} {one['product']} ({euro(one['price_cents'])})" for one in data["items"])
    total = euro(sum(one["quantity"] * one["price_cents"] for one in data["items"]))
    return (
        f"Order {data['number']} of {data['placed_on']} is {data['status']}: {items}; together {total}. "
        f"Delivery address: {data['address']}."
    )


def tracking(data: Mapping[str, Any]) -> str:
    """Where the parcel is, in a sentence or two."""
    number, status, shipment = data["number"], data["status"], data["shipment"]
    if status == "cancelled":
        return f"Order {number} was cancelled, so nothing is on its way."
    if shipment is None:
        return f"Order {number} is {status} and has not left our warehouse yet. You get an e-mail when it does."
    code = f"{shipment['carrier']}, tracking number {shipment['tracking']}"
    if shipment["delivered_on"]:
        return f"Order {number} was delivered on {shipment['delivered_on']} ({code})."
    return f"Order {number} is on its way: {shipment['place']}, expected on {shipment['expected_on']} ({code})."


def refused(tool: str, number: str, reason: str, data: Mapping[str, Any], return_days: int) -> str:
    """Why the shop's rules do not allow it, and what is possible instead."""
    if tool in ("cancel_order", "change_address"):
        what = "cancelled" if tool == "cancel_order" else "sent to another address"
        if reason == "cancelled":
            return f"Order {number} is already cancelled."
        instead = "You can return it within 30 days of delivery" if tool == "cancel_order" else "Please ask the carrier"
        return f"Order {number} is already {reason} and can no longer be {what}. {instead}."
    if reason == "too late":
        return (
            f"I cannot take this back: order {number} was delivered {data['days']} days ago, "
            f"and returns end {return_days} days after delivery."
        )
    if reason == "not delivered":
        return f"Order {number} is {data['status']}; only delivered items can be returned."
    if reason == "already returned":
        return f"That item of order {number} is already being returned."
    if reason == "not in the order":
        return f"That item is not in order {number}. It holds: {', '.join(data['items'])}."
    return f"That is not possible for order {number}: {reason}."


def euro(cents: int) -> str:
    """4900 -> '49.00 euro'."""
    return f"{cents // 100}.{cents % 100:02d} euro"
