"""HTML and XHTML pages: kept as HTML, with title, language and description in `meta`; clean takes the main text out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.encoding import BinaryData, decode
from groundup.collect.formats.plain import pieces
from groundup.collect.options import SourceOptions

_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})", re.IGNORECASE)
_LANGUAGE = re.compile(r"<html[^>]{0,1000}?\blang=[\"']?([A-Za-z]{2})\b", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,300}charset=[\"']?([A-Za-z0-9_-]{3,30})", re.IGNORECASE)
_CANONICAL = re.compile(r"<link[^>]{0,200}rel=[\"']canonical[\"'][^>]{0,50}href=[\"']([^\"']{1,500})", re.IGNORECASE)


@register(".html", ".htm", ".xhtml")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One page."""
    data, is_last = next(pieces(opened.stream, options.max_bytes), (b"", True))
    if not is_last or data is None:
        yield Problem(opened.path, "too_large", f"a page longer than max_bytes = {options.max_bytes:,}")
        return
    try:
        text = _decode(data)
    except BinaryData as error:
        yield Problem(opened.path, "binary", f"not text: {error}")
        return
    yield Found(text, kind="html", **page_facts(text))


def page_facts(text: str) -> dict[str, Any]:
    """What a page says about itself: language, and title and address for `meta`."""
    head = text[:20_000]
    title, language, address = _TITLE.search(head), _LANGUAGE.search(head), _CANONICAL.search(head)
    meta = {}
    if title:
        meta["title"] = " ".join(html.unescape(title.group(1)).split())
    if address:
        meta["url"] = html.unescape(address.group(1))
    # The declared language is a claim: it is kept aside, and clean looks at the text itself.
    if language:
        meta["declared_language"] = language.group(1).lower()
    return {"meta": meta}


def _decode(data: bytes) -> str:
    """The page's own charset decides where the bytes are not UTF-8."""
    declared = _CHARSET.search(data[:4096])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if declared:
        name = declared.group(1).decode("ascii").lower()
        # Browsers read iso-8859-1 and ascii as Windows-1252 (WHATWG Encoding Standard)
        name = "cp1252" if name in ("iso-8859-1", "latin1", "latin-1", "ascii", "us-ascii") else name
        try:
            if name not in ("utf-8", "utf8"):
                return data.decode(name, "replace")
        except LookupError:
            pass
    return decode(data)[0]
