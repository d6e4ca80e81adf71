"""What cleaning took out, a page at a time, by any name a person may give the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundup.core.document import Document, Dropped, write_documents
from groundup.core.files import write_bytes, write_json

Groundup = Callable[..., Any]
COUNTS = {"quality": {"repetition.top_ngram": 12, "gopher.too_short": 3}, "duplicates": {"exact": 2}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    dropped = [
        Dropped(Document("a text", "mine", f"{step} {reason} {number}"), step=step, reason=reason, detail="so it is")
        for step, reasons in COUNTS.items()
        for reason, count in reasons.items()
        for number in range(count)
    ]
    write_bytes(tmp_path / "recipe.toml", b'name = "mine"\n')
    write_json(tmp_path / "plan.json", {})
    steps = [{"step": step, "dropped": reasons} for step, reasons in {"text": {}, **COUNTS}.items()]
    write_json(tmp_path / "2_clean" / "clean.json", {"steps": steps})
    write_documents(tmp_path / "2_clean" / "dropped" / "mine-00000.parquet", dropped)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "count"),
    [("repetition", 12), ("top_ngram", 12), ("repetition.top_ngram", 12), ("quality", 15), ("duplicates", 2)],
)
def test_a_step_a_rule_and_a_reason_page_through_what_they_dropped(
    groundup: Groundup, run: Path, name: str, count: int
) -> None:
    pages = [
        groundup("show", run, "--dropped", name, "--page", page, "--json").value
        for page in range(1, (count + 19) // 10)
    ]
    paths = [row["path"] for page in pages for row in page]
    assert len(paths) == len(set(paths)) == count


def test_a_page_says_where_it_stands_and_how_to_go_on(groundup: Groundup, run: Path) -> None:
    first = groundup("show", run, "--dropped", "repetition").out.splitlines()[-1]
    assert first == f"page 1 of 2, 12 documents; next: groundup show {run} --dropped repetition --page 2"
    assert (
        groundup("show", run, "--dropped", "repetition", "--page", 2).out.splitlines()[-1]
        == "page 2 of 2, 12 documents"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("repetitions",), "Did you mean 'repetition'?"), (("exact", "--page", 2), "There is no page 2: 'exact' has 1.")],
)
def test_unknown_reasons_and_pages_are_named(
    groundup: Groundup, run: Path, arguments: tuple[Any, ...], said: str
) -> None:
    result = groundup("show", run, "--dropped", *arguments)
    assert result.code == 2 and said in result.err
