"""Unpacking gz, zst, bz2, xz, zip and tar as streams, with a guard against bombs.

In: one open binary stream. Out: its members, each open for reading, one at a time. Nothing is unpacked to disk by
name (a member's path is only a label, so "../" is harmless).
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from groundup.collect.base import Opened, Problem

MAX_RATIO = 200  # text packs 3 to 30 times; deflate cannot pass 1,032
FREE_BYTES = 16_000_000  # below this size no ratio is suspicious
MAX_DEPTH = 4  # archives in archives
PACKED = (".gz", ".zst", ".bz2", ".xz")
ARCHIVES = (".zip", ".tar", ".tgz")


class Bomb(ValueError):
    """The stream unpacks to far more than text would."""


class Guarded(io.RawIOBase):
    """A decompressed stream that stops at a bomb and ends, with a note, where packed data is cut off or damaged.

    packed: the stream below, whose position tells how much was read of it.
    """

    def __init__(self, inner: Any, packed: BinaryIO) -> None:
        self.inner = inner
        self.packed = packed
        self.count = 0
        self.damage = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.damage:
            return 0
        try:
            data = self.inner.read1(min(len(buffer), 1 << 16))  # read() would lose the last good block
        except Exception as error:
            if not _is_damage(error):
                raise
            self.damage = f"{type(error).__name__}: {error}"
            return 0
        buffer[: len(data)] = data
        self.count += len(data)
        if self.count > FREE_BYTES and self.count > MAX_RATIO * max(1, self.packed.tell()):
            raise Bomb(f"more than {MAX_RATIO} times its packed size")
        return len(data)


class _Forward(io.RawIOBase):
    """A tar member read from a stream: forward only, and it says so (tarfile's own object fails when asked)."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.inner.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _is_damage(error: Exception) -> bool:
    import zstandard

    return isinstance(
        error, EOFError | OSError | zlib.error | lzma.LZMAError | zipfile.BadZipFile | zstandard.ZstdError
    )


def unpacked(opened: Opened) -> tuple[Opened, Guarded]:
    """The content of a .gz, .zst, .bz2 or .xz stream, and its guard (ask `.damage` when it is read)."""
    import zstandard

    suffix = opened.suffix
    if suffix == ".gz":
        inner: Any = gzip.GzipFile(fileobj=opened.stream)
    elif suffix == ".bz2":
        inner = bz2.BZ2File(opened.stream)
    elif suffix == ".xz":
        inner = lzma.LZMAFile(opened.stream)  # noqa: SIM115
    else:
        inner = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            opened.stream, read_across_frames=True
        )
    guard = Guarded(inner, opened.stream)
    name = opened.name[: -len(suffix)]
    return Opened(opened.path, name, cast(BinaryIO, io.BufferedReader(guard, 1 << 18))), guard


def members(opened: Opened) -> Iterator[Opened | Problem]:
    """The files in a zip or tar archive, in its order. Damage ends the archive with a problem; what came is kept."""
    try:
        yield from _zip_members(opened) if opened.suffix == ".zip" else _tar_members(opened)
    except Bomb as error:
        yield Problem(opened.path, "bomb", str(error))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, RuntimeError, ValueError) as error:
        yield Problem(opened.path, "damaged_archive", f"{type(error).__name__}: {error}")


def _tar_members(opened: Opened) -> Iterator[Opened | Problem]:
    stream: Any = opened.stream
    if opened.suffix == ".tgz":
        inner, _ = unpacked(Opened(opened.path, opened.name + ".gz", opened.stream))
        stream = inner.stream
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = f"{opened.path}!{member.name}"
            if member.isdir():
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                yield Problem(path, "link", "a link or device inside an archive is not followed")
                continue
            forward = cast(BinaryIO, io.BufferedReader(_Forward(content)))
            yield Opened(path, member.name.rsplit("/", 1)[-1], forward, member.size)
    guard = getattr(stream, "raw", None)
    if isinstance(guard, Guarded) and guard.damage:
        yield Problem(opened.path, "truncated", guard.damage)


def _zip_members(opened: Opened) -> Iterator[Opened | Problem]:
    with seekable(opened.stream) as stream, zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            path = f"{opened.path}!{member.filename}"
            if member.is_dir():
                continue
            if member.flag_bits & 1:
                yield Problem(path, "encrypted", "the archive member needs a password")
                continue
            if member.file_size > FREE_BYTES and member.file_size > MAX_RATIO * max(1, member.compress_size):
                yield Problem(path, "bomb", f"more than {MAX_RATIO} times its packed size")
                continue
            with archive.open(member) as content:
                yield Opened(path, member.filename.rsplit("/", 1)[-1], cast(BinaryIO, content), member.file_size)


def seekable(stream: BinaryIO) -> BinaryIO:
    """Zip is read from its end: a stream that cannot go back is first copied to a temporary file."""
    if stream.seekable():
        return stream
    copy = tempfile.SpooledTemporaryFile(max_size=FREE_BYTES)  # noqa: SIM115
    while chunk := stream.read(1 << 20):
        copy.write(chunk)
    copy.seek(0)
    return cast(BinaryIO, copy)
