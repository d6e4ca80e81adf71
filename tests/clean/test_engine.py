"""The same bytes, whoever does the work: one process, several, a Ray cluster; and the bounds of memory."""

import json
import subprocess
import sys

import pytest

from groundup.clean import stage
from groundup.clean.options import CleanOptions
from groundup.core.console import Console
from groundup.core.document import Document, read_documents, write_documents
from groundup.core.errors import DataError, Interrupted
from groundup.core.split import split_of
from groundup.core.stage import Context

CONTEXT = Context(seed=5, console=Console(quiet=True))
NAMES = ("Nora", "Tom", "Eva", "Ben", "Ida", "Max", "Lea", "Jon")
STEPS = ("html", "text", "boilerplate", "paragraphs", "duplicates", "privacy", "mixture")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Three shards with copies across them, and a source that is read twice."""
    folder = tmp_path_factory.mktemp("raw")
    for number in range(3):
        rows = [
            Document(
                f"{name} worked as a baker in Stonebridge number {row % 3}. {name} wanted a lamp because of winter. They "
                f"went to the mill with {NAMES[(row * 3 + place) % 8]} and {place * row} friends on a Friday in June.",
                "mine",
                f"{number}/{row}/{place}",
            )
            for row in range(3)
            for place, name in enumerate(NAMES)
        ]
        write_documents(folder / "documents" / f"mine-{number:05d}.parquet", rows)
    return folder


def cleaned(raw, output, **values):
    options = CleanOptions(steps=STEPS, mixture={"sources": {"mine": {"epochs": 2}}}, **values)
    counts = stage.run(options, {"collect": raw}, output, CONTEXT)
    return counts, {
        path.relative_to(output).as_posix(): path.read_bytes() for path in sorted(output.rglob("*.parquet"))
    }


def test_two_processes_give_the_bytes_of_one(raw, tmp_path):
    counts, alone = cleaned(raw, tmp_path / "one", workers=1)
    assert counts["dropped"] > 10
    assert len(alone) == 6
    again, shared = cleaned(raw, tmp_path / "two", workers=2)
    assert shared == alone
    assert again == counts


def test_a_source_read_twice_repeats_what_trains_and_nothing_else(raw, tmp_path):
    counts, _ = cleaned(raw, tmp_path, workers=1)
    ids = [item.id for item in read_documents(tmp_path / "documents")]
    train = {one for one in ids if split_of(one) == "train"}
    assert counts["repeats"] == len(train) == len(ids) - len(set(ids))
    assert all(ids.count(one) == (2 if one in train else 1) for one in set(ids))


def test_a_stop_ends_the_workers_and_the_next_run_goes_on(raw, tmp_path):
    options = CleanOptions(steps=STEPS, workers=2)
    stopped = Context(seed=5, console=Console(quiet=True), stop=lambda: True)
    with pytest.raises(Interrupted):
        stage.run(options, {"collect": raw}, tmp_path / "out", stopped)
    counts = stage.run(options, {"collect": raw}, tmp_path / "out", CONTEXT)
    assert counts["documents_in"] == 72


def test_an_error_in_a_worker_is_told_in_its_own_words(raw, tmp_path):
    (tmp_path / "documents").mkdir()
    for path in (raw / "documents").iterdir():
        (tmp_path / "documents" / path.name).write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match="cannot be read as a shard"):
        stage.run(CleanOptions(workers=2), {"collect": tmp_path}, tmp_path / "out", CONTEXT)


@pytest.mark.slow
def test_a_ray_cluster_gives_the_bytes_of_one_process(raw, tmp_path):
    pytest.importorskip("ray")
    _, alone = cleaned(raw, tmp_path / "one", workers=1)
    _, shared = cleaned(raw, tmp_path / "ray", engine="ray")
    assert shared == alone


MEMORY = """
import resource, sys
from pathlib import Path
from groundup.clean import stage
from groundup.clean.options import CleanOptions
from groundup.collect import stage as collect_stage
from groundup.collect.options import SourceOptions
from groundup.core.console import Console
from groundup.core.stage import Context

collect_stage.SHARD_CHARACTERS = 4_000_000
folder, context = Path(sys.argv[1]), Context(console=Console(quiet=True))
# Heap and private maps, what a container's limit is about; address space alone costs nothing
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
sources = {"mine": SourceOptions(**{"from": str(folder / "in")})}
collect_stage.run(sources, {}, folder / "1", context)
options = CleanOptions(steps=("text", "boilerplate", "duplicates"), workers=1)
print(stage.run(options, {"collect": folder / "1"}, folder / "2", context)["documents"])
"""


@pytest.mark.slow
def test_a_corpus_larger_than_the_memory_limit_is_cleaned(tmp_path):
    """Text of 600 MB under a limit of 400 MB for the whole process, libraries included."""
    (tmp_path / "in").mkdir()
    words = [f"word{number}" for number in range(5000)]
    for number in range(60):
        rows = (" ".join(words[(row * 7 + number * 31 + k * k) % 5000] for k in range(2000)) for row in range(600))
        (tmp_path / "in" / f"{number}.jsonl").write_text("\n".join(json.dumps({"text": row}) for row in rows))
    limit = 400_000_000
    assert sum(path.stat().st_size for path in (tmp_path / "in").iterdir()) > 1.2 * limit
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path), str(limit)], capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 0
