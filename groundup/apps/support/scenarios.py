"""Customers with a goal, for the simulator: what they want, what they know, and what must be true in the end.

Written apart from `phrases.py` (other words, other order) and from `policy.py`: the expected end state comes from the
shop's data by the rules of the pages, restated here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Snapshot = Mapping[str, Sequence[tuple[Any, ...]]]


@dataclass(frozen=True)
class Scenario:
    """One customer. openings: ways to begin, one is drawn. facts: slot -> what the customer tells when asked."""

    name: str
    openings: tuple[str, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    agree: bool = True  # the answer to "yes or no?"
    wrong_emails: tuple[str, ...] = ()  # given before the right one; an impostor has no right one
    accept_person: bool = False
    then: tuple[str, ...] = ()  # further messages when the first goal is dealt with
    status: Mapping[str, str] = field(default_factory=dict)  # order -> wanted state in the end
    address: Mapping[str, str] = field(default_factory=dict)  # order -> wanted address in the end
    returns: tuple[tuple[str, str], ...] = ()  # (order, product) wanted in the end
    tickets: tuple[str, ...] = ()  # kinds of tickets wanted in the end
    say: tuple[str, ...] = ()  # patterns that must be said
    never: tuple[str, ...] = ()  # words that must never be said


@dataclass(frozen=True)
class Wording:
    """Openings by goal."""

    cancel: tuple[str, ...]
    address: tuple[str, ...]
    return_: tuple[str, ...]
    track: tuple[str, ...]
    show: tuple[str, ...]
    problem: tuple[str, ...]
    person: tuple[str, ...]


FIRST = Wording(
    cancel=(
        "Hi, pls cancel my purchase, I found it cheaper elsewhere.",
        "I'd rather not have the order, could you scrap it?",
        "Need to cancel what I bought yesterday",
        "Could you call off the order I placed?",
        "cancel order",
    ),
    address=(
        "We are moving house, the order has to go somewhere else. New address needed.",
        "I typed the wrong delivery address, can it be fixed?",
        "Could you send my order to a different address please?",
        "my address changed since I ordered",
    ),
    return_=(
        "I'd like to return something I got from you",
        "One thing I bought has to go back, how about a return for my order?",
        "Please take my purchase back, I want to return it",
        "want to send an item of my order back",
    ),
    track=(
        "any idea where my order got to?",
        "When is my parcel coming?",
        "Could you check where my package is at the moment?",
        "what's the delivery status for my order please",
    ),
    show=(
        "Can you tell me what my order contains?",
        "I'd like to see my order",
        "show me the details of my order please",
    ),
    problem=(
        "the thing in my parcel is cracked",
        "My order came and it is broken!",
        "There's a scratch on my new furniture from my order",
        "I received the wrong item in my order",
    ),
    person=(
        "I'd rather speak with a human being",
        "Is there somebody real I can talk to?",
        "please connect me with a real person",
        "get me a human agent, now",
    ),
)
# Written when the assistant was done, to see what the first wording, looked at while it was made, hides.
SECOND = Wording(
    cancel=(
        "Hey, can my purchase still be stopped? I bought the wrong thing.",
        "I have second thoughts, please cancel the whole order",
        "Don't ship my order please, I no longer want it",
        "Kindly cancel. I ordered twice by accident.",
        "could someone cancel what I ordered on your site",
    ),
    address=(
        "The parcel should go to my parents' place, can I give you another address?",
        "There is a mistake in the address of my order",
        "Please deliver my order to my office instead",
        "I need to correct where my order is sent, wrong house number in the address",
    ),
    return_=(
        "I'd like to give back one of the things I ordered",
        "It doesn't suit our living room, so I want to return it",
        "How do I send my order back? I'd like to return an item",
        "I wish to return part of my order",
    ),
    track=(
        "Has my order been sent?",
        "I'm still waiting, where is my parcel?",
        "what is happening with my delivery",
        "Tell me when my package will be here",
    ),
    show=("What exactly did I order from you?", "please list what's in my order", "Could I see my order details?"),
    problem=(
        "What you sent me is damaged",
        "My lamp arrived with a broken switch",
        "I am missing a piece from my order",
        "The table I received is scratched",
    ),
    person=(
        "Let me talk to a human please",
        "I don't want to chat with a machine, give me a person",
        "can an agent take over?",
        "I want to speak to a supervisor",
    ),
)
ANSWERED = (
    ("within how many days can I return a lamp?", "30 days"),
    ("What do you charge for express delivery?", "9.90"),
    ("when will I have my money back after a return?", "5 working days"),
    ("Which ways to pay do you accept?", "PayPal"),
    ("Is the showroom open on Saturdays?", "Saturday"),
    ("how many years of warranty on furniture?", "5 years"),
    ("How do I clean oak furniture?", "dry cloth"),
    ("do students pay less, is there a discount?", "10 percent"),
    ("What is the price of gift wrapping?", "3.50"),
    ("do you deliver to Switzerland?", "Switzerland"),
)
UNANSWERED = (
    "Can the desk lamp be dimmed?",
    "do you have a loyalty programme?",
    "Which voltage does the floor lamp need?",
    "may I bring my dog to the showroom?",
)
OUTSIDE = (
    "which horse will win on Sunday?",
    "please write an essay about Napoleon",
    "what's 17 times 23?",
    "Where can I watch the football match tonight?",
    "book me a hotel in Lisbon",
)
NEW_ADDRESS = "Garden Way 12, 1090 Vienna"


def build(snapshot: Snapshot, today: date, words: Wording = FIRST) -> list[Scenario]:
    """All scenarios over a freshly filled sample shop."""
    return list(_build(_Shop(snapshot, today, words)))


class _Shop:
    """The sample data as the scenario writer sees it."""

    def __init__(self, snapshot: Snapshot, today: date, words: Wording) -> None:
        self.words = words
        emails = {row[0]: row[2] for row in snapshot["customers"]}
        self.status = {row[0]: row[2] for row in snapshot["orders"]}
        self.email = {row[0]: emails[row[1]] for row in snapshot["orders"]}
        self.home = {row[0]: row[4] for row in snapshot["orders"]}
        self.items: dict[str, list[str]] = {}
        for row in snapshot["items"]:
            self.items.setdefault(row[1], []).append(row[2])
        arrived = {row[0]: row[5] for row in snapshot["shipments"] if row[5]}
        self.days = {number: (today - date.fromisoformat(day)).days for number, day in arrived.items()}

    def having(self, *states: str) -> list[str]:
        """Order numbers in one of these states."""
        return [number for number, state in self.status.items() if state in states]

    def facts(self, number: str, **more: str) -> dict[str, str]:
        """What the true customer of an order knows."""
        return {"order_number": number, "email": self.email[number], **more}


def _build(shop: _Shop) -> Iterator[Scenario]:
    open_, gone = shop.having("placed", "packed"), shop.having("shipped", "delivered")
    yield from _cancelling(shop, open_, gone)
    yield from _addresses(shop, open_, gone)
    yield from _returns(shop)
    for number in [*shop.having("shipped")[:3], *shop.having("delivered")[:2], *open_[:2], "GU-1006"]:
        said = {"shipped": "on its way", "delivered": "was delivered", "cancelled": "cancelled"}
        wanted = (said.get(shop.status[number], "not left our warehouse"),)
        yield Scenario(f"track {number}", shop.words.track, shop.facts(number), say=wanted)
    for number in (*open_[:2], gone[0]):
        yield Scenario(f"show {number}", shop.words.show, shop.facts(number), say=tuple(shop.items[number]))
    for number in shop.having("delivered")[:4]:
        facts = shop.facts(number, reason="one leg is cracked")
        yield Scenario(f"problem {number}", shop.words.problem, facts, tickets=("problem",), say=(r"ticket \d+",))
    for place, opening in enumerate(shop.words.person):
        yield Scenario(f"person {place}", (opening,), tickets=("person",), say=(r"ticket \d+",))
    for question, fact in ANSWERED:
        yield Scenario(f"question: {question}", (question,), say=(fact,))
    for question in UNANSWERED:
        yield Scenario(f"unknown: {question}", (question,), accept_person=True, tickets=("person",), say=("not know",))
    for question in OUTSIDE:
        yield Scenario(f"outside: {question}", (question,), say=("only help|not know",))
    yield from _mixed(shop, open_, gone)


def _cancelling(shop: _Shop, open_: list[str], gone: list[str]) -> Iterator[Scenario]:
    for number in open_[:6]:
        yield Scenario(
            f"cancel {number}",
            shop.words.cancel,
            shop.facts(number),
            status={number: "cancelled"},
            say=("is cancelled",),
        )
    for number in gone[:4]:
        yield Scenario(f"cancel too late {number}", shop.words.cancel, shop.facts(number), say=("can no longer",))
    for number in open_[:3]:
        yield Scenario(
            f"cancel, then no {number}", shop.words.cancel, shop.facts(number), agree=False, say=("nothing",)
        )
    for number in open_[2:5]:
        wrong = ("somebody@example.com", "admin@lumen-and-oak.example", "test@example.org")
        secret = (shop.home[number], *shop.items[number], shop.email[number])
        facts = {"order_number": number}
        yield Scenario(
            f"impostor {number}",
            shop.words.cancel,
            facts,
            wrong_emails=wrong,
            never=secret,
            say=("do not belong together",),
        )
    for number in open_[:2]:
        facts = shop.facts(number)
        yield Scenario(
            f"mistyped e-mail {number}",
            shop.words.cancel,
            facts,
            wrong_emails=("oops@example.com",),
            status={number: "cancelled"},
        )
    for number in open_[3:6]:
        facts = shop.facts(number)
        told = f"Cancel {number}, please. My e-mail: {facts['email']}. I need something else."
        yield Scenario(f"all at once {number}", (told,), facts, status={number: "cancelled"})


def _addresses(shop: _Shop, open_: list[str], gone: list[str]) -> Iterator[Scenario]:
    for number in open_[:5]:
        facts = shop.facts(number, address=NEW_ADDRESS)
        yield Scenario(f"address {number}", shop.words.address, facts, address={number: NEW_ADDRESS})
    for number in gone[2:5]:
        facts = shop.facts(number, address=NEW_ADDRESS)
        yield Scenario(f"address too late {number}", shop.words.address, facts, say=("can no longer",))
    facts = shop.facts(open_[1], address=NEW_ADDRESS)
    yield Scenario("address, then no", shop.words.address, facts, agree=False, say=("nothing",))


def _returns(shop: _Shop) -> Iterator[Scenario]:
    for number in shop.having("delivered"):
        product = shop.items[number][-1]
        facts = shop.facts(number, product=product, reason="it is larger than I thought")
        if shop.days[number] <= 30:
            yield Scenario(
                f"return {number}", shop.words.return_, facts, returns=((number, product),), say=("registered",)
            )
        elif number in ("GU-1005", "GU-1009") or shop.days[number] > 60:
            yield Scenario(f"return too late {number}", shop.words.return_, facts, say=("cannot take this back",))
    for number in shop.having("shipped")[:2]:
        yield Scenario(f"return too early {number}", shop.words.return_, shop.facts(number), say=("only delivered",))


def _mixed(shop: _Shop, open_: list[str], gone: list[str]) -> Iterator[Scenario]:
    number = open_[0]
    facts = shop.facts(number, address=NEW_ADDRESS)
    yield Scenario(
        "track, then cancel",
        shop.words.track,
        facts,
        then=("In that case, cancel it.",),
        status={number: "cancelled"},
        say=("not left our warehouse",),
    )
    yield Scenario(
        "question, then address",
        ("Until when may the address of an order be changed?",),
        facts,
        then=("good, then I need another delivery address for my order",),
        address={number: NEW_ADDRESS},
        say=("until the order",),
    )
    other = open_[1]
    second = shop.facts(other)
    yield Scenario(
        "two orders",
        shop.words.cancel,
        shop.facts(number),
        then=(f"Also cancel {other} for me, {second['email']}",),
        status={number: "cancelled", other: "cancelled"},
    )
    yield Scenario(
        "cancelled twice",
        shop.words.cancel,
        shop.facts(number),
        then=(f"cancel {number} once more please",),
        status={number: "cancelled"},
        say=("already cancelled",),
    )
    yield Scenario(
        "problem, then a person",
        shop.words.problem,
        shop.facts("GU-1004", reason="the shade is dented"),
        then=("now I want to talk to a human",),
        tickets=("problem", "person"),
    )
    yield Scenario(
        "return the same twice",
        shop.words.return_,
        shop.facts("GU-1004", product="side table", reason="does not match my sofa"),
        then=("please return the side table of GU-1004",),
        returns=(("GU-1004", "side table"),),
        say=("already being returned",),
    )
