"""Frames around documents: Project Gutenberg's header and licence, front matter, licence comments on top of code."""

from __future__ import annotations

import re

_START = re.compile(
    r"^.{0,10}\*\*\*\s?START OF (?:THE|THIS) PROJECT GUTENBERG[^\n]{0,200}(?:\n[^\n]{1,100})?\*\*\*[^\n]*\n"
    r"|^\*END\*?\s?THE SMALL PRINT![^\n]*\n",
    re.MULTILINE,
)
_END = re.compile(
    r"^.{0,10}\*\*\*\s?END OF (?:THE|THIS) PROJECT GUTENBERG|^End of (?:the )?Project Gutenberg(?:'s|\u2019s)?\b",
    re.MULTILINE | re.IGNORECASE,
)
_PRODUCED = re.compile(
    r"\A\s*(?:Produced by|This etext was prepared by|E-text prepared by)[^\n]*\n(?:[^\n]+\n)*", re.IGNORECASE
)
_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.{0,20000}?)\n\1[ \t]*(?:\n|\Z)", re.DOTALL)
_FACT = re.compile(r"^(title|date|author|lang|language|license|licence)\s*[:=]\s*(.+)$", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(
    r"\A(?P<first>\s*(?:#![^\n]*\n)?\s*)(?P<comment>/\*.{0,20000}?\*/[ \t]*\n?|(?:[ \t]*(?://|#(?!!)|--|;)[^\n]*\n)+)",
    re.DOTALL,
)
_LICENCE = re.compile(
    r"copyright|spdx-|all rights reserved|licen[cs]ed (?:under|to)|under the .{0,40}licen[cs]e|permission is hereby granted",
    re.IGNORECASE,
)


def without_gutenberg_frame(text: str) -> str:
    """The book between the START and END lines; a text without them stays as it is."""
    starts = list(_START.finditer(text[:60_000]))
    start = starts[-1] if starts else None  # old files have two: the last one counts
    begin = start.end() if start else 0
    end = _END.search(text, max(begin, len(text) // 2))
    body = text[begin : end.start() if end else len(text)].strip("\n")
    return _PRODUCED.sub("", body).strip("\n") if start else body


def without_front_matter(text: str) -> tuple[str, dict[str, str]]:
    """(the text below its front matter, its title, date, author ...). A title becomes the first heading."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return text, {}
    facts = {name.lower(): value.strip().strip("\"'") for name, value in _FACT.findall(match.group(2))}
    body = text[match.end() :].lstrip("\n")
    title = facts.get("title", "")
    if title and title not in ("|", ">", ">-", "|-") and not body.startswith("# "):
        body = f"# {title}\n\n{body}"
    return body, facts


def without_licence_comment(text: str) -> str:
    """Code without a first comment that is about copyright; a "#!" line stays."""
    match = _COMMENT.match(text)
    if match and _LICENCE.search(match.group("comment")):
        return (match.group("first").lstrip("\n") + text[match.end() :]).lstrip("\n")
    return text
