"""Wikitext to Markdown: headings, paragraphs, lists and link texts; templates, tables, references and files are left out.

Not a full parser (only MediaWiki itself is one): brackets are matched from the inside out, everything else by rules, in
linear time. What cannot be expanded without the wiki (templates) is lost, as in other plain-text dumps.
"""

from __future__ import annotations

import html
import re

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_WITH_CONTENT = re.compile(
    r"<(ref|math|gallery|timeline|score|syntaxhighlight|source|imagemap|templatestyles|table|noinclude)\b[^<>/]*"
    r"(?:/>|>.*?(?:</\1\s*>|\Z))",
    re.DOTALL | re.IGNORECASE,
)
_SINGLE = re.compile(r"<(?:ref|references|templatestyles|section)\b[^<>]*/>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_BREAK = re.compile(r"<(?:br|p)\b[^<>]*>", re.IGNORECASE)
_BRACES = re.compile(r"\{\{|\}\}|\{\||\|\}(?!\})")
_LINK = re.compile(r"\[\[([^\[\]]*)\]\]")
_OUTSIDE = re.compile(r"\[(?:https?:)?//[^\s\[\]]+\s*([^\[\]]*)\]")
_EMPHASIS = re.compile(r"'{2,5}")
_HEADING = re.compile(r"^(={1,6})[ \t]*(.+?)[ \t]*\1[ \t]*$", re.MULTILINE)
_SWITCH = re.compile(r"__[A-Z]{3,20}__")
_LIST = re.compile(r"^([*#:;]+)\s*", re.MULTILINE)
_EMPTY_BRACKETS = re.compile(r"\s*\([\s,;]*\)")
_SPACES = re.compile(r"[ \t]{2,}")
_EMPTY_LINES = re.compile(r"\n{3,}")
# Sections that hold lists of links and notes, in the languages with the largest wikis
_TAIL = re.compile(
    r"^## (?:References|External links|See also|Notes|Further reading|Bibliography|Sources|Footnotes|Einzelnachweise|Weblinks"
    r"|Literatur|Siehe auch|Notes et r\u00e9f\u00e9rences|Liens externes|Voir aussi|Referencias|Enlaces externos"
    r"|V\u00e9ase tambi\u00e9n|Note|Collegamenti esterni|Altri progetti)\s*\n(?:(?!^## ).*\n?)*",
    re.MULTILINE,
)


def plain_text(wikitext: str) -> str:
    """The article as Markdown; empty for a page of templates only."""
    text = _COMMENT.sub("", wikitext)
    text = _SINGLE.sub("", text)
    text = _WITH_CONTENT.sub("", text)
    text = _without_braces(text)
    text = _BREAK.sub("\n", text)
    text = _TAG.sub("", text)
    for _ in range(4):  # links in the captions of files, from the inside out
        text, count = _LINK.subn(_link_text, text)
        if not count:
            break
    text = _OUTSIDE.sub(r"\1", text)
    text = _SWITCH.sub("", _EMPHASIS.sub("", text))
    text = _LIST.sub(lambda match: "" if set(match.group(1)) <= {":", ";"} else "- ", text)
    text = _HEADING.sub(lambda match: f"{'#' * len(match.group(1))} {match.group(2)}\n", text)
    text = html.unescape(html.unescape(text))  # &amp;nbsp; is written twice coded in dumps
    text = _EMPTY_BRACKETS.sub("", text.replace("\xa0", " "))
    text = "\n".join(line.rstrip() for line in _SPACES.sub(" ", text).split("\n"))
    return _EMPTY_LINES.sub("\n\n", _TAIL.sub("", text)).strip()


def _without_braces(text: str) -> str:
    """Without {{templates}} and {|tables|}, however deep; one that is never closed ends at the next empty line."""
    kept: list[str] = []
    depth, begin, opened_at = 0, 0, 0
    for match in _BRACES.finditer(text):
        if match.group()[0] == "{":
            if depth == 0:
                kept.append(text[begin : match.start()])
                opened_at = match.start()
            depth += 1
        elif depth:
            depth -= 1
            begin = match.end()
    if depth == 0:
        kept.append(text[begin:])
    else:
        end = text.find("\n\n", opened_at)
        kept.append(text[end:] if end >= 0 else "")
    return "".join(kept)


def _link_text(match: re.Match[str]) -> str:
    target, _, shown = match.group(1).partition("|")
    space = target.split(":", 1)[0].strip().lower() if ":" in target else ""
    if space and not target.startswith(":") and (shown.count("|") or len(space) < 4 or space in _SPACES_OF_FILES):
        return ""
    return shown.rsplit("|", 1)[-1] if shown else target.lstrip(":")


_SPACES_OF_FILES = frozenset(
    ("file", "image", "category", "datei", "bild", "kategorie", "fichier", "cat\u00e9gorie", "archivo", "imagen",
     "categor\u00eda", "categoria", "ficheiro", "media", "immagine", "template", "wikipedia", "portal", "help")
)  # fmt: skip
