"""Documents that cannot be used: the run goes on with the rest and lists them; when nothing is left it says why.

How each format's reader takes damage is tested in tests/collect; here: what the command says and leaves behind.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Groundup = Callable[..., Any]
TEXT = "The garden was quiet and the old dog slept under the apple tree until the evening came. " * 3


def recipe(folder: Path, place: Path, more: str = "") -> Path:
    path = folder / "mine.toml"
    path.write_text(f'name = "mine"\n[collect.mine]\nfrom = {json.dumps(str(place))}\n{more}')
    return path


def problems(run_folder: Path) -> dict[str, str]:
    rows = (run_folder / "1_collect" / "problems.jsonl").read_text().splitlines()
    return {row["path"]: row["problem"] for row in map(json.loads, rows)}


def write_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", bytes(40_000_000))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.txt": (lambda path: path.write_bytes(b""), "empty"),
    "binary.txt": (lambda path: path.write_bytes(bytes(range(256)) * 50), "binary"),
    "one_line.txt": (lambda path: path.write_bytes(b"x" * 50_000), "long_line"),
    "bomb.zip": (write_bomb, "bomb"),
    "not_a.zip": (lambda path: path.write_bytes(b"PK, but no zip at all"), "damaged_archive"),
    "gone.txt": (lambda path: path.symlink_to(path.parent / "nowhere"), "unreadable"),
}


def test_bad_files_are_listed_and_the_rest_is_collected(groundup: Groundup, tmp_path: Path) -> None:
    place = tmp_path / "documents"
    (place / "in").mkdir(parents=True)
    (place / "good.txt").write_text(TEXT)
    (place / "western.txt").write_bytes(
        ("Das sch\u00f6ne M\u00e4dchen h\u00f6rte Glocken l\u00e4uten. " * 9).encode("cp1252")
    )
    (place / "in" / "loop").symlink_to(place)
    rows = [json.dumps({"text": f"{TEXT} {number}: {os.urandom(40).hex()}"}) for number in range(300)]
    packed = gzip.compress("\n".join(rows).encode())
    (place / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    for name, (write, _) in BAD.items():
        write(place / name)
    run_folder = tmp_path / "run"
    result = groundup("run", recipe(tmp_path, place, "max_bytes = 20_000\n"), "collect", "--out", run_folder, "--json")
    assert result.code == 0
    found = problems(run_folder)
    # Cut in a row: what came before is kept, the row is counted, the cut is told.
    assert found.pop("cut.jsonl.gz") == "truncated"
    assert found.pop("in/loop") == "link_loop"
    found["bomb.zip"] = found.pop("bomb.zip!zeros.txt")
    found["one_line.txt"] = found.pop("one_line.txt#1")  # the piece that holds no line end
    assert found == {name: problem for name, (_, problem) in BAD.items()}
    assert f"{len(BAD) + 3} problems (problems.jsonl)" in result.err

    from groundup.core.document import read_documents

    texts = {item.path: item.text for item in read_documents(run_folder / "1_collect" / "documents")}
    assert texts["good.txt"] == TEXT and "sch\u00f6ne M\u00e4dchen" in texts["western.txt"]
    assert (
        50 < sum(path.startswith("cut.jsonl.gz") for path in texts) < 250
        and len(texts) == result.value["stages"]["collect"]["counts"]["documents"]
    )


@pytest.mark.parametrize("name", BAD)
def test_when_no_document_is_left_the_reason_is_told(groundup: Groundup, tmp_path: Path, name: str) -> None:
    place = tmp_path / "documents"
    place.mkdir()
    BAD[name][0](place / name)
    path = recipe(tmp_path, place, "max_bytes = 20_000\n")
    result = groundup("run", path, "--out", tmp_path / "run")
    assert result.code == 1 and name in result.err and BAD[name][1] in result.err and "Traceback" not in result.err
    (place / "good.txt").write_text(TEXT)
    assert groundup("run", path, "collect", "--out", tmp_path / "run").code == 0, "repaired, the same command goes on"


def test_an_empty_folder_and_a_missing_one(groundup: Groundup, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    result = groundup("run", recipe(tmp_path, tmp_path / "documents"), "--out", tmp_path / "run")
    assert result.code == 1 and "no files at all" in result.err
    result = groundup("run", recipe(tmp_path, tmp_path / "nowhere"), "--out", tmp_path / "other")
    assert result.code == 1 and "does not exist" in result.err and not (tmp_path / "other").exists()
    for folder in (tmp_path / "documents", tmp_path / "nowhere"):
        assert groundup("new", folder, "--out", tmp_path / "new.toml").code == 1
    assert not (tmp_path / "new.toml").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_listed(groundup: Groundup, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "good.txt").write_text(TEXT)
    (tmp_path / "documents" / "locked.txt").write_text(TEXT)
    (tmp_path / "documents" / "locked.txt").chmod(0)
    path = recipe(tmp_path, tmp_path / "documents")
    assert groundup("run", path, "collect", "--out", tmp_path / "run").code == 0
    assert problems(tmp_path / "run") == {"locked.txt": "unreadable"}


def test_a_corpus_too_small_for_the_tokenizer_names_a_size_that_works(groundup: Groundup, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    for number in range(30):
        (tmp_path / "documents" / f"{number}.txt").write_text(f"{TEXT} Number {number} of thirty.")
    small = '[clean]\nsteps = ["text"]\n[tokenizer]\nvocabulary_size = 20_000\n[model]\ndepth = 2\nwidth = 32\n'
    path = recipe(tmp_path, tmp_path / "documents", small)
    result = groundup("run", path, "--out", tmp_path / "run")
    assert result.code == 1 and "20,000" in result.err and "Traceback" not in result.err
    sizes = [
        int(word.replace(",", "")) for word in result.err.replace(".", " ").split() if word.replace(",", "").isdigit()
    ]
    largest = min(size for size in sizes if size > 280)
    again = groundup(
        "run", path, "tokenizer", "--out", tmp_path / "run", "--set", f"tokenizer.vocabulary_size={largest}"
    )
    assert again.code == 0, "the size that was named works"


def test_a_corpus_too_small_for_one_batch_says_so(groundup: Groundup, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    for number in range(40):
        (tmp_path / "documents" / f"{number}.txt").write_text(f"{TEXT[:100]} Number {number}.")
    more = '[clean]\nsteps = ["text"]\n[tokenizer]\nvocabulary_size = 300\n[model]\ndepth = 2\nwidth = 32\n'
    more += "[pretrain]\nsteps = 2\nbatch_size = 512\n"
    path = recipe(tmp_path, tmp_path / "documents", more)
    result = groundup("run", path, "--out", tmp_path / "run")
    assert result.code == 1 and "batch" in result.err and "Traceback" not in result.err
    assert (tmp_path / "run" / "3_tokenizer" / "manifest.json").is_file(), "what was finished is kept"


@pytest.mark.slow
def test_one_line_of_a_gigabyte_is_listed_in_bounded_memory(tmp_path: Path) -> None:
    place = tmp_path / "documents"
    place.mkdir()
    (place / "good.txt").write_text(TEXT)
    with open(place / "line.txt", "wb") as file:
        for _ in range(1000):
            file.write(b"word " * 200_000)
    code = (
        "import resource, sys; from groundup.cli.main import main; code = main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
    )
    path = recipe(tmp_path, place)
    command = [sys.executable, "-c", code, "run", str(path), "collect", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert problems(tmp_path / "run") == {"line.txt#1": "long_line"}
    assert int(done.stderr.split()[-1]) < 1_000_000, "kB: far less than the file"
