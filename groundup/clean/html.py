"""HTML to main text: comments and side matter cut out of the tree, then resiliparse; paragraphs, lists, tables, code kept.

Works on documents whose kind is "html", and on any whose first characters say so. Books (`meta.whole_page`, EPUB)
and pages where the main text would be nearly nothing keep all their visible text.
"""

from __future__ import annotations

import re
from typing import Any

from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped

_LOOKS_LIKE_HTML = re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b",
                              re.IGNORECASE | re.DOTALL)  # fmt: skip
_TAGS = re.compile(r"</?(?:p|div|br|li|ul|span|a|h[1-6]|td|tr)\b[^<>]{0,200}>", re.IGNORECASE)
# Asked at 1000 characters, all visible text came back for pages with long menus: 0.907 instead of 0.931 (below)
MISSED_CHARACTERS = 150
MIN_MAIN_SHARE = 0.08  # of all visible text; below it the main text was probably missed. Taste
MAX_SIDE_SHARE = 0.4  # of the page's text; a larger part is the page, whatever its class says. Taste
# What sites call the parts that are not the article, beyond what resiliparse knows. Token F1 on 62 news pages: 0.873
# without, 0.919 with the comments, 0.928 with captions too, 0.931 with all; on 30 Readability pages 0.964 -> 0.960.
# Tried and lost: "sidebar", "widget", aside (0.868: they hold articles), "related", "share", "social" (no gain).
SIDE_MATTER = """#comments, .comments, .comment-list, .commentlist, #disqus_thread, .comments-area, #respond,
.comment-respond, [id^="comment"], [class^="comment"], [class*=" comment"], figcaption, [class*="caption"],
[class*="newsletter"], [class*="promo"], [class*="subscribe"], [class*="popular"], [class*="trending"],
[class*="byline"], [class*="tags"], [class*="breadcrumb"]""".replace("\n", " ")
TAGS_PER_1000 = 5  # tags in 1,000 characters from which a text is a piece of HTML. Taste


@STEPS.register("html")
class Html(Step):
    """Replaces a page by its main text; the document becomes prose."""

    name = "html"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.main_content = options.html.main_content

    def apply(self, document: Document) -> Document | Dropped:
        kind = kind_of(document)
        if kind != "html" and not (kind == "prose" and looks_like_html(document.text)):
            return document
        text = main_text(document.text, self.main_content and not document.meta.get("whole_page"))
        if not text.strip():
            return self.drop(document, "no_text", "a page without visible text")
        return document.with_text(text, meta={**document.meta, "kind": "prose", "format": "html"})


def looks_like_html(text: str) -> bool:
    """A whole page, or a piece with many tags."""
    if "<" not in text:
        return False
    if _LOOKS_LIKE_HTML.match(text):
        return True
    head = text[:5000]
    return len(_TAGS.findall(head)) > max(3, TAGS_PER_1000 * len(head) / 1000)


def main_text(page: str, main_content: bool = True) -> str:
    """The text of a page as plain text with line breaks where the page has blocks."""
    from resiliparse.extract.html2text import extract_plain_text

    def extract(given: Any, only_main: bool) -> str:
        found = extract_plain_text(
            given, preserve_formatting=True, main_content=only_main, alt_texts=False, noscript=False
        )
        return str(found)

    if not main_content:
        return extract(page, False)
    text = extract(_without_side_matter(page), True)
    if len(text) < MISSED_CHARACTERS:  # is it short, or was it missed?
        everything = extract(page, False)
        if len(text) < MIN_MAIN_SHARE * len(everything):
            return everything
    return text


def _without_side_matter(page: str) -> Any:
    """The page's tree without comments, captions and the like; what holds much of the page's text is never taken out."""
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(page)
    body = tree.body
    if body is None:
        return tree
    limit = MAX_SIDE_SHARE * len(body.text or "")
    for node in body.query_selector_all(SIDE_MATTER):
        if node.tag not in ("html", "body", "main", "article") and len(node.text or "") < limit:
            node.decompose()
    return tree
