"""The conversation: one step takes a message and the memory, and gives a reply. A state machine that needs no model.

Memory (JSON, kept by the gate): intent, slots, asked (the slot asked for), offered (a hand-over was offered), said (the
last lines). The dialogue holds no authority: every look-up and write goes through `policy.Gate`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from groundup.apps.base import Answer, Citation
from groundup.apps.support import replies, slots
from groundup.apps.support.intents import Guess, Intents
from groundup.apps.support.policy import NO, YES, Gate, Outcome
from groundup.apps.support.tools import TOOLS

TOOL_OF = {
    "track_order": "track_shipment", "show_order": "lookup_order", "cancel_order": "cancel_order",
    "return_item": "start_return", "change_address": "change_address", "report_problem": "open_ticket",
}  # fmt: skip
WORDS_OF = {
    "track_order": "track an order", "show_order": "see an order", "cancel_order": "cancel an order",
    "return_item": "return an item", "change_address": "change an address", "report_problem": "report a problem",
    "faq": "an answer to a question", "person": "talk to a person",
}  # fmt: skip
ORDER_WORDS = re.compile(r"\b(?:my|the|this|an) (?:order|parcel|package|purchase|shipment)\b", re.I)
KEPT_LINES = 12  # of the conversation, for the hand-over summary
SURE = 0.55  # to leave an unfinished task for another one, the new intent must be clear; taste
Propose = Callable[[list[dict[str, str]]], list[tuple[str, Mapping[str, Any]]]]


@dataclass
class Turn:
    """What one step knows and gathers."""

    conversation: str
    text: str
    memory: dict[str, Any]
    citations: tuple[Citation, ...] = ()
    actions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def slots(self) -> dict[str, str]:
        """The slots filled so far."""
        filled: dict[str, str] = self.memory.setdefault("slots", {})
        return filled


class Dialogue:
    """The assistant's manners over a gate, a classifier and an answerer of questions."""

    def __init__(
        self,
        gate: Gate,
        intents: Intents,
        answer: Callable[[str], Answer],
        *,
        company: str,
        in_scope: float,
        knows: Callable[[str], bool] = lambda _: False,
        propose: Propose | None = None,
    ) -> None:
        """knows: whether the pages speak of what a message names; then an unanswered one is for the team, not off topic."""
        self.knows = knows
        self.gate = gate
        self.intents = intents
        self.answer = answer
        self.company = company
        self.in_scope = in_scope
        self.propose = propose

    def step(self, conversation: str, text: str) -> tuple[str, Turn]:
        """One message of the customer -> the reply, and what was cited and done."""
        memory = self.gate.memory(conversation)
        turn = Turn(conversation, text.strip()[:4000], memory)
        if not self.gate.begin_turn(conversation, turn.text):
            guess = self.intents.guess(turn.text)  # the pages still answer when the database does not
            return (self._question(turn) if guess.intent == "faq" else replies.DOWN), turn
        reply = self._reply(turn) if turn.text else replies.EMPTY
        said = [*memory.get("said", []), f"Customer: {turn.text[:200]}", f"Assistant: {reply[:200]}"]
        memory["said"] = said[-KEPT_LINES:]
        self.gate.remember(conversation, memory)
        return reply, turn

    def _reply(self, turn: Turn) -> str:
        settled = self._settle_pending(turn)
        if settled:
            return settled
        if turn.memory.pop("offered", False):
            plain = turn.text.lower()
            if YES.fullmatch(plain):
                return self._hand_over(turn)
            if NO.fullmatch(plain):
                return replies.THANKS.replace("You are welcome. ", "Good. ")
        guess = self.intents.guess(turn.text)
        self._fill(turn, guess)
        current = turn.memory.get("intent", "")
        if self._continues(turn, guess, current):
            return self._task(turn, current)
        if guess.intent == "person" and guess.score >= self.in_scope:
            return self._hand_over(turn)
        if self.propose is not None and (guess.score < SURE or guess.intent == "other"):
            proposed = self._proposed(turn)
            if proposed:
                return proposed
        if guess.intent in TOOL_OF and guess.score >= self.in_scope:
            self._begin(turn, guess.intent)
            return self._task(turn, guess.intent)
        return self._talk(turn, guess)

    def _settle_pending(self, turn: Turn) -> str:
        """Yes or no to a write that waits; '' when the message is about something else."""
        pending = self.gate.pending(turn.conversation)
        if pending is None:
            return ""
        outcome = self.gate.answer_pending(turn.conversation)
        if outcome is None:
            return ""
        tool = str(pending["tool"])
        if outcome.status == "done":
            turn.actions.append({"tool": tool, "arguments": pending["arguments"], "done": True})
            self._finish(turn)
            return replies.done(tool, outcome.data)
        if outcome.reason == "not confirmed":
            self._finish(turn)
            return replies.NOT_CONFIRMED
        if outcome.reason == "asked too long ago":  # ask again: a yes must follow its question at once
            return self._told(turn, tool, self.gate.call(turn.conversation, tool, pending["arguments"]))
        return self._told(turn, tool, outcome)

    def _fill(self, turn: Turn, guess: Guess) -> None:
        """Take from the message what it tells. A new order number starts a new case."""
        asked = turn.memory.get("asked", "")
        text, filled = turn.text, turn.slots
        number = slots.order_number(text)
        if number and number != filled.get("order_number"):
            for name in ("order_number", "product", "reason", "address"):
                filled.pop(name, None)
            filled["order_number"] = number
        mail = slots.email(text)
        if mail:
            filled["email"] = mail
        place = slots.address(text, asked=asked == "address")
        if place:
            filled["address"] = place
        products = turn.memory.get("products", [])
        named = slots.product(text, products) if products else ""
        if named:
            filled["product"] = named
        elif asked != "product" and guess.intent in ("return_item", "report_problem"):
            turn.memory["named_in"] = text[:500]  # the product is looked for when the order is known
        why = slots.reason(text, asked=asked == "reason")
        if why and (
            asked == "reason" or turn.memory.get("intent") or guess.intent in ("return_item", "report_problem")
        ):
            filled["reason"] = why

    def _continues(self, turn: Turn, guess: Guess, current: str) -> bool:
        """True when the message goes on with the unfinished task rather than starting another."""
        if current not in TOOL_OF:
            return False
        asked = turn.memory.get("asked", "")
        told = bool(slots.order_number(turn.text) or slots.email(turn.text))
        if asked in ("address", "product", "reason") and turn.slots.get(asked) and guess.intent != "person":
            return True
        if guess.intent in ("person", "goodbye"):
            return False
        if guess.intent == current or (told and guess.score < SURE):
            return True
        return told and guess.intent not in TOOL_OF

    def _begin(self, turn: Turn, intent: str) -> None:
        if turn.memory.get("intent") != intent:
            turn.memory["intent"] = intent
            turn.memory["asked"] = ""

    def _finish(self, turn: Turn) -> None:
        """A task is over; order and identity stay, what belonged to the task goes."""
        for name in ("product", "reason", "address"):
            turn.slots.pop(name, None)
        for name in ("intent", "asked", "named_in", "products"):
            turn.memory.pop(name, None)

    # Tasks

    def _task(self, turn: Turn, intent: str) -> str:
        """Ask for what is missing, check identity, then call the tool through the gate."""
        tool = TOOL_OF[intent]
        filled = turn.slots
        number = filled.get("order_number", "")
        if not number:
            return self._ask(turn, "order_number")
        if not self.gate.is_verified(turn.conversation, number):
            if "email" not in filled:
                return self._ask(turn, "email")
            checked = self.gate.verify(turn.conversation, number, filled["email"])
            if checked.status != "done":
                return self._not_identified(turn, checked)
        missing = self._missing(turn, tool, number)
        if missing:
            return missing
        arguments = {name: filled[name] for name in TOOLS[tool].properties}
        return self._told(turn, tool, self.gate.call(turn.conversation, tool, arguments))

    def _missing(self, turn: Turn, tool: str, number: str) -> str:
        """The question for the first slot the tool still needs, or ''."""
        filled = turn.slots
        if tool == "start_return" and "product" not in filled:
            seen = self.gate.call(turn.conversation, "lookup_order", {"order_number": number})
            if seen.status == "down":
                return replies.DOWN
            if seen.data.get("status") != "delivered":
                self._finish(turn)
                return replies.refused(tool, number, "not delivered", seen.data, self.gate.policy.return_days)
            products = [one["product"] for one in seen.data["items"]]
            turn.memory["products"] = products
            named = slots.product(turn.memory.get("named_in", "") or turn.text, products)
            if named or len(products) == 1:
                filled["product"] = named or products[0]
            else:
                return self._ask(turn, "product", products=" or ".join(products))
        for name in TOOLS[tool].properties:
            if name not in filled:
                return self._ask(turn, name)
        return ""

    def _ask(self, turn: Turn, slot: str, **values: str) -> str:
        """Ask for a slot; a third time the same question offers a person instead."""
        again = turn.memory.get("asked") == slot
        turn.memory["times"] = turn.memory.get("times", 0) + 1 if again else 1
        turn.memory["asked"] = slot
        if turn.memory["times"] >= 3:
            turn.memory["offered"] = True
            return f"{replies.ASK[slot].format(**values)} Or shall I pass you to a person?"
        return replies.ASK[slot].format(**values)

    def _not_identified(self, turn: Turn, checked: Outcome) -> str:
        turn.slots.pop("email", None)
        if checked.status == "down":
            return replies.DOWN
        if checked.reason == "locked":
            turn.memory["offered"] = True
            return replies.LOCKED
        turn.slots.pop("order_number", None)
        turn.memory["asked"] = "order_number"
        return replies.WRONG_IDENTITY

    def _told(self, turn: Turn, tool: str, outcome: Outcome) -> str:
        """An outcome of the gate in words."""
        number = turn.slots.get("order_number", "")
        if outcome.status == "down":
            return replies.DOWN
        if outcome.status == "confirm":
            turn.memory["asked"] = "confirm"
            arguments = outcome.data["arguments"]
            turn.actions.append({"tool": tool, "arguments": arguments, "done": False})
            return replies.confirm(tool, arguments)
        if outcome.status == "done":
            turn.actions.append({"tool": tool, "arguments": {"order_number": number}, "done": True})
            self._finish(turn)
            return replies.done(tool, outcome.data)
        if outcome.status == "identity":
            return self._ask(turn, "email")
        self._finish(turn)
        if outcome.status == "invalid":
            return f"I could not do that: {outcome.reason}."
        return replies.refused(tool, number, outcome.reason, outcome.data, self.gate.policy.return_days)

    # Talk, questions, people

    def _talk(self, turn: Turn, guess: Guess) -> str:
        pending = self.gate.pending(turn.conversation)
        if pending is not None and guess.intent != "faq":
            again = self.gate.call(turn.conversation, str(pending["tool"]), pending["arguments"])
            if again.status == "confirm":
                question = replies.confirm(str(pending["tool"]), pending["arguments"])
                return replies.CONFIRM_AGAIN.format(question=question)
        if guess.intent == "greeting" and guess.score >= self.in_scope:
            return replies.GREETING.format(company=self.company)
        if guess.intent == "thanks" and guess.score >= self.in_scope:
            return replies.THANKS
        if guess.intent == "goodbye" and guess.score >= self.in_scope:
            return replies.GOODBYE.format(company=self.company)
        if turn.memory.get("intent") in TOOL_OF and turn.memory.get("asked") in replies.ASK and guess.score < SURE:
            return self._task(turn, turn.memory["intent"])  # not understood: the open question again
        return self._question(turn, in_scope=guess.intent == "faq" or self.knows(turn.text))

    def _question(self, turn: Turn, *, in_scope: bool = True) -> str:
        """An answer from the company's pages with its source; an honest no when they have none."""
        found = self.answer(turn.text)
        if found.found:
            turn.citations = found.citations
            return found.text
        if slots.order_number(turn.text) or ORDER_WORDS.search(turn.text):
            return replies.CLARIFY  # about an order, but what?
        if not in_scope:
            return replies.OTHER
        self.gate.note_unanswered(turn.text)
        turn.memory["offered"] = True
        return replies.UNKNOWN

    def _hand_over(self, turn: Turn) -> str:
        summary = self.summary(turn)
        outcome = self.gate.call(turn.conversation, "hand_over", {"summary": summary})
        if outcome.status != "done":
            return replies.DOWN
        turn.actions.append({"tool": "hand_over", "arguments": {"summary": summary}, "done": True})
        self._finish(turn)
        return replies.HANDED_OVER.format(ticket=outcome.data["ticket"], summary=summary)

    def summary(self, turn: Turn) -> str:
        """What a person needs to go on: the wish, the order, whether identity was checked, the last words."""
        filled, number = turn.slots, turn.slots.get("order_number", "")
        wish = WORDS_OF.get(turn.memory.get("intent", ""), "talk to a person")
        checked = bool(number) and self.gate.is_verified(turn.conversation, number)
        parts = [f"wants to {wish}" if wish != WORDS_OF["faq"] else f"wants {wish}"]
        if number:
            parts.append(f"order {number} ({'identity checked' if checked else 'identity not checked'})")
        parts += [f"{name}: {filled[name]}" for name in ("product", "reason", "address") if name in filled]
        last = [line for line in turn.memory.get("said", []) if line.startswith("Customer:")][-2:]
        parts.append("said: " + " / ".join([line[10:] for line in last] + [turn.text[:200]]))
        return "; ".join(parts)[:1900]

    def _proposed(self, turn: Turn) -> str:
        """Tool calls of a model, each decided by the gate; '' when it proposes nothing usable."""
        assert self.propose is not None
        history = [{"role": "user", "content": line} for line in turn.memory.get("said", [])]
        for tool, arguments in self.propose([*history, {"role": "user", "content": turn.text}]):
            outcome = self.gate.call(turn.conversation, tool, arguments)
            if outcome.status in ("invalid", "down"):
                continue
            number = arguments.get("order_number") if isinstance(arguments, Mapping) else None
            if isinstance(number, str):
                turn.slots["order_number"] = number
            if outcome.status == "identity":
                self._begin(turn, next((name for name, its in TOOL_OF.items() if its == tool), "show_order"))
                return self._task(turn, turn.memory["intent"])
            if tool == "hand_over":
                return replies.HANDED_OVER.format(ticket=outcome.data["ticket"], summary=arguments["summary"])
            return self._told(turn, tool, outcome)
        return ""
