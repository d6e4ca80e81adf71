"""The whole story in the smallest size: documents in, a model that answers out; stopped, continued, traced, verified.

kill -9, full disks and damaged files are in tests/faults.
"""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from groundup.core.console import Console
from groundup.core.files import read_json, sha256_of
from groundup.core.manifest import read_manifest
from groundup.core.score import read_scores
from groundup.pipeline import run
from groundup.stages import STAGES

QUIET = Console(quiet=True)
# The text stages give the same bytes on every machine; floating-point results may differ between processors.
GOLDEN_STAGES = ("1_collect", "2_clean", "3_tokenizer")


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
    assert spans and document.id in {found.document_id for span in spans for found in span.documents}


def test_a_run_may_be_moved(tiny_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_run, tmp_path / "elsewhere")
    assert run("tiny", out=folder, console=QUIET).made == []


def test_the_golden_tiny_run(tiny_run: Path) -> None:
    """Same options, same bytes. A run keeps a stage while its key is the same, and the key holds the stage's version: if
    the code makes other bytes and the version stays, old folders pass for new ones. So when this fails on purpose,
    raise the stage's version in stages.py and renew the golden file with ``python -m tests.golden``."""
    golden = json.loads((Path(__file__).parent / "golden_tiny.json").read_text())
    assert set(golden) == set(GOLDEN_STAGES)
    for name, expected in golden.items():
        manifest = read_manifest(tiny_run / name)
        assert {"version": manifest.stage_version, "content": stable_content(tiny_run / name)} == expected, name


def stable_content(folder: Path) -> dict[str, str]:
    """Hashes of what a stage made: of the texts in its Parquet shards (whose own bytes follow the library), of tokens."""
    from groundup.core.document import read_documents, shards_in
    from groundup.core.files import fingerprint

    content = {}
    for shard in shards_in(folder):
        if shard.parent.name == "documents":
            content[shard.name] = fingerprint([item.content_hash for item in read_documents(shard)])
    for path in sorted(folder.rglob("*.bin")):
        content[path.name] = sha256_of(path)
    return content


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for what a process in the background does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)
    assert condition()


def interrupted(command: list[str], when: Callable[[], bool]) -> str:
    """Start a command of ours, press Ctrl-C when it is time; its stderr."""
    # The words as they were printed; the shell would find `groundup` beside this Python.
    assert command[0] == "groundup"
    program = str(Path(sys.executable).with_name("groundup"))
    process = subprocess.Popen([program, *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        until(lambda: when() or process.poll() is not None)
    finally:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and out == b"" and b"Traceback" not in errors, errors.decode()
    return errors.decode()


def test_ctrl_c_saves_and_prints_the_command_that_continues(tmp_path: Path) -> None:
    folder = tmp_path / "my runs" / "tiny"
    events = folder / "events.jsonl"

    def steps() -> int:
        return events.read_text().count('"kind": "step"') if events.exists() else 0

    first = f"groundup run tiny --out '{folder}' --set pretrain.steps=100000 --set pretrain.checkpoint_every_steps=0"
    told = interrupted(shlex.split(first), lambda: steps() > 2)
    assert "everything so far is saved" in told and not (folder / "4_pretrain" / "manifest.json").exists()
    [saved] = (folder / "4_pretrain" / ".checkpoints").glob("step-*")
    printed = told.partition("Continue with: ")[2].splitlines()[0]
    assert printed == f"groundup run '{folder}'"
    before = steps()
    told = interrupted(shlex.split(printed), lambda: steps() > before)
    assert f"continuing from step {int(saved.name.removeprefix('step-')):,}" in told


def test_ctrl_c_before_training_stops_at_once_and_keeps_what_is_finished(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    told = interrupted(
        ["groundup", "run", "tiny", "--out", str(folder), "--set", "collect.stories.count=20_000"],
        (folder / "1_collect" / "manifest.json").exists,
    )
    assert f"Continue with: groundup run {folder}" in told
    assert (folder / "1_collect" / "manifest.json").exists()


def test_events_tell_the_story_in_order(tiny_run: Path) -> None:
    events = [json.loads(line) for line in (tiny_run / "events.jsonl").read_text().splitlines()]
    started = [event["stage"] for event in events if event["kind"] == "stage" and event["state"] == "started"]
    assert started[: len(STAGES)] == [stage.name for stage in STAGES]
    assert read_json(tiny_run / "plan.json")["made_from"]
