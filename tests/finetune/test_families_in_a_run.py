"""A recipe for an encoder or an encoder-decoder: the tuning steps that fit it are carried out, scored and released."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.pipeline import _with_needs, run, steps_of
from groundup.stages import read_recipe, recipe_from_text

BASE = '[collect.s]\nfrom = "samples:stories"\n[model]\nfamily = "{}"\n'
CLASSIFY = '[finetune.labels]\nmethod = "classify"\ndata = ["stories:sentiment"]\n'
CHAT = '[finetune.words]\nmethod = "chat"\ndata = ["stories:chat"]\n'


@pytest.mark.parametrize(
    "family, steps, wanted",
    [
        ("gpt", "", ["chat"]),
        ("gpt", CLASSIFY + CHAT, ["labels", "words"]),
        ("bert", "", []),
        ("bert", CLASSIFY + CHAT, ["labels"]),
        ("bert", CHAT, []),
        ("encoder_decoder", "", []),
        ("encoder_decoder", CLASSIFY + CHAT, ["labels", "words"]),
    ],
)
def test_steps_that_fit_the_family_are_kept(family: str, steps: str, wanted: list[str]) -> None:
    recipe = recipe_from_text('name = "r"\n' + BASE.format(family) + steps.replace("stories:", "s:"))
    assert steps_of(recipe) == wanted
    after = {stage.name for stage in _with_needs([], recipe)} & {"finetune", "evaluate", "audit", "release"}
    assert after == ({"finetune", "evaluate", "audit", "release"} if wanted else set())


def test_a_preset_of_an_encoder_counts_as_one() -> None:
    recipe = recipe_from_text(
        'name = "r"\n[collect.s]\nfrom = "samples:stories"\n[model]\npreset = "bert-base"\n' + CHAT
    )
    assert steps_of(recipe) == []


def test_an_encoder_is_pretrained_tuned_scored_and_released(tmp_path: Path) -> None:
    rows = [{"text": f"{n} {'up' if n % 2 else 'down'}", "label": "ud"[n % 2]} for n in range(120)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "mine.toml").write_text('kind = "classify"\nfile = "rows.jsonl"\n')
    (tmp_path / "r.toml").write_text(
        'name = "r"\n[collect.s]\nfrom = "samples:stories"\ncount = 60\n[clean]\nsteps = ["text"]\n'
        '[tokenizer]\nkind = "wordpiece"\nvocabulary_size = 300\n'
        '[model]\nfamily = "bert"\ndepth = 1\nwidth = 32\nnum_heads = 2\ncontext_length = 64\n'
        '[pretrain]\nobjective = "masked"\nsteps = 2\nbatch_size = 4\n'
        '[finetune.labels]\nmethod = "classify"\ndata = ["rows.jsonl"]\nsteps = 2\n'
        '[evaluate]\ntasks = ["mine.toml"]\n[audit]\nchecks = ["bias"]\n'
    )
    done = run(read_recipe(str(tmp_path / "r.toml")), out=tmp_path / "run", device="cpu", console=Console(quiet=True))
    assert {"pretrain", "finetune/labels", "evaluate", "audit", "release"} <= set(done.made)
    scores = json.loads((tmp_path / "run" / "6_evaluate" / "scores.json").read_text())
    assert {row["metric"] for row in scores} >= {"accuracy", "macro_f1"}
    findings = json.loads((tmp_path / "run" / "7_audit" / "findings.json").read_text())
    assert findings[0]["value"] is None and "classifier" in findings[0]["summary"]
    assert (tmp_path / "run" / "8_release" / "head.safetensors").is_file()
