"""PDF files: the text of all pages by pypdfium2 (extra "data"); scanned pages hold no text and are reported."""

from __future__ import annotations

import re
from collections.abc import Iterator

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.options import SourceOptions
from groundup.core.errors import MissingExtra

# PDFium marks a hyphen at a line end with U+FFFE or U+0002; other files keep the "-" itself.
_LINE_HYPHEN = re.compile(r"(?:[\ufffe\x02]|(?<=[a-z])-)\r?\n(?=[a-z])")
_LINE_END = re.compile(r"(?<![.!?:;\n])\r?\n(?=[a-z(])")


@register(".pdf")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One PDF as one text, pages apart by empty lines."""
    try:
        import pypdfium2
    except ImportError:
        yield Problem(opened.path, "needs_extra", str(MissingExtra("pypdfium2", "data", "Reading PDF")))
        return
    data = opened.stream.read(options.max_bytes + 1)
    if len(data) > options.max_bytes:
        yield Problem(opened.path, "too_large", f"longer than max_bytes = {options.max_bytes:,}")
        return
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        yield Problem(opened.path, "bad_pdf", str(error))
        return
    try:
        pages = []
        for page in document:
            text_page = page.get_textpage()
            pages.append(_joined(text_page.get_text_bounded()))
            text_page.close()
            page.close()
        facts = document.get_metadata_dict(skip_empty=True)
    finally:
        document.close()
    text = "\n\n".join(page for page in pages if page)
    if not text.strip():
        yield Problem(opened.path, "no_text", f"{len(pages)} pages without text (a scan?)")
        return
    meta = {"title": facts["Title"]} if facts.get("Title") else {}
    date = re.match(r"D:(\d{4})(\d{2})(\d{2})", facts.get("CreationDate", ""))
    yield Found(text, date="-".join(date.groups()) if date else "", meta={**meta, "pages": len(pages)})


def _joined(page: str) -> str:
    """Words cut at line ends are put together, lines that go on in lower case are joined."""
    return _LINE_END.sub(" ", _LINE_HYPHEN.sub("", page)).replace("\r\n", "\n").strip()
