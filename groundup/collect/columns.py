"""One row of a table (JSON, CSV, Parquet) to one document: which column is the text, which are facts about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from groundup.collect.base import Found, Problem
from groundup.collect.formats.plain import MARKDOWN
from groundup.collect.formats.source_code import LANGUAGES
from groundup.collect.options import SourceOptions

# The usual names, the best first; an option names any other.
TEXT = ("text", "content", "body", "raw_content", "article", "document", "story", "markdown", "html")
LICENCE = ("licence", "license")
LANGUAGE = ("language", "lang")
DATE = ("date", "published", "created", "timestamp")
KEPT = ("title", "url", "author", "path", "repo", "source", "name", "id")  # into meta
_HTML = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)


class Columns:
    """The reading of one file's rows: finds the text column once and counts rows without text."""

    def __init__(self, path: str, options: SourceOptions) -> None:
        self.path = path
        self.wanted = options.text_column
        self.bad = 0
        self.first_bad = ""

    def text_column(self, names: Iterable[str]) -> str | None:
        """The column that holds the text, or None."""
        names = list(names)
        if self.wanted:
            return self.wanted if self.wanted in names else None
        return next((name for name in TEXT if name in names), None)

    def no_text(self, names: Iterable[str]) -> Problem:
        """The problem of a file whose columns hold no text that we know."""
        wanted = self.wanted or "/".join(TEXT[:4])
        shown = ", ".join(list(map(str, names))[:12])
        return Problem(self.path, "no_text_column", f"no column '{wanted}' among: {shown}; set text_column")

    def skip(self, number: int, reason: str) -> None:
        """Count a row that cannot be used."""
        self.bad += 1
        self.first_bad = self.first_bad or f"row {number}: {reason}"

    def problems(self) -> list[Problem]:
        """One line for all rows that were skipped."""
        if not self.bad:
            return []
        return [Problem(self.path, "bad_rows", f"{self.bad} rows skipped, the first at {self.first_bad}"[:300])]

    def found(self, row: Mapping[str, Any], column: str, number: int) -> Found | None:
        """The document of a row; None when it holds no text (and is counted)."""
        text = row.get(column)
        if not isinstance(text, str) or not text.strip():
            self.skip(number, f"'{column}' is empty" if not text else f"'{column}' is no text")
            return None
        meta = {name: row[name] for name in KEPT if name != column and row.get(name) not in (None, "")}
        kind, code = _kind(text, str(row.get("path") or row.get("file") or row.get("id") or ""), column, row)
        if code:
            meta["code"] = code
        return Found(
            text,
            part=str(number),
            kind=kind,
            licence=_first(row, LICENCE),
            language="" if kind == "code" else _language(_first(row, LANGUAGE)),
            date=_first(row, DATE)[:40],
            meta={name: value if isinstance(value, str | int | float) else str(value) for name, value in meta.items()},
        )


def _kind(text: str, path: str, column: str, row: Mapping[str, Any]) -> tuple[str, str]:
    """(kind, programming language) by the row's path, its lang column, or its first characters."""
    suffix = path[path.rfind(".") :].lower() if "." in path[-8:] else ""
    for name in (suffix, f".{row.get('lang', '')}"):
        if name in LANGUAGES and (name == suffix or suffix):
            return "code", LANGUAGES[name]
    if suffix in MARKDOWN or column == "markdown":
        return "markdown", ""
    if suffix in (".html", ".htm", ".xhtml") or column == "html" or _HTML.match(text):
        return "html", ""
    return "prose", ""


def _first(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(row[name]) for name in names if row.get(name)), "")


def _language(value: str) -> str:
    """'en', 'en-US', 'pt_BR' -> the two-letter code; anything else is not taken for a language."""
    match = re.fullmatch(r"([A-Za-z]{2})(?:[-_][A-Za-z]{2,4})?", value)
    return match.group(1).lower() if match else ""
