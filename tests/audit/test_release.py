from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from groundup.audit import release, stage
from groundup.audit.base import read_findings
from groundup.audit.card import Corpus, corpus_of, cost_of, front_matter
from groundup.audit.gate import read_gate, write_gate
from groundup.audit.options import AuditOptions, ReleaseOptions
from groundup.core.console import Console
from groundup.core.errors import ArtifactError, DataError, GroundupError
from groundup.core.manifest import Manifest
from groundup.core.score import Score, write_scores
from groundup.core.stage import Context
from tests.evaluate.small_run import make

CONTEXT = Context(console=Console(quiet=True), device="cpu")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run up to its audit, on the smallest model, with every check."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    inputs = make(folder)
    (folder / "recipe.toml").write_text('name = "small"\npurpose = "To see a card."\n')
    inputs["finetune/chat"] = inputs["model"].parent
    inputs["evaluate"], inputs["audit"] = folder / "6_evaluate", folder / "7_audit"
    score = Score(
        "stories_answers", "exact_match", 0.1, 0.05, 0.2, 40, chance=0.1, baseline=0.3, baseline_name="lead-1"
    )
    write_scores(inputs["evaluate"] / "scores.json", [score])
    inputs["audit"].mkdir()
    options = AuditOptions(limits={"pronoun_gap": 0.9, "secret_exposure_bits": 9.0}, num_texts=20, num_candidates=63)
    counts = stage.run(options, inputs, inputs["audit"], CONTEXT)
    assert counts["findings"] == 7
    return inputs


def test_an_untrained_model_is_found_to_know_nothing(inputs: dict[str, Path]) -> None:
    found = {finding.name: finding for finding in read_findings(inputs["audit"] / "findings.json")}
    assert found["secret_exposure_bits"].value is not None and found["secret_exposure_bits"].value < 5
    assert found["pronoun_gap"].value is not None and found["pronoun_gap"].value < 0.1
    assert "planted skew" in found["pronoun_gap"].protocol
    assert found["personal_data_from_training"].value == 0.0
    assert 0 <= (found["myth_preference"].value or 0) <= 1 and found["myth_preference"].passed is None
    assert found["audited_epsilon"].value == 0  # a model that learned nothing gives nobody away
    for finding in (one for name, one in found.items() if name != "audited_epsilon"):
        assert finding.low is not None and finding.high is not None and finding.value is not None
        assert finding.low <= finding.value <= finding.high and finding.n > 0 and finding.protocol


def test_an_open_gate_lets_the_model_and_its_card_out(inputs: dict[str, Path]) -> None:
    output = inputs["audit"].parent / "8_release"
    counts = release.run(ReleaseOptions(), inputs, output, CONTEXT)
    assert counts["formats"] == ["hf"]
    for name in ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"):
        assert (output / name).read_bytes() == (inputs["model"] / name).read_bytes()
    card = (output / "README.md").read_text()
    assert "# small\n" in card and "To see a card." in card
    assert "| stories | Apache-2.0 | 300 |" in card
    assert "0.050 to 0.200 (at chance)" in card and "lead-1" in card
    assert "secret_exposure_bits" in card and "Gate: open." in card
    # Four stages of 100 s at 65 W.
    assert "All stages: 400 s. Energy, estimated: 0.0072 kWh" in card


def test_the_front_matter_is_what_the_hub_reads(inputs: dict[str, Path]) -> None:
    hub = pytest.importorskip("huggingface_hub")
    output = inputs["audit"].parent / "8_release"
    release.run(ReleaseOptions(), inputs, output, CONTEXT)
    read = hub.ModelCard.load(output / "README.md").data
    assert read.license == "apache-2.0" and read.language == ["en"] and read.library_name == "transformers"
    assert "groundup" in read.tags


def test_a_closed_gate_refuses_and_leaves_nothing(inputs: dict[str, Path], tmp_path: Path) -> None:
    gate = read_gate(inputs["audit"] / "gate.json")
    closed = replace(gate, passed=False, state="closed", broken=["pronoun_gap"], reasons={"pronoun_gap": "it is 0.5"})
    write_gate(tmp_path / "audit" / "gate.json", closed)
    with pytest.raises(GroundupError, match="gate is closed") as caught:
        release.run(ReleaseOptions(), {**inputs, "audit": tmp_path / "audit"}, tmp_path / "out", CONTEXT)
    assert "audit.waive.pronoun_gap" in caught.value.repair and not (tmp_path / "out").exists()


def test_without_an_audit_nothing_is_released(inputs: dict[str, Path], tmp_path: Path) -> None:
    without = {name: place for name, place in inputs.items() if name != "audit"}
    with pytest.raises(DataError, match="nobody has looked"):
        release.run(ReleaseOptions(), without, tmp_path, CONTEXT)


def test_a_base_model_leaves_its_chat_template_behind(inputs: dict[str, Path], tmp_path: Path) -> None:
    base = make(tmp_path / "run", tuned=False)
    release.run(ReleaseOptions(), {**base, "audit": inputs["audit"]}, tmp_path / "out", CONTEXT)
    assert (base["model"] / "chat_template.jinja").exists() and not (tmp_path / "out" / "chat_template.jinja").exists()


def test_the_last_tuned_model_is_released(tmp_path: Path) -> None:
    places = {}
    for name in ("pretrain", "finetune/chat", "finetune/prefer"):
        places[name] = tmp_path / name
        (places[name] / "model").mkdir(parents=True)
        (places[name] / "model" / "config.json").write_text("{}")
    assert release.model_of(places) == places["finetune/prefer"] / "model"
    assert release.model_of({"pretrain": places["pretrain"]}) == places["pretrain"] / "model"
    with pytest.raises(ArtifactError, match="No model to release"):
        release.model_of({"collect": tmp_path})


@pytest.mark.parametrize(
    "rows, wanted",
    [
        ([("a", "MIT", 1, 1)], 'license: "mit"'),
        ([("a", "MIT", 1, 1), ("b", "CC0-1.0", 1, 1)], "license: other"),
        ([("a", "MIT", 1, 1), ("b", "", 1, 1)], "license: other"),
        ([("a", "made up: licence", 1, 1)], "license: other"),
        ([], "license: other"),
    ],
)
def test_a_licence_is_named_only_where_it_is_the_only_one(rows: list, wanted: str) -> None:
    assert wanted in front_matter(Corpus(1, 1, rows), {})


def test_energy_is_seconds_times_watts() -> None:
    made = {name: Manifest(name, 1, "k", {}, {}, {}, seconds=1800.0) for name in ("pretrain", "evaluate")}
    cost = cost_of(made, 1000.0, 480.0)
    assert (cost.seconds, cost.kwh, cost.kg_co2) == pytest.approx((3600.0, 1.0, 0.48))


def test_documents_are_counted_by_source_and_licence(inputs: dict[str, Path]) -> None:
    corpus = corpus_of(inputs["clean"])
    ((source, licence, documents, size),) = corpus.rows
    assert (source, licence, documents) == ("stories", "Apache-2.0", 300) and size == corpus.bytes > 300 * 200
    assert corpus.languages == {"en": 300} and corpus_of(None) == Corpus()
