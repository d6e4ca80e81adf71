"""HTML to main text: the article without navigation, comments and cookie lines; lists, tables and code blocks kept.

Works on documents whose kind is "html", and on any whose first characters say so. Books (`meta.whole_page`, EPUB) keep
all their visible text. How the article is found: `main_text`.
"""

from __future__ import annotations

import re

from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.main_text import main_text
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped

_LOOKS_LIKE_HTML = re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b",
                              re.IGNORECASE | re.DOTALL)  # fmt: skip
_TAGS = re.compile(r"</?(?:p|div|br|li|ul|span|a|h[1-6]|td|tr)\b[^<>]{0,200}>", re.IGNORECASE)
TAGS_PER_1000 = 5  # tags in 1,000 characters from which a text is a piece of HTML. Taste


@STEPS.register("html")
class Html(Step):
    """Replaces a page by its main text; the document becomes prose, or Markdown where it holds code."""

    name = "html"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.main_content = options.html.main_content

    def apply(self, document: Document) -> Document | Dropped:
        kind = kind_of(document)
        if kind != "html" and not (kind == "prose" and looks_like_html(document.text)):
            return document
        found = main_text(document.text, self.main_content and not document.meta.get("whole_page"))
        if not found.text.strip():
            return self.drop(document, "no_text", "a page without visible text")
        kind = "markdown" if found.is_markdown else "prose"
        return document.with_text(found.text, meta={**document.meta, "kind": kind, "format": "html"})


def looks_like_html(text: str) -> bool:
    """A whole page, or a piece with many tags."""
    if "<" not in text:
        return False
    if _LOOKS_LIKE_HTML.match(text):
        return True
    head = text[:5000]
    return len(_TAGS.findall(head)) > max(3, TAGS_PER_1000 * len(head) / 1000)
