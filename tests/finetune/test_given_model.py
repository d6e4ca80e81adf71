"""The recipe tune_existing: LoRA on a given folder with the user's file, from the recipe to the release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.errors import DataError, RecipeError
from groundup.core.manifest import read_manifest
from groundup.core.score import read_scores
from groundup.model import bundle
from groundup.pipeline import run
from groundup.stages import Recipe, read_recipe, recipe_from_text


def recipe(model: Path, data: Path, *changes: str) -> Recipe:
    changes = ("finetune.chat.steps=3", "finetune.chat.batch_size=2", "evaluate.limit=3", *changes)
    return read_recipe("tune_existing", [f'model.from="{model}"', f'finetune.chat.data=["{data}"]', *changes])


def conversations(path: Path, count: int = 60) -> Path:
    rows = [{"prompt": f"colour {number}?", "response": ("red", "blue")[number % 2]} for number in range(count)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_a_given_model_is_tuned_measured_and_released(model_folder: Path, tmp_path: Path) -> None:
    data = conversations(tmp_path / "mine.jsonl")
    made = run(recipe(model_folder, data), out=tmp_path / "run", console=Console(quiet=True), device="cpu").made
    assert made == ["finetune/chat", "evaluate", "audit", "release"]
    assert (tmp_path / "run" / "5_finetune" / "chat" / "adapter" / "adapter_model.safetensors").is_file()
    assert bundle.load(tmp_path / "run" / "8_release", device="cpu").tokenizer is not None
    assert read_scores(tmp_path / "run" / "6_evaluate" / "scores.json")
    assert (tmp_path / "run" / "report.html").is_file()
    again = run(recipe(model_folder, data), out=tmp_path / "run", console=Console(quiet=True), device="cpu")
    assert again.made == []
    conversations(data, 70)  # the same name, other rows: tuned anew
    anew = run(recipe(model_folder, data), out=tmp_path / "run", console=Console(quiet=True), device="cpu")
    assert "finetune/chat" in anew.made
    assert read_manifest(tmp_path / "run" / "5_finetune" / "chat").counts["examples_read"] > 60 * 0.9


def test_what_is_not_there_stops_before_any_work(model_folder: Path, tmp_path: Path) -> None:
    data = conversations(tmp_path / "mine.jsonl")
    for wrong, rule in (
        (recipe(tmp_path / "no", data), "is no model folder"),
        (recipe(model_folder, tmp_path / "no.jsonl"), "which does not exist"),
    ):
        with pytest.raises(DataError, match=rule):
            run(wrong, out=tmp_path / "run", console=Console(quiet=True))
        assert not (tmp_path / "run").exists()


def test_a_recipe_without_documents_needs_a_model_and_files() -> None:
    for text in ('name = "x"', 'name = "x"\n[model]\nfrom = "m"', 'name = "x"\n[finetune.chat]\ndata = ["a.jsonl"]'):
        with pytest.raises(RecipeError, match="names its documents"):
            recipe_from_text(text)
    found = recipe_from_text('name = "x"\n[model]\nfrom = "m"\n[finetune.chat]\ndata = ["a.jsonl"]')
    assert found.finetune.ordered["chat"].data == [str(Path.cwd() / "a.jsonl")]
