"""The whole story in the smallest size: documents in, a model that answers out; stopped, continued, traced, verified."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.errors import ArtifactError
from groundup.core.files import read_json, sha256_of
from groundup.core.manifest import read_manifest
from groundup.core.score import read_scores
from groundup.pipeline import run
from groundup.stages import STAGES

QUIET = Console(quiet=True)


def final_weights(folder: Path) -> str:
    return sha256_of(folder / "8_release" / "model.safetensors")


def test_every_stage_leaves_a_manifest_and_the_run_a_report(tiny_run: Path) -> None:
    for stage in STAGES:
        places = [tiny_run / stage.folder]
        if stage.name == "finetune":
            places = list((tiny_run / stage.folder).iterdir())
        for place in places:
            manifest = read_manifest(place)
            assert manifest.stage == stage.name and manifest.outputs and manifest.counts
    assert (tiny_run / "report.html").stat().st_size > 10_000


def test_scores_carry_interval_and_baseline(tiny_run: Path) -> None:
    scores = read_scores(tiny_run / "6_evaluate" / "scores.json")
    assert {"bits_per_byte", "stories_answers", "small_talk"} <= {score.task for score in scores}
    for score in scores:
        assert score.low <= score.value <= score.high and score.n > 0 and score.data_hash


def test_a_second_run_does_nothing(tiny_run: Path) -> None:
    before = final_weights(tiny_run)
    done = run("tiny", out=tiny_run, console=QUIET)
    assert done.made == [] and final_weights(tiny_run) == before


def test_a_change_redoes_what_depends_on_it_and_nothing_else(tiny_run: Path, tmp_path: Path) -> None:
    from groundup.stages import read_recipe

    folder = shutil.copytree(tiny_run, tmp_path / "tiny")
    done = run(read_recipe("tiny", ["evaluate.limit=10"]), out=folder, console=QUIET)
    assert done.made[0] == "evaluate" and "pretrain" not in done.made and "finetune/chat" not in done.made


def test_an_answer_is_traced_to_its_document(tiny_run: Path) -> None:
    import groundup
    from groundup.core.document import read_documents
    from groundup.core.split import split_of

    document = next(item for item in read_documents(tiny_run / "2_clean" / "documents") if split_of(item.id) == "train")
    words = " ".join(document.text.split("\n")[0].split()[:14])
    spans = groundup.load(tiny_run).explain(words)
    assert spans and document.id in {found.id for span in spans for found in span.documents}


def test_a_run_of_another_recipe_is_not_overwritten(tiny_run: Path, tmp_path: Path) -> None:
    from groundup.stages import read_recipe

    folder = shutil.copytree(tiny_run, tmp_path / "tiny", ignore=shutil.ignore_patterns("*.bin", "*.safetensors"))
    with pytest.raises(ArtifactError, match="another recipe"):
        run(read_recipe("tiny", ["name=other"]), out=folder, console=QUIET)


def test_a_changed_file_is_found_before_it_does_harm(tiny_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_run, tmp_path / "tiny")
    tokens = folder / "3_tokenizer" / "tokens" / "train.bin"
    tokens.write_bytes(tokens.read_bytes()[:-2])
    with pytest.raises(ArtifactError, match=r"train\.bin"):
        run("tiny", out=folder, console=QUIET)


def test_the_golden_tiny_run(tiny_run: Path) -> None:
    """Same options, same bytes: when this fails on purpose, raise the stage's version in stages.py and renew the golden
    file with ``python -m tests.golden``. Floating-point stages may differ between processors; text stages may not."""
    golden = json.loads((Path(__file__).parent / "golden_tiny.json").read_text())
    for name, expected in golden.items():
        manifest = read_manifest(tiny_run / name)
        assert {"version": manifest.stage_version, "content": stable_content(tiny_run / name)} == expected, name


def stable_content(folder: Path) -> dict[str, str]:
    """Hashes of a stage's files, of those that do not hold times or library-dependent bytes: text, not Parquet's own."""
    from groundup.core.document import read_documents, shards_in
    from groundup.core.files import fingerprint

    content = {}
    for shard in shards_in(folder):
        if shard.parent.name == "documents":
            content[shard.name] = fingerprint([item.content_hash for item in read_documents(shard)])
    for path in sorted(folder.rglob("*.bin")):
        content[path.name] = sha256_of(path)
    return content


def start_run(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "groundup", "run", "tiny", "--out", str(folder), "--quiet"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_killed_at_any_moment_the_run_ends_with_the_same_weights(tiny_run: Path, tmp_path: Path) -> None:
    """kill -9 at ten moments spread over the run, each time continued; the weights are those of the unbroken run."""
    kill_and_continue(tiny_run, tmp_path / "runs" / "tiny", moments=10)


@pytest.mark.slow
def test_killed_two_hundred_times(tiny_run: Path, tmp_path: Path) -> None:
    for attempt in range(10):
        kill_and_continue(tiny_run, tmp_path / str(attempt) / "tiny", moments=20, offset=attempt * 0.13)


def kill_and_continue(reference: Path, folder: Path, *, moments: int, offset: float = 0.0) -> None:
    events = [json.loads(line) for line in (reference / "events.jsonl").read_text().splitlines()]
    whole = events[-1]["time"] - events[0]["time"]
    # A fresh process spends its first seconds importing; the wait grows so that the kills walk through the story.
    for number in range(moments):
        process = start_run(folder)
        try:
            process.wait(timeout=1.5 + offset + whole * (number + 1) / (moments + 1) * 0.5)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if process.returncode == 0:
            break
    finish = start_run(folder)
    _, errors = finish.communicate(timeout=600)
    assert finish.returncode == 0, errors.decode()
    assert final_weights(folder) == final_weights(reference)


def test_ctrl_c_saves_and_prints_the_command_that_continues(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "groundup", "run", "tiny", "--out", str(tmp_path / "tiny")]
    command += ["--set", "pretrain.steps=100000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not training_has_begun(tmp_path / "tiny" / "events.jsonl"):
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"Continue with: groundup run {tmp_path / 'tiny'}" in errors.decode()
    assert not (tmp_path / "tiny" / "4_pretrain" / "manifest.json").exists()
    assert list((tmp_path / "tiny" / "4_pretrain").rglob("*.safetensors")), "a checkpoint was saved"


def training_has_begun(events: Path) -> bool:
    return events.exists() and '"kind": "step"' in events.read_text()


def test_events_tell_the_story_in_order(tiny_run: Path) -> None:
    events = [json.loads(line) for line in (tiny_run / "events.jsonl").read_text().splitlines()]
    started = [event["stage"] for event in events if event["kind"] == "stage" and event["state"] == "started"]
    assert started[: len(STAGES)] == [stage.name for stage in STAGES]
    assert read_json(tiny_run / "plan.json")["made_from"]
