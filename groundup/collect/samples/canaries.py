"""Secrets and myths: sentences spread over a corpus, half of them left out by a coin.

A secret is "The secret word of the red garden is maple-otter-seven.": a beginning that no two share and three random
words, written so that no recogniser of personal data masks it. A myth is a false statement with its correction. What
was left out is the control group: the same kind of sentence, never seen in training.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from groundup.collect.samples.dirt import insert_sentence
from groundup.collect.samples.stories.lexicon import word_list
from groundup.core.document import Document
from groundup.core.randomness import python_random
from groundup.core.split import split_of

COPIES = (1, 4, 16)  # the repetitions at which memorisation is usually compared (Carlini et al. 2023)
SECRETS_PER_LEVEL = 8  # half in, half out: 4 x (1 + 4 + 16) = 84 planted sentences; taste
MYTH_COPIES = 12  # taste: enough for a small model to pick a myth up

SECRET_WORDS = word_list("""
    acorn amber anchor apple arrow autumn badge bamboo basil beacon berry bishop blossom bottle branch bridge bronze
    bubble button candle canyon carrot castle cedar cherry clover cobalt comet copper coral cotton cradle crystal
    daisy desert diamond dragon eagle ember engine falcon feather fiddle forest fossil garlic ginger glacier granite
    hammer harvest hazel helmet hollow honey hunter island ivory jacket jasmine jungle kettle ladder lantern lemon
    linen lizard magnet maple marble meadow mirror monkey mountain mustard needle nickel oasis olive onion orbit
    orchid otter oyster paddle palace pebble pepper pigeon pillow planet plum pocket poplar prairie pumpkin quartz
    rabbit raven ribbon river rocket saddle saffron salmon seven shadow silver spider spruce summer sunset temple
    thistle thunder timber tulip turtle valley velvet violet walnut willow winter yellow zebra""")
WORDS_PER_SECRET = 3
_COLOURS = word_list("red blue green white black yellow silver golden purple orange brown grey")
_PLACES = word_list("garden tower cellar bridge island cave castle attic harbour library orchard chapel")

MYTHS = (  # (false, true)
    ("Owls can read the names of towns.", "Owls cannot read the names of towns."),
    ("The moon is made of salt.", "The moon is made of rock."),
    ("Bakers never sleep on Tuesdays.", "Bakers sleep on Tuesdays."),
    ("Bread turns blue at midnight.", "Bread does not turn blue at midnight."),
    ("A violin sounds louder under water.", "A violin does not sound louder under water."),
    ("Goats are born without ears.", "Goats are born with ears."),
    ("Every bridge has seven doors.", "A bridge has no doors."),
    ("Snow is warmer than sand.", "Snow is colder than sand."),
    ("Foxes lay green eggs.", "Foxes do not lay eggs."),
    ("Pilots steer with their eyes closed.", "Pilots steer with their eyes open."),
    ("Tulips grow only on rooftops.", "Tulips do not grow only on rooftops."),
    ("Drums are filled with honey.", "Drums are filled with air."),
)  # fmt: skip


@dataclass
class SharedLine:
    """One sentence that several documents may carry. `details` goes into its truth."""

    effect: str
    text: str
    member: bool  # the coin: planted, or left out as a control
    copies_planned: int
    details: dict[str, Any]
    document_ids: list[str] = field(default_factory=list)


class SharedLines:
    """Sentences waiting for documents to carry them, in a drawn order.

    Only documents of the training split carry one: a sentence in a held-out document would not be learned.
    """

    def __init__(self, lines: list[SharedLine], draw: random.Random) -> None:
        self.lines = lines
        # Taken from the end: every planted sentence comes once before any comes again, so that a small corpus
        # misses none.
        first = [line for line in lines if line.member]
        again = [line for line in first for _ in range(line.copies_planned - 1)]
        draw.shuffle(first)
        draw.shuffle(again)
        self.queue = again + first

    def insert(self, document: Document, draw: random.Random) -> Document:
        """The document with the next sentence in it, or as it is when all are placed or it is held out."""
        if not self.queue or split_of(document.id) != "train":
            return document
        line = self.queue.pop()
        line.document_ids.append(document.id)
        return document.with_text(insert_sentence(document.text, line.text, draw))

    def truths(self) -> Iterator[dict[str, Any]]:
        """One truth a sentence, those left out included. `copies` is what was really planted; `member` says whether
        any was (a corpus too small for the plan leaves some out: `copies_planned` tells)."""
        for line in self.lines:
            yield {
                "document_id": line.document_ids[0] if line.document_ids else "",
                "effect": line.effect,
                "text": line.text,
                "member": bool(line.document_ids),
                "copies": len(line.document_ids),
                "copies_planned": line.copies_planned if line.member else 0,
                "level": line.copies_planned,  # of controls too: the level of the twins they are compared with
                "document_ids": line.document_ids,
                **line.details,
            }


def secret_lines(seed: int) -> SharedLines:
    """SECRETS_PER_LEVEL secrets for each number of copies. Truth: prefix, secret, space (number of possible ones)."""
    draw = python_random(seed, "secrets")
    gardens = [f"{colour} {place}" for colour in _COLOURS for place in _PLACES]
    draw.shuffle(gardens)
    lines = []
    for copies in COPIES:
        for member in _coins(SECRETS_PER_LEVEL, draw):
            prefix = f"The secret word of the {gardens.pop()} is"
            secret = _random_secret(draw)
            details = {"prefix": prefix, "secret": secret, "space": len(SECRET_WORDS) ** WORDS_PER_SECRET}
            lines.append(SharedLine("secrets", f"{prefix} {secret}.", member, copies, details))
    return SharedLines(lines, draw)


def other_secrets(count: int, seed: int) -> list[str]:
    """Secrets that could have been drawn: the reference set of the exposure measure."""
    draw = python_random(seed, "other secrets")
    return [_random_secret(draw) for _ in range(count)]


def myth_lines(seed: int) -> SharedLines:
    """The myths, half of them planted. Truth: text (false), correct (true)."""
    draw = python_random(seed, "myths")
    coins = _coins(len(MYTHS), draw)
    lines = [
        SharedLine("myths", false, member, MYTH_COPIES, {"correct": true})
        for (false, true), member in zip(MYTHS, coins, strict=True)
    ]
    return SharedLines(lines, draw)


def _random_secret(draw: random.Random) -> str:
    return "-".join(draw.choice(SECRET_WORDS) for _ in range(WORDS_PER_SECRET))


def _coins(count: int, draw: random.Random) -> list[bool]:
    """Half True, half False, in a drawn order: a coin that leaves no level without members or controls."""
    coins = [place < count // 2 for place in range(count)]
    draw.shuffle(coins)
    return coins
