"""XML texts: TEI books and articles by their structure, any other XML as the text of its blocks.

Takes the title, language, licence and date from the TEI header; paragraphs, verse lines and headings of the body
become paragraphs; notes, page breaks and apparatus are left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, cast
from xml.etree import ElementTree

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.formats.plain import pieces, read_up_to
from groundup.collect.formats.wikipedia import read_dump
from groundup.collect.options import SourceOptions

HEAD = 4096  # bytes in which a dump of a wiki says what it is
BLOCKS = frozenset(("p", "l", "head", "title", "ab", "item", "speaker", "stage", "cell", "para", "abstract", "sp"))
SKIPPED = frozenset(("note", "teiHeader", "fw", "figDesc", "gap", "app"))


@register(".xml", ".tei")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One XML file as one text; a dump of a wiki as its articles."""
    head = opened.stream.read(HEAD)
    if b"<mediawiki" in head:
        yield from read_dump(head, opened, options)
        return
    whole = cast(BinaryIO, io.BytesIO(head + read_up_to(opened.stream, options.max_bytes + 1)))
    data, is_last = next(pieces(whole, options.max_bytes), (b"", True))
    if not is_last or data is None:
        yield Problem(opened.path, "too_large", f"XML longer than max_bytes = {options.max_bytes:,}")
        return
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        yield Problem(opened.path, "bad_xml", str(error))
        return
    lines: list[str] = []
    body = next((element for element in root.iter() if _name(element) == "text"), root)
    _collect(body, lines)
    yield Found("\n\n".join(lines), **_facts(root))


def _name(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def _collect(element: ElementTree.Element, lines: list[str]) -> None:
    name = _name(element)
    if name in SKIPPED or not name:
        return
    blocks_inside = name in BLOCKS and any(_name(child) in BLOCKS for child in element.iter() if child is not element)
    if (name in BLOCKS and not blocks_inside) or len(element) == 0:
        text = " ".join(_text(element).split())
        if text:
            lines.append(text)
        return
    if element.text and element.text.strip():
        lines.append(" ".join(element.text.split()))
    for child in element:
        _collect(child, lines)
        if child.tail and child.tail.strip():
            lines.append(" ".join(child.tail.split()))


def _text(element: ElementTree.Element) -> str:
    """All text of an element but that of skipped children."""
    parts = [element.text or ""]
    for child in element:
        if _name(child) not in SKIPPED:
            parts.append(_text(child))
            if _name(child) == "lb":
                parts.append(" ")
        parts.append(child.tail or "")
    return "".join(parts)


def _facts(root: ElementTree.Element) -> dict[str, Any]:
    header = next((element for element in root.iter() if _name(element) == "teiHeader"), None)
    language = root.get("{http://www.w3.org/XML/1998/namespace}lang", "")[:2]
    facts: dict[str, Any] = {"language": language if re.fullmatch("[a-z]{2}", language) else ""}
    if header is None:
        return facts
    meta = {}
    for name in ("title", "author"):
        element = next((item for item in header.iter() if _name(item) == name), None)
        if element is not None and (value := " ".join(_text(element).split())):
            meta[name] = value
    licence = next((item for item in header.iter() if _name(item) in ("licence", "license")), None)
    if licence is not None:
        facts["licence"] = licence.get("target") or " ".join(_text(licence).split())[:200]
    facts["meta"] = meta
    return facts
