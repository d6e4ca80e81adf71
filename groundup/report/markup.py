"""Tags that escape what they hold: `tag("p", "1 < 2")` is ``<p>1 &lt; 2</p>``; only `Html` passes unchanged.

A report shows raw documents, which may hold markup of their own. Text is `str`, finished markup is `Html`, and
there is no third thing, so that a document can never write into the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

VOID = {"meta", "br", "line", "rect", "circle", "path", "polyline"}


class Html(str):
    """Finished markup."""


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """One element. Children: Html, text (escaped), None (skipped) or lists of these. `class_` -> class, `a_b` -> a-b."""
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(key if value is True else f'{key}="{html.escape(str(value))}"')
    opening = " ".join(parts)
    if name in VOID and not children:
        return Html(f"<{opening}/>")
    return Html(f"<{opening}>{join(children)}</{name}>")


def join(children: Iterable[Any]) -> Html:
    """Children one after the other."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(html.escape(child, quote=False))
        elif isinstance(child, Iterable):
            parts.append(join(child))
        else:
            parts.append(html.escape(str(child), quote=False))
    return Html("".join(parts))


def table(head: list[str], rows: list[list[Any]], *, numbers: tuple[int, ...] = ()) -> Html:
    """A table that scrolls sideways on a phone; columns in `numbers` are set right, in even figures."""

    def cell(name: str, index: int, value: Any) -> Html:
        return tag(name, value, class_="number" if index in numbers else None)

    header = tag("tr", [cell("th", index, text) for index, text in enumerate(head)])
    body = [tag("tr", [cell("td", index, value) for index, value in enumerate(row)]) for row in rows]
    return tag("div", tag("table", tag("thead", header), tag("tbody", body)), class_="scroll", tabindex="0")


def number(value: float | int | None) -> str:
    """A number as a person writes it: 40,000; 0.72; 1.25 M."""
    if value is None:
        return "-"
    if abs(value) >= 1_000_000:
        return f"{value / 1_000_000:,.2f} M"
    if float(value).is_integer() and abs(value) >= 1:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a space, with three dots where something was cut."""
    if len(text) <= limit:
        return text
    cut = text[:limit].rsplit(" ", 1)[0] or text[:limit]
    return cut + " ..."


def tidy(text: str) -> str:
    """Chat markers as a reader sees a talk: a new line with who speaks."""
    text = re.sub(r"<\|(user|assistant|system)\|>", r"\n\1: ", text)
    return re.sub(r"<\|[a-z_0-9]+\|>", " ", text)
