"""Git repositories: ``from = "git:PATH"`` or ``"git:https://host/owner/name"``; the files of one commit, with licences.

What `git archive` gives is read: tracked files only, of HEAD or of the commit behind "@". An address is cloned without
history into a temporary folder. Each file's licence is the one it states itself, else that of the nearest LICENSE above.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from groundup.collect.base import Found, Opened, Problem
from groundup.collect.files import is_wanted, read_opened, to_document
from groundup.collect.formats import load
from groundup.collect.licences import is_licence_file, licence_of, nearest, stated_in
from groundup.collect.options import GIT, SourceOptions
from groundup.core.document import Document
from groundup.core.errors import DataError

CLONE_SECONDS = 600  # taste: a large repository over a slow line
_ADDRESSES = ("https://", "ssh://", "git@", "file://")


def documents_of_repository(name: str, options: SourceOptions) -> Iterator[Document | Problem]:
    """The documents of the repository that `options.from_` names. Raises DataError when git cannot read it."""
    place, _, commit = _split(options.from_.removeprefix(GIT))
    if shutil.which("git") is None:
        raise DataError(f"[collect.{name}] reads a git repository, but there is no git here.", repair="Install git.")
    load()
    with tempfile.TemporaryDirectory(prefix="groundup-git-") as folder:
        if place.startswith(_ADDRESSES):
            _git(
                name, "clone", "--quiet", "--depth", "1", *(["--branch", commit] if commit else []), "--", place, folder
            )
            repository, commit = Path(folder), "HEAD"
        else:
            repository, commit = Path(place).expanduser(), commit or "HEAD"
            if not repository.exists():
                raise DataError(f"[collect.{name}] reads {repository}, which does not exist.")
        facts = _git(name, "-C", str(repository), "log", "-1", "--format=%H %cs", commit, "--").decode().split()
        with tempfile.TemporaryFile() as packed:
            _git(name, "-C", str(repository), "archive", "--format=tar", facts[0], into=packed)
            yield from _documents(name, options, cast(BinaryIO, packed), facts[0], facts[1])


def _split(place: str) -> tuple[str, str, str]:
    """ "PATH@commit" to its parts; the "@" of "git@host:..." is no such sign."""
    head, sign, tail = place.rpartition("@")
    return (
        (head, sign, tail)
        if sign and head and "/" not in tail and ":" not in tail and head != "git"
        else (place, "", "")
    )


def _git(name: str, *arguments: str, into: object = subprocess.PIPE) -> bytes:
    try:
        done = subprocess.run(
            ["git", *arguments],
            stdout=into,  # type: ignore[call-overload]
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            timeout=CLONE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"[collect.{name}]: git took longer than {CLONE_SECONDS} seconds.") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip()[:300]
        raise DataError(f"[collect.{name}]: git says: {words}", repair="Look at the place and at your access to it.")
    return cast(bytes, done.stdout or b"")


def _documents(
    name: str, options: SourceOptions, packed: BinaryIO, commit: str, date: str
) -> Iterator[Document | Problem]:
    licences: dict[str, str] = {}
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        for member in archive:
            if member.isreg() and is_licence_file(member.name.rsplit("/", 1)[-1]):
                content = archive.extractfile(member)
                found = licence_of(content.read(20_000).decode("utf-8", "replace")) if content else ""
                if found:
                    licences.setdefault(member.name.rpartition("/")[0], found)
    packed.seek(0)
    done = 0
    with tarfile.open(fileobj=packed) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or not is_wanted(member.name, options):
                continue
            opened = Opened(member.name, member.name.rsplit("/", 1)[-1], cast(BinaryIO, content), member.size)
            for item in read_opened(opened, options):
                if isinstance(item, Problem):
                    yield item
                    continue
                yield _document(name, item, options, licences, commit, date)
                done += 1
                if options.count is not None and done >= options.count:
                    return


def _document(
    name: str, item: tuple[str, Found], options: SourceOptions, licences: dict[str, str], commit: str, date: str
) -> Document:
    path, found = item
    document = to_document(name, path, found, options)
    licence = stated_in(found.text) or found.licence or nearest(path, licences) or options.licence
    return document.with_text(
        document.text, licence=licence, date=found.date or date, meta={**document.meta, "commit": commit}
    )
