"""Places beyond this machine's folders: Hugging Face data sets and every address that fsspec knows.

    from = "hf:owner/name"             a data set of the hub (its card's licence holds for its rows)
    from = "s3://bucket/folder"        s3, gs, az, sftp, memory, file ...: what fsspec and its plugins offer

Files are listed, sorted by name and read as streams, as files of a folder are; nothing is copied to disk first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from groundup.collect.base import Found, Opened, Problem
from groundup.collect.files import is_wanted, read_opened, to_document
from groundup.collect.formats import load
from groundup.collect.options import HUB, SourceOptions
from groundup.core.document import Document
from groundup.core.errors import DataError, MissingExtra

# Of a data set's own files, those that tell about it and are no rows
_ABOUT = ("readme.md", ".gitattributes", "dataset_infos.json", "license", "licence", "license.md", "license.txt")
_FRONT = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
_LICENCE = re.compile(r"^licen[cs]e:\s*\[?['\"]?([A-Za-z0-9.+-]+)", re.MULTILINE)


def documents_of_remote(name: str, options: SourceOptions) -> Iterator[Document | Problem]:
    """The documents under the address `options.from_`. Raises DataError for a place that cannot be reached."""
    load()
    files, root = _file_system(name, options.from_)
    is_hub = options.from_.startswith((HUB, "hf://datasets/"))
    try:
        paths = [root] if files.isfile(root) else sorted(files.find(root))
    except Exception as error:  # each service has errors of its own
        raise _unreachable(name, options.from_, error) from None
    if not paths:
        raise DataError(f"[collect.{name}]: no file at {options.from_}.", repair="Look at the address and your access.")
    licence = _card_licence(files, root) if is_hub else ""
    done = 0
    for full in paths:
        path = full.removeprefix(root).lstrip("/") or full.rsplit("/", 1)[-1]
        if not is_wanted(path, options) or (is_hub and path.lower() in _ABOUT):
            continue
        for item in _read(files, full, path, options):
            if isinstance(item, Problem):
                yield item
                continue
            document = to_document(name, item[0], item[1], options)
            if licence and not item[1].licence:
                document = document.with_text(document.text, licence=licence)
            yield document
            done += 1
            if options.count is not None and done >= options.count:
                return


def address_of(place: str) -> str:
    """The fsspec address of a place: "hf:owner/name" is a data set of the hub."""
    if place.startswith(HUB) and not place.startswith("hf://"):
        return f"hf://datasets/{place.removeprefix(HUB)}"
    return place


def card_licence(card: str) -> str:
    """The licence in the front matter of a data set's card, as the hub spells it; empty where it says none."""
    front = _FRONT.match(card)
    found = _LICENCE.search(front.group(1)) if front else None
    return found.group(1) if found and found.group(1).lower() not in ("other", "unknown") else ""


def _file_system(name: str, place: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise MissingExtra("fsspec", "hub", f"[collect.{name}] {place}") from None
    try:
        files, root = url_to_fs(address_of(place))
    except ImportError as error:  # fsspec says which library its plugin needs
        library = getattr(error, "name", None) or "a plugin of fsspec"
        raise DataError(
            f"[collect.{name}]: {place} needs {library}: {error}.",
            repair="Install it: pip install 'groundup[hub]' s3fs gcsfs",
        ) from None
    except Exception as error:
        raise _unreachable(name, place, error) from None
    return files, str(root).rstrip("/")


def _unreachable(name: str, place: str, error: Exception) -> DataError:
    return DataError(
        f"[collect.{name}]: {place} cannot be read: {type(error).__name__}: {error}"[:500],
        repair="Look at the address, the network and your access to it.",
    )


def _read(files: Any, full: str, path: str, options: SourceOptions) -> Iterator[tuple[str, Found] | Problem]:
    try:
        with files.open(full, "rb") as stream:
            size = getattr(stream, "size", None)
            if size == 0:
                yield Problem(path, "empty", "no bytes")
                return
            yield from read_opened(Opened(path, path.rsplit("/", 1)[-1], cast(BinaryIO, stream), size), options)
    except Exception as error:  # a file that went away, a line that broke: one problem, not the end
        yield Problem(path, "unreadable", f"{type(error).__name__}: {error}"[:300])


def _card_licence(files: Any, root: str) -> str:
    try:
        with files.open(f"{root}/README.md", "rb") as stream:
            return card_licence(stream.read(20_000).decode("utf-8", "replace"))
    except Exception:  # a data set without a card states no licence
        return ""
