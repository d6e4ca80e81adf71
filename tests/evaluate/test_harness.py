"""lm-evaluation-harness and we put the same questions to one model and get the same answers, item by item."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")
pytest.importorskip("datasets")


@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize("theirs", ["groundup", "hf"])
def test_the_same_choices_item_by_item(
    tmp_path: Path, shots: int, theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    from benchmarks.evaluate import ask_ours, harness_task, likeliest
    from groundup.evaluate.harness import GroundupLM
    from groundup.model import build, bundle
    from groundup.model.presets import from_depth
    from groundup.tokenizer import Tokenizer

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rng = random.Random(1)
    words = ["garden", "lamp", "river", "bread", "stone", "metal", "light", "plant"]
    rows = [
        {"query": f"The {rng.choice(words)} is", "choices": rng.sample(words, 3), "gold": rng.randrange(3)}
        for _ in range(16)
    ]
    tokenizer = Tokenizer.train([json.dumps(row) for row in rows], kind="bytes")
    module = build(from_depth(1, tokenizer.vocabulary_size, width=32, num_heads=2, context_length=256), seed=1)
    bundle.save(tmp_path / "model", module, tokenizer)

    _, mine = ask_ours(tmp_path / "model", rows, shots, tmp_path)
    before = "".join(f"{row['query']} {row['choices'][row['gold']]}\n\n" for row in rows[:shots])
    asked = tmp_path / "asked.jsonl"
    asked.write_text("".join(json.dumps({**row, "query": before + row["query"]}) + "\n" for row in rows[shots:]))
    model = (
        GroundupLM(str(tmp_path / "model"), device="cpu")
        if theirs == "groundup"
        else HFLM(pretrained=str(tmp_path / "model"), device="cpu", dtype="float32", add_bos_token=True)
    )
    result = simple_evaluate(model, tasks=[harness_task(asked, tmp_path)], bootstrap_iters=0, log_samples=True)
    samples = sorted(result["samples"]["bench"], key=lambda sample: sample["doc_id"])
    assert [likeliest(sample) for sample in samples] == mine and len(mine) == 16 - shots
