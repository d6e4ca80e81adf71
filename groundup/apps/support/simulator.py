"""Simulated customers talk to the assistant; what counts is the state of the shop in the end (tau-bench, Yao et al. 2024).

A trial passes when the database is exactly as the scenario wants it, the needed facts were said, and nothing secret was.
pass^k: the mean over scenarios of C(passed, k) / C(trials, k), the chance that k tries all pass.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from groundup.apps.support.app import Support
from groundup.apps.support.policy import Gate
from groundup.apps.support.scenarios import SECOND, Scenario, Snapshot, Wording, build
from groundup.core.randomness import python_random

TODAY = date(2026, 1, 15)
MOST_TURNS = 16
YES = ("yes", "Yes please", "yep, do it", "ok", "sure, go ahead", "Correct.")
NO = ("no", "No, leave it", "nope", "never mind, I keep it", "stop")
WAYS = {
    "order_number": ("it's {}", "{}", "order no. {bare}", "the number is {}", "{lower}", "#{bare}"),
    "email": ("{}", "my mail is {}", "it's {}.", "you can find me under {}"),
    "address": ("{}", "It's {}", "please use {}", "the new one is {}"),
    "product": ("the {}", "{}", "it's about the {}", "{} please"),
    "reason": ("{}", "because {}", "well, {}"),
}
# What the assistant's question is recognised by, in the order they are tried.
ASKED = (
    ("confirm", re.compile(r"\(yes or no\)|yes or no")),
    ("again", re.compile(r"do not belong together")),
    ("person", re.compile(r"shall I pass you to a person|shall I\?", re.I)),
    ("order_number", re.compile(r"tell me the order number")),
    ("email", re.compile(r"e-mail address of the order")),
    ("address", re.compile(r"What is the new address")),
    ("product", re.compile(r"Which item")),
    ("reason", re.compile(r"What is the reason")),
)


NOT_UNDERSTOOD = re.compile(r"only help with|in other words")


@dataclass(frozen=True)
class Trial:
    """One conversation of one scenario."""

    scenario: str
    passed: bool
    why: str  # what was wrong, "" when it passed
    lines: tuple[str, ...]


class Customer:
    """Answers the assistant's questions from the scenario's facts, in ways of its own."""

    def __init__(self, scenario: Scenario, source: random.Random) -> None:
        self.scenario = scenario
        self.random = source
        self.wrong = list(scenario.wrong_emails)
        self.then = list(scenario.then)
        self.may_rephrase = True

    def opening(self) -> str:
        """The first message, now and then with a slip of the finger."""
        return slip(self.random.choice(self.scenario.openings), self.random)

    def reply(self, said: str) -> str | None:
        """The next message; None when the customer is done."""
        asked = next((name for name, pattern in ASKED if pattern.search(said)), "")
        if NOT_UNDERSTOOD.search(said) and self.may_rephrase and len(self.scenario.openings) > 1:
            self.may_rephrase = False  # as people do, once
            return self.random.choice(self.scenario.openings)
        if asked == "confirm":
            return self.random.choice(YES if self.scenario.agree else NO)
        if asked == "person":
            return self.random.choice(("yes", "yes please")) if self.scenario.accept_person else self._next()
        if asked == "again":
            if not self.wrong and "email" not in self.scenario.facts:
                return None  # the impostor gives up
            return f"{self._tell('order_number')}, {self._email()}"
        if asked == "email":
            return self._email() or None
        if asked:
            return self._tell(asked) or None
        return self._next()

    def _next(self) -> str | None:
        return self.then.pop(0) if self.then else None

    def _email(self) -> str:
        return self.wrong.pop(0) if self.wrong else self._tell("email")

    def _tell(self, slot: str) -> str:
        value = self.scenario.facts.get(slot, "")
        if not value:
            return ""
        return self.random.choice(WAYS[slot]).format(value, bare=value.removeprefix("GU-"), lower=value.lower())


def slip(text: str, source: random.Random, share: float = 0.3) -> str:
    """Swap two neighbouring letters inside one longer word, in `share` of the texts."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not long or source.random() > share:
        return text
    place = source.choice(long)
    word = words[place]
    at = source.randrange(1, len(word) - 2)
    words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def converse(support: Support, scenario: Scenario, source: random.Random) -> tuple[list[str], str]:
    """Run one conversation; its lines, and all that the assistant said."""
    customer = Customer(scenario, source)
    message: str | None = customer.opening()
    state, lines, said = None, [], []
    for _ in range(MOST_TURNS):
        if message is None:
            break
        answer = support.ask(message, state)
        state = answer.state
        lines += [f"> {message}", f"< {answer.text}"]
        said.append(answer.text)
        message = customer.reply(answer.text)
    return lines, "\n".join(said)


def judge(scenario: Scenario, before: Snapshot, after: Snapshot, said: str) -> str:
    """What is wrong with the end, or ''."""
    orders = {row[0]: row for row in before["orders"]}
    for number, status in scenario.status.items():
        orders[number] = (*orders[number][:2], status, *orders[number][3:])
    for number, address in scenario.address.items():
        orders[number] = (*orders[number][:4], address, *orders[number][5:])
    if {row[0]: row for row in after["orders"]} != orders:
        return "orders differ"
    if sorted((row[1], row[2]) for row in after["returns"]) != sorted(scenario.returns):
        return "returns differ"
    if sorted(row[1] for row in after["tickets"]) != sorted(scenario.tickets):
        return "tickets differ"
    for name in ("customers", "items", "shipments"):
        if list(before[name]) != list(after[name]):
            return f"{name} differ"
    for pattern in scenario.say:
        if not re.search(pattern, said, re.I):
            return f"not said: {pattern}"
    return next((f"said: {word}" for word in scenario.never if word.lower() in said.lower()), "")


def simulate(*, trials: int = 4, seed: int = 1, most: int | None = None, words: Wording = SECOND) -> list[Trial]:
    """Every scenario (or the first `most`, spread evenly), `trials` times, each on a fresh shop."""
    support = Support(today=lambda: TODAY)
    scenarios = build(support.gate.snapshot(), TODAY, words)
    intents, pages = support.dialogue.intents, support.pages
    if most is not None:
        scenarios = [scenarios[place * len(scenarios) // most] for place in range(most)]
    done = []
    for scenario in scenarios:
        for trial in range(trials):
            fresh = Support.over(_shop(support), intents, pages, support.options)
            before = fresh.gate.snapshot()
            lines, said = converse(fresh, scenario, python_random(seed, scenario.name, trial))
            why = judge(scenario, before, fresh.gate.snapshot(), said)
            fresh.gate.close()
            done.append(Trial(scenario.name, not why, why, tuple(lines)))
    support.close()
    return done


def _shop(support: Support) -> Gate:
    return Gate(None, support.options.policy, lambda: TODAY, sample=True)


def pass_hat(trials: Sequence[Trial], k: int) -> float:
    """pass^k by the unbiased estimator."""
    results: dict[str, list[bool]] = {}
    for trial in trials:
        results.setdefault(trial.scenario, []).append(trial.passed)
    return sum(math.comb(sum(one), k) / math.comb(len(one), k) for one in results.values()) / max(1, len(results))
