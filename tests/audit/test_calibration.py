"""A model that is as sure as it is right, and its twin that is three times too sure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from groundup.audit.base import Finding
from groundup.audit.stage import check_of
from tests.audit.memory_toy import WORDS, Pairs, look_at

TABLE_VV = torch.randn(WORDS, WORDS, generator=torch.Generator().manual_seed(1)) * 2.5


def drawn(count: int, seed: int) -> list[list[int]]:
    """Rows drawn from the table's own probabilities: a model with this table is honest about them."""
    random = np.random.default_rng(seed)
    p_VV = TABLE_VV.double().softmax(-1).numpy()
    rows = []
    for _ in range(count):
        row = [0]
        while len(row) < 30:
            row.append(int(random.choice(WORDS, p=p_VV[row[-1]])))
        rows.append(row)
    return rows


def findings(folder: Path, sharp: float) -> list[Finding]:
    model = Pairs([])
    model.table_VV.data = sharp * TABLE_VV
    return check_of("calibration")(look_at(folder, model, {"validation": drawn(150, 1), "test": drawn(150, 2)}))


def test_an_honest_model_has_a_small_gap_and_keeps_its_promises(tmp_path: Path) -> None:
    plain, scaled = findings(tmp_path, 1.0)
    assert plain.value is not None and plain.value < 0.03 and scaled.value is not None and scaled.value < 0.03
    risks = [row["wrong"] for row in plain.evidence if "coverage" in row]
    assert risks == sorted(risks)  # the surer, the fewer wrong
    promised = [row for row in plain.evidence if "risk_promised" in row]
    assert [row["risk_promised"] for row in promised] == [0.01, 0.05, 0.1, 0.2]


def test_a_model_made_too_sure_is_found_and_repaired_by_its_temperature(tmp_path: Path) -> None:
    plain, scaled = findings(tmp_path, 3.0)
    assert plain.value is not None and plain.low is not None and plain.low > 0.1
    assert scaled.value is not None and scaled.value < plain.value / 3
