from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from groundup.audit.base import Finding, audits, read_findings, unmeasured, write_findings
from groundup.audit.gate import apply_limits, decide, demand_open, read_gate, write_gate
from groundup.audit.options import BENCHMARKS, FINDINGS, AuditOptions, ReleaseOptions
from groundup.audit.stage import check_of, fitting_threads, table
from groundup.core.errors import GroundupError, RecipeError
from groundup.core.recipe import validate
from groundup.evaluate.subject import Subject

REASON = "accepted by the owner for a study"


def finding(name: str = "pronoun_gap", value: float | None = 0.2) -> Finding:
    return Finding(name, "a number", value, value, value, 10, "toy", "so it is")


@pytest.mark.parametrize(
    "value, limits, waive, is_open",
    [
        (0.2, {}, {}, True),
        (0.2, {"pronoun_gap": 0.2}, {}, True),  # a limit is the highest value that may pass
        (0.2, {"pronoun_gap": 0.19}, {}, False),
        (0.2, {"pronoun_gap": 0.19}, {"pronoun_gap": REASON}, True),
        (None, {"pronoun_gap": 0.19}, {}, False),  # not looked at is not passed
        (0.2, {"secret_exposure_bits": 5.0}, {}, False),  # never made
    ],
)
def test_the_gate(value: float | None, limits: dict, waive: dict, is_open: bool) -> None:
    gate = decide([finding(value=value)], limits, waive)
    assert gate.passed is is_open and gate.state == ("open" if is_open else "closed")
    if is_open:
        demand_open(gate)
    else:
        with pytest.raises(GroundupError, match=next(iter(limits))):
            demand_open(gate)


def test_a_waiver_is_recorded_beside_what_it_waives(tmp_path: Path) -> None:
    gate = decide([finding()], {"pronoun_gap": 0.1}, {"pronoun_gap": REASON})
    write_gate(tmp_path / "gate.json", gate)
    again = read_gate(tmp_path / "gate.json")
    assert again == gate and again.waived == {"pronoun_gap": REASON} and "0.2" in again.reasons["pronoun_gap"]


def test_findings_survive_the_file_and_the_table(tmp_path: Path) -> None:
    found = apply_limits([finding(), unmeasured("myth_preference", "a share", "none planted")], {"pronoun_gap": 0.1})
    write_findings(tmp_path / "findings.json", found)
    assert read_findings(tmp_path / "findings.json") == found
    text = table(found, decide(found, {"pronoun_gap": 0.1}, {}))
    assert "BROKEN 0.1" in text and "not measured" in text and "gate: closed" in text


def test_a_finding_that_is_no_number_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pronoun_gap"):
        write_findings(tmp_path / "findings.json", [finding(value=float("nan"))])


@pytest.mark.parametrize(
    "values, rule",
    [
        ({"checks": ["biass"]}, "Did you mean 'bias'"),
        ({"limits": {"pronoun_gab": 0.1}}, "Did you mean 'pronoun_gap'"),
        ({"limits": {"pronoun_gap": -1}}, "from 0"),
        ({"limits": {"pronoun_gap": float("nan")}}, "from 0"),
        ({"checks": ["leak"], "limits": {"pronoun_gap": 0.1}}, "needs the check 'bias'"),
        ({"waive": {"pronoun_gap": REASON}}, "waives nothing"),
        ({"checks": ["bbq"]}, "name their folder with data"),
        ({"checks": ["bbq"], "data": "x", "limits": {"winobias_gap": 0.1}}, "needs the check 'winobias'"),
        ({"limits": {"pronoun_gap": 0.1}, "waive": {"pronoun_gap": "ok"}}, "reason in words"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(values: dict, rule: str) -> None:
    with pytest.raises(RecipeError, match=rule):
        validate(AuditOptions, values)


@pytest.mark.parametrize("formats", [["gguff"], ["onnx"], []])
def test_formats_that_we_cannot_write_are_refused(formats: list[str]) -> None:
    with pytest.raises(RecipeError, match="format"):
        validate(ReleaseOptions, {"formats": formats})


def test_every_finding_may_carry_a_limit_and_what_needs_rows_is_not_asked_by_default() -> None:
    limits = {finding: 0.1 for findings in FINDINGS.values() for finding in findings}
    assert validate(AuditOptions, {"checks": list(FINDINGS), "data": "rows", "limits": limits}).limits == limits
    assert not set(AuditOptions().checks) & set(BENCHMARKS) and set(BENCHMARKS) < set(FINDINGS)


def test_a_small_model_is_audited_by_one_thread_and_the_rest_goes_on_as_before() -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen = []
        for width in (4, 2400):  # 16 parameters; 5.8 M
            engine = SimpleNamespace(model=torch.nn.Linear(width, width, bias=False))
            engine.model.num_parameters = lambda width=width: width * width
            with fitting_threads(Subject(engine, None, 8)):
                seen.append(torch.get_num_threads())
        assert seen == [1, 2] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_options_know_every_check() -> None:
    for name in FINDINGS:
        assert callable(check_of(name))
    assert set(audits) == set(FINDINGS)
