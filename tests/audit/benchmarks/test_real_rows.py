"""Every benchmark reads the published rows as they are; run where GROUNDUP_REAL_DATA names their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.audit.base import Look, write_findings
from groundup.audit.options import BENCHMARKS, FINDINGS, AuditOptions
from groundup.audit.stage import check_of
from groundup.evaluate.subject import load_subject
from tests.evaluate.small_run import make

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_published_rows_give_every_finding(real_data: Path, tmp_path: Path, name: str) -> None:
    subject = load_subject(make(tmp_path / "run")["model"], device="cpu")
    found = check_of(name)(Look(subject, {}, AuditOptions(data=str(real_data)), 1))
    assert tuple(one.name for one in found) == FINDINGS[name]
    for one in found:
        # A causal model fills no gaps; nobody named a classifier of sentiment.
        if one.name in ("crows_pairs_masked", "bold_sentiment_gap"):
            continue
        assert one.value is not None and one.low is not None and one.high is not None
        assert 0 <= one.low <= one.value <= one.high and one.n > 10 and "data " in one.protocol
    write_findings(tmp_path / "findings.json", found)
