"""Whatever a step leaves behind, the command opens it: it reads, compares, or says what it is for. Nothing crashes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundup.core.console import Console
from groundup.core.stage import Context
from groundup.finetune.options import StepOptions
from groundup.finetune.stage import run

Groundup = Callable[..., Any]
FAST = {"batch_size": 4, "precision": "fp32", "eval_every": 0, "sample_every": 0, "steps": 1}
ROWS: dict[str, list[dict[str, Any]]] = {
    "classify": [{"text": f"{n} {'up' if n % 2 else 'down'}", "label": "ud"[n % 2]} for n in range(60)],
    "qa": [
        {"context": f"{n} Rome", "question": "town?", "answers": [{"text": "Rome", "answer_start": len(f"{n} ")}]}
        for n in range(60)
    ],
    "tag": [{"tokens": ["at", "Rome"], "tags": ["O", "B-town"]} for _ in range(2)]
    + [{"tokens": [f"at{n}", "Rome"], "tags": ["O", "B-town"]} for n in range(60)],
    "reward": [{"prompt": f"say {n}", "chosen": "yes", "rejected": "no"} for n in range(60)],
    "embed": [{"anchor": f"number {n}", "positive": f"{n}"} for n in range(60)],
}
MADE = [(family, method) for family in ("gpt", "bert", "encoder_decoder") for method in ROWS]
MADE.remove(("encoder_decoder", "reward"))


@pytest.fixture(scope="module", params=MADE, ids=lambda pair: " ".join(pair))
def tuned(request, model_folder, bert_folder, encoder_decoder_folder, tmp_path_factory) -> tuple[str, str, Path]:
    """(family, method, model folder) after one step."""
    family, method = request.param
    start = {"gpt": model_folder, "bert": bert_folder, "encoder_decoder": encoder_decoder_folder}[family]
    folder = tmp_path_factory.mktemp(f"{family}_{method}")
    rows = folder / "rows.jsonl"
    rows.write_text("\n".join(map(json.dumps, ROWS[method])))
    run(
        StepOptions(method=method, data=[str(rows)], **FAST),
        {"model": start},
        folder,
        Context(console=Console(quiet=True), device="cpu"),
    )
    return family, method, folder / "model"


SHOWN = {"classify": "probabilities", "qa": "answer", "tag": "spans", "reward": "reward", "embed": "likeness"}


def test_generate_reads_with_a_tuned_folder(groundup: Groundup, tuned: tuple[str, str, Path]) -> None:
    family, method, folder = tuned
    asked = ["--question", "town?"] if method in ("qa", "reward") else []
    given = ["--text", "3 Rome", *asked, "--device", "cpu"]
    # Without a head it is an encoder-decoder like any other: it writes.
    shown = "text" if (family, method) == ("encoder_decoder", "embed") else SHOWN[method]
    result = groundup("generate", folder, *given, "--json", "--quiet")
    assert result.code == 0 and shown in result.value, result.err
    words = groundup("generate", folder, *given, "--quiet")
    assert words.code == 0 and words.out.strip(), words.err


def test_chat_and_evaluate_say_what_a_tuned_folder_is_for(
    groundup: Groundup, tuned: tuple[str, str, Path], tmp_path: Path
) -> None:
    family, method, folder = tuned
    goes_on = family == "gpt" and method == "embed"
    result = groundup("chat", folder, "--max-tokens", "2", "--device", "cpu", stdin="Hello!\n")
    assert result.code == (0 if goes_on else 2), result.err
    assert goes_on or "groundup generate" in result.err
    (tmp_path / "a.txt").write_text("The cat sat on the mat. ")
    for asked, can in (
        (["--text", tmp_path / "a.txt"], goes_on),
        (["--tasks", "small_talk", "--limit", "2"], goes_on or (family, method) == ("encoder_decoder", "embed")),
    ):
        result = groundup("evaluate", folder, *asked, "--device", "cpu")
        assert result.code == (0 if can else 2), (asked, result.err)
        assert can or "groundup" in result.err


TASKS = {
    "classify": ("classify", "macro_f1"),
    "qa": ("qa", "token_f1"),
    "tag": ("tags", "span_f1"),
    "reward": ("preferences", "preferred"),
    "embed": ("pairs", "reciprocal_rank"),
}


def test_evaluate_scores_a_tuned_folder_on_the_rows_it_did_not_see(
    groundup: Groundup, tuned: tuple[str, str, Path], tmp_path: Path
) -> None:
    _, method, folder = tuned
    kind, metric = TASKS[method]
    task = tmp_path / "mine.toml"
    task.write_text(f'kind = "{kind}"\nfile = "rows.jsonl"\n')
    shared = ["--data", folder.parent, "--device", "cpu", "--json", "--quiet"]
    result = groundup("evaluate", folder, "--tasks", task, *shared)
    assert result.code == 0, result.err
    scores = {row["metric"]: row for row in result.value}
    assert (
        scores[metric]["n"] >= 2 and scores[metric]["baseline_name"] and scores[metric]["low"] <= scores[metric]["high"]
    )
