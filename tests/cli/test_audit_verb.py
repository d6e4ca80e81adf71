"""`groundup audit` takes any folder, and 'all' means all that can be asked."""

from __future__ import annotations

import argparse

import pytest

from groundup.audit.options import BENCHMARKS, FINDINGS
from groundup.cli.audit import _changed


@pytest.mark.parametrize("data", [None, "rows"])
def test_all_means_every_check_that_has_its_rows(data: str | None) -> None:
    given = argparse.Namespace(checks="all", data=data, limit=["pronoun_gap=0.2"])
    values = _changed({"limits": {"pronoun_gap": 0.1}}, given)
    wanted = set(FINDINGS) - (set() if data else set(BENCHMARKS))
    assert set(values["checks"]) == wanted and values["limits"] == {"pronoun_gap": 0.2}
