"""Find and read published rows in a folder: as downloaded, or packed (.gz, .tar.gz), in it or one folder below."""

from __future__ import annotations

import gzip
import json
import tarfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError
from groundup.evaluate.rows import read_rows

__all__ = ["column", "find_file", "read_json_file", "read_rows", "texts_named"]


def find_file(folder: str | Path, *patterns: str) -> Path | None:
    """The first file whose name fits a pattern, in name order; in the folder itself before its sub-folders."""
    place = Path(folder)
    if not place.is_dir():
        raise DataError(f"There is no folder {place}.", repair="Name the benchmarks' folder: [audit] data")
    for files in (place.glob("*"), place.glob("*/*")):
        for file in sorted(files):
            if file.is_file() and any(fnmatch(file.name.lower(), pattern) for pattern in patterns):
                return file
    return None


def texts_named(folder: str | Path, pattern: str, archive: str) -> dict[str, str]:
    """File name -> text of all files that fit `pattern`, from a .tar.gz that fits `archive`, else from the folders."""
    packed = find_file(folder, archive)
    if packed is not None:
        try:
            with tarfile.open(packed) as tar:
                members = [one for one in tar if one.isfile() and fnmatch(Path(one.name).name.lower(), pattern)]
                return {Path(one.name).name: _text(tar, one) for one in members}
        except (tarfile.TarError, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{packed} cannot be read: {error}.") from None
    files = [file for file in sorted(Path(folder).rglob("*")) if file.is_file()]
    return {file.name: file.read_text(encoding="utf-8") for file in files if fnmatch(file.name.lower(), pattern)}


def read_json_file(path: Path) -> Any:
    """One JSON value, plain or .gz."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return json.loads(raw)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}.") from None


def column(row: dict[str, Any], name: str, number: int, path: Path) -> Any:
    """One value of a row; a row that lacks it stops the check: a benchmark with holes is another benchmark."""
    if not isinstance(row, dict) or row.get(name) is None:
        raise DataError(f"{path}, row {number} has no '{name}'.", repair="Use the file as it was published.")
    return row[name]


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = tar.extractfile(member)
    assert file is not None  # only plain files come here
    return file.read().decode("utf-8")
