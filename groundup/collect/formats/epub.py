"""EPUB books: the chapters in reading order (the OPF file's spine), joined to one HTML document.

Structure: META-INF/container.xml names the package file (OPF); its manifest names the files, its spine their order.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.options import SourceOptions
from groundup.collect.packing import seekable

_BODY = re.compile(r"<body[^>]*>(.*?)</body>", re.IGNORECASE | re.DOTALL)
CONTAINER = "META-INF/container.xml"


@register(".epub")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One book as one document of kind "html"; `meta.whole_page` says that nothing in it is navigation."""
    try:
        with zipfile.ZipFile(seekable(opened.stream)) as archive:
            if sum(member.file_size for member in archive.infolist() if _is_text(member.filename)) > options.max_bytes:
                yield Problem(opened.path, "too_large", f"its text is longer than max_bytes = {options.max_bytes:,}")
                return
            package_path = _package_path(archive)
            package = ElementTree.fromstring(archive.read(package_path))
            bodies = [_body(archive.read(name)) for name in _spine(package, package_path, set(archive.namelist()))]
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, StopIteration, RuntimeError) as error:
        yield Problem(opened.path, "bad_epub", f"{type(error).__name__}: {error}"[:300])
        return
    values = {element.tag.rsplit("}", 1)[-1]: element.text or "" for element in reversed(list(package.iter()))}
    meta = {name: values[key] for name, key in (("title", "title"), ("author", "creator")) if values.get(key)}
    text = "<html><body>\n" + "\n".join(bodies) + "\n</body></html>"
    language = values.get("language", "")[:2].lower()
    yield Found(
        text if any(bodies) else "",
        kind="html",
        licence=values.get("rights", "")[:200],
        language=language if len(language) == 2 else "",
        date=values.get("date", "")[:10],
        meta={**meta, "whole_page": True},
    )


def _is_text(name: str) -> bool:
    return name.lower().endswith((".xhtml", ".html", ".htm", ".xml", ".opf"))


def _package_path(archive: zipfile.ZipFile) -> str:
    container = ElementTree.fromstring(archive.read(CONTAINER))
    return next(element.get("full-path", "") for element in container.iter() if element.tag.endswith("rootfile"))


def _spine(package: ElementTree.Element, package_path: str, names: set[str]) -> list[str]:
    """Archive names of the chapters in reading order."""
    folder = posixpath.dirname(package_path)
    files = {item.get("id"): item.get("href", "") for item in package.iter() if item.tag.endswith("}item")}
    order = [files.get(item.get("idref"), "") for item in package.iter() if item.tag.endswith("}itemref")]
    paths = [posixpath.normpath(posixpath.join(folder, unquote(href))) for href in order if href]
    return [path for path in paths if path in names]


def _body(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    match = _BODY.search(text)
    return match.group(1) if match else text
