"""The site holds every page, fetches nothing from anywhere, and builds without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]


def pages_in(part: Any) -> Iterator[str]:
    """The pages of a navigation, in order."""
    if isinstance(part, str):
        yield part
    else:
        for inner in part.values() if isinstance(part, dict) else part:
            yield from pages_in(inner)


def test_every_page_stands_in_the_navigation_once() -> None:
    named = list(pages_in(PROJECT["nav"]))
    assert len(set(named)) == len(named)
    assert set(named) == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}


def test_no_font_and_no_script_comes_from_elsewhere() -> None:
    assert PROJECT["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css", "analytics"} & (set(PROJECT) | set(PROJECT.get("extra", {})))


def test_the_site_builds_offline_without_a_warning(tmp_path: Path) -> None:
    program = shutil.which("zensical", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("zensical is not installed: pip install 'groundup[docs]'")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    environment = {"PATH": "/usr/bin:/bin", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [program, "build", "--strict"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0 and "No issues found" in done.stdout + done.stderr, done.stdout + done.stderr
    html = (tmp_path / "site" / "tour.html").read_text()
    assert not re.findall(r"""(?:src|<link[^>]+href)=["']?https?://""", html)
    assert (tmp_path / "site" / "search.json").stat().st_size > 50_000
