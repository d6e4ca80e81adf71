"""MediaWiki dumps (``*-pages-articles.xml.bz2``): one document an article, streamed, in Markdown.

Schema: https://www.mediawiki.org/xml/export-0.11.xsd. Redirects and pages outside the article space are passed over and
counted. A dump that is cut off or damaged keeps the articles before the damage. Memory: one page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from groundup.collect.base import Found, Opened, Problem
from groundup.collect.options import SourceOptions
from groundup.collect.wikitext import plain_text

CHUNK = 1 << 18
LICENCE = "CC-BY-SA-4.0"  # Wikipedia's since June 2023; a source's own `licence` for wikis under another
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def read_dump(head: bytes, opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """The articles of a dump. head: what was read of it to recognise it. `part` is the page's number in its wiki."""
    passed: Counter[str] = Counter()
    site = {"language": "", "base": ""}
    try:
        for page in _pages(head, opened.stream, site):
            item = _article(page, site, options)
            if isinstance(item, Found):
                yield item
            else:
                passed[item] += 1
    except ElementTree.ParseError as error:
        yield Problem(opened.path, "bad_xml", f"what came before is kept ({error})")
    if passed:
        listed = ", ".join(f"{count} {kind}" for kind, count in passed.most_common())
        yield Problem(opened.path, "passed_over", f"pages that are no article: {listed}")


def _pages(head: bytes, stream: BinaryIO, site: dict[str, str]) -> Iterator[ElementTree.Element]:
    """Every <page>, forgotten when the next one is asked for; `site` is filled from the head of the dump."""
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    root: ElementTree.Element | None = None
    data = head
    while data:
        parser.feed(data)
        for event, element in parser.read_events():
            name = element.tag.rsplit("}", 1)[-1]
            if event == "start":
                if root is None:
                    root = element
                    site["language"] = element.get(LANGUAGE, "")[:2]
            elif name == "base":
                parts = urlsplit(element.text or "")
                site["base"] = f"{parts.scheme}://{parts.netloc}/wiki/" if parts.netloc else ""
            elif name == "page":
                yield element
                assert root is not None
                root.clear()
        data = stream.read(CHUNK)
    parser.close()


def _article(page: ElementTree.Element, site: dict[str, str], options: SourceOptions) -> Found | str:
    """The article of a page, or what the page is instead."""
    values = {element.tag.rsplit("}", 1)[-1]: element for element in reversed(list(page.iter()))}
    if "redirect" in values:
        return "redirects"
    if (values["ns"].text if "ns" in values else "0") != "0":
        return "outside the article space"
    body = values["text"].text if "text" in values else None
    if body is None:
        return "without text"
    if len(body) > options.max_bytes:
        return "longer than max_bytes"
    if body.lstrip()[:9].lower() == "#redirect":
        return "redirects"
    text = plain_text(body)
    if not text:
        return "without text"
    title = values["title"].text or "" if "title" in values else ""
    meta = {"title": title}
    if site["base"]:
        meta["url"] = site["base"] + quote(title.replace(" ", "_"))
    return Found(
        f"# {title}\n\n{text}" if title else text,
        part=(values["id"].text or title) if "id" in values else title,
        kind="markdown",
        licence=options.licence or LICENCE,
        language=site["language"],
        date=(values["timestamp"].text or "")[:10] if "timestamp" in values else "",
        meta=meta,
    )
