"""Examples from documents nobody annotated: pairs that their own structure holds.

    questions   a question that stands alone (FAQ) -> the text under it
    sections    a heading -> the beginning of its section
    abstracts   the beginning of a document -> its title; its body -> its abstract

These are derived, not written by people for this purpose: each says so in `meta["derived"]`, and nothing is invented,
every answer is a piece of the document. A heading is a weak question; what a model learns from it is to answer in the
document's style and from its subject.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from groundup.core.document import Document
from groundup.core.example import Example
from groundup.language.words import sentences

MIN_ANSWER = 40  # characters; a shorter one is a menu entry or a caption; taste
MAX_QUESTION = 200  # characters; a longer line with a question mark is prose; taste
ANSWER_SHARE = 0.5  # of the context may be the answer; taste
MARGIN = 16  # tokens for roles and ends of turns

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r"(=+|-+)\s*$")
_QUESTION_MARK = re.compile(
    r"^\s*(?:[-*\d.)]+\s*)?(?:\*\*)?(?:Q(?:uestion)?\s*\d*\s*[:.)]\s*)?(.*?\?)(?:\*\*)?\s*$", re.I
)
_ANSWER_MARK = re.compile(r"^\s*(?:\*\*)?A(?:nswer)?\s*\d*\s*[:.)]\s*(?:\*\*)?\s*", re.I)
_ABSTRACT = re.compile(r"^(abstract|summary|tl;?dr|in brief)\.?$", re.I)
_FENCE = re.compile(r"^\s*(```|~~~)")

Fits = Callable[[str], int]  # text -> its number of tokens


@dataclass(frozen=True)
class Section:
    """A heading and the text up to the next one. level 0: the text before the first heading."""

    level: int
    heading: str
    text: str


def sections_of(text: str) -> list[Section]:
    """The sections of a text with Markdown headings (# or underlined); fenced code is never a heading."""
    found: list[Section] = []
    level, heading, lines = 0, "", list[str]()
    inside_fence = False

    def close() -> None:
        body = "\n".join(lines).strip()
        if heading or body:
            found.append(Section(level, heading, body))
        lines.clear()

    for line in text.split("\n"):
        inside_fence ^= bool(_FENCE.match(line))
        match = None if inside_fence else _HEADING.match(line)
        underline = None if inside_fence or not lines else _UNDERLINE.match(line)
        alone = len(lines) < 2 or not lines[-2].strip()
        if match:
            close()
            level, heading = len(match.group(1)), match.group(2)
        elif underline and len(underline.group(1)) >= 3 and lines[-1].strip() and alone and len(lines[-1]) < 100:
            title = lines.pop().strip()
            close()
            level, heading = (1 if line.startswith("=") else 2), title
        else:
            lines.append(line)
    close()
    return found


def derive(kind: str, document: Document, context_length: int, count: Fits) -> Iterator[Example]:
    """The examples of one kind ("questions", "sections", "abstracts") in a document, each within the context.

    count: text -> number of tokens. An answer that is too long ends at the last sentence that fits; one that cannot
    be made to fit is left out.
    """
    makers = {"questions": _questions, "sections": _sections, "abstracts": _abstracts}
    seen = set()
    for example in makers[kind](document, context_length, count):
        key = (example.question or example.text, example.target)
        if key not in seen:
            seen.add(key)
            yield example


def _questions(document: Document, context_length: int, count: Fits) -> Iterator[Example]:
    room = int(context_length * ANSWER_SHARE)
    for section in sections_of(document.text):
        if section.heading.endswith("?"):
            yield from _answer(document, section.heading, section.text, "question", room, count)
        lines = section.text.split("\n")
        for number, line in enumerate(lines):
            match = _QUESTION_MARK.match(line)
            # One question on a line of its own; several on one line, or one inside a paragraph, is prose.
            if not match or len(match.group(1)) > MAX_QUESTION or match.group(1).count("?") != 1:
                continue
            if number > 0 and lines[number - 1].strip() and not line.lstrip().lower().startswith(("q", "**q")):
                continue
            below = _paragraph_below(lines, number + 1)
            yield from _answer(document, match.group(1), _ANSWER_MARK.sub("", below), "question", room, count)


def _sections(document: Document, context_length: int, count: Fits) -> Iterator[Example]:
    room = int(context_length * ANSWER_SHARE)
    sections = sections_of(document.text)
    title = next((section.heading for section in sections if section.level == 1), "")
    for section in sections:
        if section.level == 0 or section.heading.endswith("?") or _ABSTRACT.match(section.heading):
            continue
        if section.level == 1 or not title:
            question = f"What is there to say about {section.heading}?"
        else:
            question = f"{title}: what is there to say about {section.heading}?"
        yield from _answer(document, question, section.text, "section", room, count)


def _abstracts(document: Document, context_length: int, count: Fits) -> Iterator[Example]:
    sections = sections_of(document.text)
    title = str(document.meta.get("title") or next((one.heading for one in sections if one.level == 1), "")).strip()
    texts = [section.text for section in sections if section.text and not _ABSTRACT.match(section.heading)]
    body = "\n\n".join(texts)
    opening = cut(body.split("\n\n")[0].strip(), int(context_length * ANSWER_SHARE), count)
    if title and len(opening) >= MIN_ANSWER and count(title) + count(opening) + MARGIN <= context_length:
        yield _example(document, "title", opening, title)
    for section in sections:
        if _ABSTRACT.match(section.heading):
            abstract = cut(section.text, context_length // 3, count)
            shortened = cut(body, context_length - count(abstract) - 2 * MARGIN, count)
            if len(abstract) >= MIN_ANSWER and len(shortened) > len(abstract):
                yield _example(document, "abstract", shortened, abstract)


def _answer(document: Document, question: str, answer: str, how: str, room: int, count: Fits) -> Iterator[Example]:
    question = re.sub(r"[*_`]+", "", question).strip()
    answer = cut(answer.strip(), room, count)
    if len(answer) >= MIN_ANSWER and count(question) + MARGIN <= room:
        yield Example(
            "qa",
            document_id=document.id,
            question=question,
            target=answer,
            source=document.source,
            licence=document.licence,
            meta={"derived": how},
        )


def _example(document: Document, how: str, text: str, target: str) -> Example:
    return Example(
        "title" if how == "title" else "summarize",
        document_id=document.id,
        text=text,
        target=target,
        source=document.source,
        licence=document.licence,
        meta={"derived": how},
    )


def _paragraph_below(lines: list[str], start: int) -> str:
    """The next paragraph after empty lines, up to an empty line or the next question."""
    while start < len(lines) and not lines[start].strip():
        start += 1
    end = start
    while end < len(lines) and lines[end].strip() and not _QUESTION_MARK.match(lines[end]):
        end += 1
    return "\n".join(lines[start:end])


def cut(text: str, room: int, count: Fits) -> str:
    """The text up to the last sentence end within `room` tokens; "" when not even the first sentence fits."""
    if count(text[: 12 * room]) <= room and len(text) <= 12 * room:
        return text
    kept = 0
    for start, end in sentences(text[: 12 * room]):  # a token of more than 12 characters on average does not occur
        if count(text[:end]) > room:
            break
        kept = max(kept, end) if end > start else kept
    return text[:kept].rstrip()
