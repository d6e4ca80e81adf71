"""A skew planted in one source is found, in that source."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.audit.base import Look
from groundup.audit.options import AuditOptions
from groundup.audit.stage import check_of
from groundup.core.document import Document, write_documents
from groundup.evaluate.subject import Subject


def look(folder: Path, skews: dict[str, int]) -> Look:
    """Sources whose nurses are "she" and pilots "he" `skew` times for one of the other."""
    for source, skew in skews.items():
        texts = []
        for job, usual, other in (("nurse", "she", "he"), ("pilot", "he", "she")):
            texts += [f"The {job} said that {usual} was tired."] * (40 * skew) + [
                f"The {job} left because {other} was late."
            ] * 40
        documents = [Document(text, source, str(number)) for number, text in enumerate(texts)]
        write_documents(folder / "documents" / f"{source}-00000.parquet", documents)
    return Look(Subject(None, None, 1), {"clean": folder}, AuditOptions(), 1)


def test_a_planted_skew_is_found_in_its_source(tmp_path: Path) -> None:
    (found,) = check_of("corpus")(look(tmp_path, {"leaning": 4, "even": 1}))
    gaps = {row["source"]: row["gap"] for row in found.evidence if "source" in row}
    assert gaps == {"leaning": pytest.approx(0.6), "even": 0}
    assert found.value is not None and found.low is not None and found.low > 0.2
    jobs = [row["job"] for row in found.evidence if "job" in row]
    assert jobs == ["pilot", "nurse"] and next(r for r in found.evidence if r.get("job") == "pilot")["pmi_he_bits"] > 0


def test_even_documents_are_not_accused_and_without_documents_nothing_is_said(tmp_path: Path) -> None:
    (found,) = check_of("corpus")(look(tmp_path, {"even": 1}))
    assert found.value == 0 and "no evidence either way" in found.summary
    (none,) = check_of("corpus")(Look(Subject(None, None, 1), {}, AuditOptions(), 1))
    assert none.value is None
