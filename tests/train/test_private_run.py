"""Private training through the whole of ``groundup run``: the promise is in the manifests and in the card."""

import shutil
from pathlib import Path

from groundup.core.console import Console
from groundup.core.files import read_json
from groundup.core.manifest import read_manifest
from groundup.pipeline import run
from groundup.stages import read_recipe

PRIVATE = ("pretrain.dp.epsilon=8.0", "finetune.chat.dp.noise=1.0", "evaluate.limit=4")


def test_a_private_run_says_what_it_promises(tiny_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_run, tmp_path / "tiny")
    done = run(read_recipe("tiny", list(PRIVATE)), out=folder, console=Console(quiet=True))
    assert done.made[:2] == ["pretrain", "finetune/chat"]

    pretrained = read_manifest(folder / "4_pretrain").counts["privacy"]
    assert 7.5 < pretrained["epsilon"] <= 8.0
    assert pretrained["norms"] == "ghost" and pretrained["sampling"] == "poisson"
    tuned = read_manifest(folder / "5_finetune" / "chat").counts["privacy"]
    assert tuned["noise"] == 1.0 and tuned["epsilon"] > 0
    assert tuned == read_json(folder / "5_finetune" / "chat" / "privacy.json")

    card = (folder / "8_release" / "README.md").read_text(encoding="utf-8")
    for name, told in (("pretrain", pretrained), ("finetune/chat", tuned)):
        assert f"{name}: epsilon {told['epsilon']:.2f} at delta" in card
    assert "the tokenizer's vocabulary" in card


def test_a_plain_run_promises_nothing(tiny_run: Path) -> None:
    assert "privacy" not in read_manifest(tiny_run / "4_pretrain").counts
    assert "Differential privacy" not in (tiny_run / "8_release" / "README.md").read_text(encoding="utf-8")
