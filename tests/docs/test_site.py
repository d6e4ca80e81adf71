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


def test_a_reader_finds_every_how_to_from_both_front_pages() -> None:
    pages = {path.name for path in (ROOT / "docs" / "how_to").glob("*.md")}
    for front, folder in ((ROOT / "README.md", "docs/how_to"), (ROOT / "docs" / "index.md", "how_to")):
        assert pages == set(re.findall(rf"\]\({folder}/(\w+\.md)\)", front.read_text())), front.name


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


def test_the_readme_answers_a_newcomer_in_their_order() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    asked = ("make demo", "make test", "docs/pictures/answer.png", "<!-- demo:begin -->", "groundup new my_documents",
             "## What to expect, honestly", "## Six files to read tonight")  # fmt: skip
    places = [text.index(part) for part in asked]
    assert places == sorted(places)
    opening = [line for line in text.split("```sh")[0].splitlines() if line and not line.startswith("#")]
    assert len(opening) == 3
    files = re.findall(r"^\| \[[\w/.]+\]\((groundup/[\w/]+\.py)\) \|", text, flags=re.M)
    assert len(files) == 6 and all((ROOT / name).is_file() for name in files)
