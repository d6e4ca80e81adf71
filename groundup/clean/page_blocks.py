"""A page as a row of blocks: every piece of text between block borders, with its tag, its links and the boxes it lies in.

In: HTML. Out: `Page`: blocks in reading order, and for each box (div, p, li ...) its parent and the blocks inside it.
One walk over the tree of libxml2. Tables of data become rows of Markdown, <pre> keeps its lines. What a reader does
not see is left out: scripts, buttons, hidden elements; with `only_main` also <nav>, <footer>, <header>, captions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


INVISIBLE = _names(
    "script style noscript template svg iframe button select input textarea dialog object embed canvas audio video map "
    "datalist option link meta title progress meter source track picture img head"
)
FRAME = _names("nav footer header figcaption label")  # seen, but not the article
HEADINGS = _names("h1 h2 h3 h4 h5 h6")
BOXES = HEADINGS | _names(
    "html body div p section article main header aside blockquote ul ol li dl dt dd table caption thead tbody tfoot tr "
    "td th pre address figure hr center details summary fieldset legend hgroup nav footer form"
)
ROLES = _names("navigation banner contentinfo complementary search menu dialog alert")
# What sites call the parts that are not the article, as whole words of class and id; the last line inside words too
_SIDE = re.compile(
    r"""(?:^|[\s_-])(?:comments?|comment-?list|disqus\w*|respond|captions?|newsletters?|promos?|subscri\w*|popular|trending
    |bylines?|tags|breadcrumbs?|cookies?|consent|gdpr|nav|navigation|navbar|menu|footer|sidebar|share|sharing|social\w*
    |related|recommend\w*|advert\w*|ads?|sponsor\w*|author-?(?:bio|info|box)|meta|pagination|pager|login|signup|skip|widget
    |timestamp|copyright|banner|toolbar|outbrain|taboola|credit|read-?more|more-?from|teaser|popup|modal)(?:$|[\s_-])
    |comment-|newsletter|promo|breadcrumb|caption""",
    re.IGNORECASE | re.VERBOSE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CODE = re.compile(r"(?:lang|language|highlight)-(?:source-)?([a-z+#]{1,15})", re.IGNORECASE)
STYLED = frozenset(
    ("a", "span", "em", "i", "b", "strong", "small", "font")
)  # inline elements with classes of their own
MAX_CELL = 300  # characters; a longer cell holds an article: the table is a layout. Taste


@dataclass(slots=True)
class Block:
    """One piece of text. links: how many of its characters lie in links; box: the number of the box around it."""

    text: str
    links: int
    tag: str
    box: int


@dataclass
class Page:
    """Blocks, and the boxes by number: parent (-1: none), first block, block behind the last, tag, is it side matter."""

    blocks: list[Block] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    tag: list[str] = field(default_factory=list)
    is_side: list[bool] = field(default_factory=list)


def read_page(html: str, only_main: bool = True) -> Page:
    """The blocks of a page; a page without any text has none."""
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.ParserError:  # no element at all
        return Page()
    body = None if root is None else root.find("body")
    walk = _Walk(INVISIBLE | FRAME if only_main else INVISIBLE)
    if root is not None:
        walk.visit(root if body is None else body, -1, False)
        walk.flush(0)
    return walk.page


class _Walk:
    """The walk over the tree. `pieces` and `links`: the block being read; `name`: the tag it counts for."""

    def __init__(self, skipped: frozenset[str]) -> None:
        self.page = Page()
        self.skipped = skipped
        self.pieces: list[str] = []
        self.links = 0
        self.name = "body"

    def flush(self, box: int) -> None:
        """End the block being read."""
        if self.pieces:
            text = " ".join("".join(self.pieces).split())
            if text:
                self.page.blocks.append(Block(text, self.links, self.name, box))
            self.pieces.clear()
            self.links = 0

    def visit(self, element: Any, box: int, in_link: bool) -> None:
        """Read one element; `box` is the number of the nearest box around it."""
        tag = element.tag
        if tag in self.skipped or tag.__class__ is not str:
            return
        if tag in BOXES:
            self._visit_box(element, tag, box, in_link)
            return
        if tag == "br":
            self.pieces.append(" ")
            return
        if tag in STYLED:
            if element.attrib and _is_left_out(element):
                return
            in_link = in_link or tag == "a"
        self._visit_inside(element, box, in_link)

    def _visit_box(self, element: Any, tag: str, box: int, in_link: bool) -> None:
        page = self.page
        is_side = tag == "aside"
        if element.attrib:
            if _is_hidden(element):
                return
            is_side = is_side or _is_named_side(element)
        self.flush(box)
        number = len(page.parent)
        page.parent.append(box)
        page.start.append(len(page.blocks))
        page.end.append(0)
        page.tag.append(tag)
        page.is_side.append(is_side)
        self.name = tag
        if tag == "pre":
            self._add_code(element, number)
        elif tag != "table" or not self._add_table(element, number):
            self._visit_inside(element, number, in_link)
            self.flush(number)
        page.end[number] = len(page.blocks)
        self.name = page.tag[box] if box >= 0 else "body"

    def _visit_inside(self, element: Any, box: int, in_link: bool) -> None:
        text = element.text
        if text:
            self.pieces.append(text)
            if in_link:
                self.links += len(text)
        for child in element:
            self.visit(child, box, in_link)
            text = child.tail
            if text:
                self.pieces.append(text)
                if in_link:
                    self.links += len(text)

    def _add_code(self, element: Any, number: int) -> None:
        code = "".join(element.itertext()).strip("\n").rstrip()
        if code.strip():
            inner = element.find("code")
            names = f"{element.get('class', '')} {'' if inner is None else inner.get('class', '')}"
            language = _CODE.search(names)
            fence = f"```{language.group(1).lower() if language else ''}\n{code}\n```"
            self.page.blocks.append(Block(fence, 0, "pre", number))

    def _add_table(self, element: Any, number: int) -> bool:
        """Add a table of data as one block; False for a layout made of a table."""
        rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in element.iter("tr")]
        rows = [row for row in rows if row]
        is_layout = element.find(".//table") is not None or element.find(".//pre") is not None
        if is_layout or len(rows) < 2 or max(map(len, rows)) < 2:
            return False
        cells = [[" ".join("".join(cell.itertext()).split()).replace("|", "\\|") for cell in row] for row in rows]
        if any(len(cell) > MAX_CELL for row in cells for cell in row) or not any(map(any, cells)):
            return False
        lines = [f"| {' | '.join(row)} |" for row in cells]
        if all(cell.tag == "th" for cell in rows[0]):
            lines.insert(1, "|" + " --- |" * len(rows[0]))
        links = sum(len("".join(link.itertext())) for link in element.iter("a"))
        self.page.blocks.append(Block("\n".join(lines), links, "table", number))
        return True


def _is_hidden(element: Any) -> bool:
    get = element.get
    style = get("style")
    return (
        (style is not None and _HIDDEN.search(style) is not None)
        or get("hidden") is not None
        or get("aria-hidden") == "true"
    )


def _is_named_side(element: Any) -> bool:
    get = element.get
    names, identity = get("class"), get("id")
    if (names and _names_side(names)) or (identity and _names_side(identity)):
        return True
    return get("role") in ROLES


def _is_left_out(element: Any) -> bool:
    names, style = element.get("class"), element.get("style")
    return bool((names and _names_side(names)) or (style and _HIDDEN.search(style)))


@lru_cache(maxsize=4096)  # a page repeats its classes
def _names_side(names: str) -> bool:
    return _SIDE.search(names) is not None
