"""A draft from an outline: by our own sentences, or by a bigger model that is asked again until the draft holds.

Without a model every point stands in the draft, in the tone asked for, at the length asked for as far as our sentences
reach; nothing is invented. With a model up to three drafts are asked for, judged, and the best is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundup.apps.search.generator import Generate
from groundup.apps.writing import phrases
from groundup.apps.writing.quality import COVERED, covered, judged, score
from groundup.core.errors import GroundupError
from groundup.language.words import words

TRIES = 3  # of a bigger model; each costs seconds
VERB = re.compile(
    r"\b(?:is|are|was|were|am|be|has|have|had|do|does|did|will|would|can|could|may|might|shall|should|must|i|we|he|she|they|it|you)\b",
    re.I,
)


@dataclass(frozen=True)
class Order:
    """What is wanted. points: phrases or whole sentences. length: in words, 0 for as it comes."""

    kind: str
    topic: str
    points: tuple[str, ...]
    tone: str
    length: int = 0
    to: str = ""
    sender: str = ""


def read_points(text: str) -> tuple[str, ...]:
    """An outline as its points: one a line, list marks taken off; a single line may divide them by semicolons."""
    lines = text.split(";") if "\n" not in text.strip() else text.splitlines()
    cleaned = (re.sub(r"^\s*(?:[-*\u2022]|\d+[.)])\s*", "", line).strip() for line in lines)
    return tuple(line[:300] for line in cleaned if line)[:20]


def draft(order: Order, generate: Generate | None = None) -> str:
    """The draft; a model that fails or does worse than our own sentences is passed over."""
    own = _own(order)
    if generate is None:
        return own
    wanted = {"length": order.length, "points": order.points, "tone": order.tone}
    best, best_score = own, score(judged(own, **wanted))  # type: ignore[arg-type]
    missing: Sequence[str] = ()
    for attempt in range(TRIES):
        try:
            text = generate(_messages(order, missing, attempt)).strip()
        except GroundupError:
            break
        value = score(judged(text, **wanted)) if text else -1.0  # type: ignore[arg-type]
        if value > best_score or (value == best_score and best is own and text):
            best, best_score = text, value
        if best_score == 1.0 and best is not own:
            break
        missing = [point for point in order.points if covered(point, text) < COVERED]
    return best


def _messages(order: Order, missing: Sequence[str], attempt: int) -> list[dict[str, str]]:
    wish = f"Write a {order.tone} {order.kind} about {order.topic}."
    if order.length:
        wish += f" Use {order.length} words, within ten percent."
    if order.to:
        wish += f" It is addressed to {order.to}."
    outline = "\n".join(f"- {point}" for point in order.points)
    said = f"{wish} Cover every point and add no facts, names or numbers of your own.\nPoints:\n{outline}"
    if attempt and missing:
        said += "\nYour last draft left out: " + "; ".join(missing)
    return [
        {"role": "system", "content": "You write exactly what is asked for, and only that."},
        {"role": "user", "content": said},
    ]


def _own(order: Order) -> str:
    if order.kind == "poem":
        return _poem(order)
    required = [_sentence(order, place, point) for place, point in enumerate(order.points)]
    topic = order.topic or "this"
    if order.kind == "e-mail":
        opening = phrases.OPENING[order.tone][0].format(topic=topic)
        more: Iterator[str] = iter(phrases.MORE[order.tone])
        head = phrases.GREETING[order.tone].format(
            to=order.to or {"formal": "Sir or Madam", "friendly": "there", "plain": "all"}[order.tone]
        )
        tail = phrases.CLOSING[order.tone] + (f"\n{order.sender}" if order.sender else "")
        body = _to_length([opening, *required], more, order.length, len(words(head + " " + tail)))
        return f"{head}\n\n{' '.join(body)}\n\n{tail}"
    opening = phrases.TEXT_OPENING[order.kind][order.tone].format(topic=topic)
    title = topic[:1].upper() + topic[1:]
    body = _to_length([opening, *required], iter(phrases.MORE_OF_TEXT[order.tone]), order.length, len(words(title)))
    return f"{title}\n\n{' '.join(body)}"


def _to_length(required: list[str], more: Iterator[str], length: int, around: int) -> list[str]:
    """Add sentences while that brings the text nearer to the length; without a length two are added."""
    body = list(required)
    if not length:
        return [*body, *(one for one, _ in zip(more, range(2), strict=False))]
    number = around + sum(len(words(one)) for one in body)
    for sentence in more:
        size = len(words(sentence))
        if abs(number + size - length) < abs(number - length):
            body.append(sentence)
            number += size
    return body


def _sentence(order: Order, place: int, point: str) -> str:
    """A point as a sentence: as it stands when it is one, else in a sentence of ours."""
    if point[-1] in ".!?" or (VERB.search(point) and len(point.split()) > 3):
        return point[:1].upper() + point[1:] + ("" if point[-1] in ".!?" else ".")
    pool = phrases.STORY[order.tone] if order.kind == "story" else phrases.POINT[order.tone]
    return pool[place % len(pool)].format(p=point)


def _poem(order: Order) -> str:
    points = [one.rstrip(".!?") for one in order.points] or [order.topic or "this"]
    lines: list[str] = []
    wanted = order.length or 16 * len(points)
    for place, pair in enumerate(phrases.COUPLETS):
        if place >= len(points) and sum(len(words(one)) for one in lines) >= wanted - 6:
            break
        lines += [line.format(p=points[place % len(points)]) for line in pair]
    title = order.topic[:1].upper() + order.topic[1:]
    return (f"{title}\n\n" if title else "") + "\n".join(line[:1].upper() + line[1:] for line in lines)
