"""Word documents (.docx): paragraphs, headings and table rows of word/document.xml; the standard library only."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.options import SourceOptions
from groundup.collect.packing import seekable

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"(?i)heading\s?([1-6])$|title$")


@register(".docx")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One document; headings as Markdown headings, table cells apart by " | "."""
    try:
        with zipfile.ZipFile(seekable(opened.stream)) as archive:
            if archive.getinfo("word/document.xml").file_size > options.max_bytes:
                yield Problem(opened.path, "too_large", f"its text is longer than max_bytes = {options.max_bytes:,}")
                return
            body = ElementTree.fromstring(archive.read("word/document.xml")).find(f"{W}body")
            title = _title(archive)
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, RuntimeError) as error:
        yield Problem(opened.path, "bad_docx", f"{type(error).__name__}: {error}"[:300])
        return
    blocks: list[str] = []
    for element in body if body is not None else ():
        if element.tag == f"{W}p":
            blocks.append(_paragraph(element))
        elif element.tag == f"{W}tbl":
            rows = [[_text(cell) for cell in row.iter(f"{W}tc")] for row in element.iter(f"{W}tr")]
            blocks.append("\n".join(" | ".join(cells) for cells in rows))
    text = "\n\n".join(block for block in blocks if block.strip())
    yield Found(text, kind="prose", meta={"title": title} if title else {})


def _title(archive: zipfile.ZipFile) -> str:
    try:
        properties = ElementTree.fromstring(archive.read("docProps/core.xml"))
    except (KeyError, ElementTree.ParseError):
        return ""
    return next((item.text or "" for item in properties.iter() if item.tag.endswith("}title")), "")


def _paragraph(element: ElementTree.Element) -> str:
    text = _text(element)
    style = element.find(f"{W}pPr/{W}pStyle")
    match = _HEADING.search(style.get(f"{W}val", "")) if style is not None else None
    return f"{'#' * int(match.group(1) or 1)} {text}" if match and text.strip() else text


def _text(element: ElementTree.Element) -> str:
    parts = []
    for item in element.iter():
        if item.tag == f"{W}t":
            parts.append(item.text or "")
        elif item.tag == f"{W}tab":
            parts.append("\t")
        elif item.tag in (f"{W}br", f"{W}cr"):
            parts.append("\n")
    return "".join(parts)
