"""The verbs that use and look at a model, on a real tiny run."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundup.core.score import read_scores

Groundup = Callable[..., Any]


def test_json_is_all_of_stdout_and_quiet_empties_stderr(groundup: Groundup, tiny_run: Path) -> None:
    for arguments in (
        ("show", tiny_run),
        ("show", tiny_run, "--dropped"),
        ("show", tiny_run, "--dropped", "duplicates"),
        ("show", tiny_run, "--text", "Once upon a time"),
        ("show", tiny_run / "8_release"),
        ("plan", "tiny"),
        ("generate", tiny_run, "--prompt", "The", "--max-tokens", "3"),
        ("explain", tiny_run, "--sources", "--text", "The cat sat."),
        ("evaluate", tiny_run, "--text", Path(__file__)),
        ("compare", tiny_run, tiny_run),
        ("verify", tiny_run),
        ("app", "search", "How long may a return take?"),
        ("run", "tiny", "--out", tiny_run),
    ):
        result = groundup(*arguments, "--json", "--quiet")
        assert result.code == 0 and result.value is not None and result.err == "", arguments


def test_a_run_is_found_by_name_folder_and_model_folder(
    groundup: Groundup, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run.parent.parent)
    same = ["--prompt", "Once", "--max-tokens", "8", "--seed", "3", "--json", "--quiet"]
    found = [groundup("generate", name, *same).value for name in ("tiny", "runs/tiny", tiny_run / "8_release")]
    assert found[0] == found[1] == found[2] and found[0]["tokens"] <= 8
    assert "Runs here: tiny." in groundup("chat", "tony").err


def test_chat_from_a_pipe_is_one_turn_a_line(groundup: Groundup, tiny_run: Path) -> None:
    result = groundup("chat", tiny_run, stdin="Hello!\nWho are you?\n/new\nHello!\n\nnever read\n")
    answers = result.out.splitlines()
    assert result.code == 0 and len(answers) == 3 and answers[0] == answers[2], "/new forgets: the same first answer"
    assert "try: Hello!" in result.err
    rows = [json.loads(line) for line in groundup("chat", tiny_run, "--json", stdin="Hello!\n").out.splitlines()]
    assert rows == [{"answer": answers[0], "finish": rows[0]["finish"]}]


def test_chat_survives_a_message_that_is_too_long_and_forgets_what_no_longer_fits(
    groundup: Groundup, tiny_run: Path
) -> None:
    result = groundup("chat", tiny_run, stdin="word " * 500 + "\n" + "Tell me more about it.\n" * 8)
    assert result.code == 0 and len(result.out.splitlines()) == 8
    assert "Shorten the message" in result.err and "old turns no longer fit" in result.err


def test_generate_reads_the_prompt_from_a_pipe_and_repeats_itself_by_seed(groundup: Groundup, tiny_run: Path) -> None:
    first = groundup("generate", tiny_run, "--seed", "7", "--max-tokens", "20", stdin="The garden\n")
    assert first.code == 0 and first.out.startswith("The garden") and len(first.out) > len("The garden\n")
    assert groundup("generate", tiny_run, "--seed", "7", "--max-tokens", "20", stdin="The garden\n").out == first.out
    assert groundup("generate", tiny_run, "--seed", "8", "--max-tokens", "20", stdin="The garden\n").out != first.out


def test_show_tells_state_scores_and_what_was_dropped(groundup: Groundup, tiny_run: Path) -> None:
    shown = groundup("show", tiny_run)
    assert all(name in shown.out for name in ("collect", "finetune chat", "release", "bits_per_byte"))
    dropped = groundup("show", tiny_run, "--dropped", "--json").value
    count = dropped["duplicates"]["exact"]
    pages = [
        groundup("show", tiny_run, "--dropped", "exact", "--page", page, "--json").value
        for page in range(1, -(-count // 10) + 1)
    ]
    rows = [row for page in pages for row in page]
    assert len(rows) == len({row["id"] for row in rows}) == count, "every dropped document can be looked at, once"
    assert all(row["detail"] and row["text"] for row in rows)
    tokens = groundup("show", tiny_run, "--text", "Caf\u00e9 42", "--json").value
    assert "".join(tokens["tokens"]).startswith("Caf")


def test_evaluating_again_gives_the_scores_of_the_run(groundup: Groundup, tiny_run: Path, tmp_path: Path) -> None:
    again = groundup("evaluate", tiny_run, "--out", tmp_path / "again", "--json", "--quiet")
    known = {
        (score.task, score.metric, score.source): score for score in read_scores(tiny_run / "6_evaluate/scores.json")
    }
    assert again.code == 0 and len(again.value) == len(known)
    for row in again.value:
        score = known[row["task"], row["metric"], row["source"]]
        assert row["data_hash"] == score.data_hash and row["value"] == pytest.approx(score.value, abs=1e-6)
    compared = groundup("compare", tiny_run, tmp_path / "again", "--json").value
    assert compared and all(row["verdict"] == "no evidence of a difference" for row in compared)
    refused = groundup("evaluate", tiny_run, "--out", tmp_path / "again")
    assert refused.code == 2 and "not empty" in refused.err


def test_shots_may_be_a_list_and_limit_a_word(groundup: Groundup, tiny_run: Path) -> None:
    arguments = ("--tasks", "small_talk", "--shots", "0,1", "--limit", "5", "--json", "--quiet")
    rows = groundup("evaluate", tiny_run, *arguments).value
    assert {row["protocol"].rpartition(" ")[2] for row in rows} == {"0-shot", "1-shot"} and {
        row["n"] for row in rows
    } == {5}
    wrong = groundup("evaluate", tiny_run, "--limit", "few")
    assert wrong.code == 2 and "limit" in wrong.err


def test_any_text_has_bits_per_byte(groundup: Groundup, tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The cat sat on the mat. " * 30)
    (tmp_path / "b.txt").write_text("zq xj kv " * 30)
    rows = groundup("evaluate", tiny_run, "--text", tmp_path / "a.txt", tmp_path / "b.txt", "--json").value
    assert 0 < rows[0]["bits_per_byte"] < rows[1]["bits_per_byte"], "prose is likelier than noise"
    for name, content in (("empty.txt", b""), ("noise.bin", bytes(range(256)))):
        (tmp_path / name).write_bytes(content)
        result = groundup("evaluate", tiny_run, "--text", tmp_path / name)
        assert result.code == 1 and name in result.err
    assert groundup("evaluate", tiny_run, "--text", tmp_path / "nowhere.txt").code == 1


def test_explain_names_the_documents(groundup: Groundup, tiny_run: Path, tmp_path: Path) -> None:
    import shutil

    from groundup.core.document import read_documents
    from groundup.core.split import split_of

    document = next(item for item in read_documents(tiny_run / "2_clean/documents") if split_of(item.id) == "train")
    words = " ".join(document.text.split("\n")[0].split()[:14])
    result = groundup("explain", tiny_run, "--sources", "--text", words)
    assert (
        result.code == 0
        and f"{document.source}: {document.path}" in result.out
        and "in the training text" in result.out
    )
    value = groundup("explain", tiny_run, "--sources", "--text", words, "--json").value
    assert any(found["document_id"] == document.id for span in value["spans"] for found in span["documents"])
    assert groundup("explain", tiny_run, "--sources", "--prompt", "Who are you?").out.startswith("answer: ")
    nothing = groundup("explain", tiny_run, "--sources", "--text", "zqxj vwk")
    assert nothing.code == 0 and "No span of" in nothing.out
    alone = shutil.copytree(tiny_run / "8_release", tmp_path / "alone")
    assert groundup("explain", alone, "--sources", "--text", words).code == 2, "a model folder alone has no index"


def test_audit_of_a_run_and_of_a_model_alone(groundup: Groundup, tiny_run: Path, tmp_path: Path) -> None:
    import shutil

    fine = groundup("audit", tiny_run, "--checks", "bias", "--json", "--quiet")
    assert fine.code == 0 and fine.value["gate"]["state"] == "open" and fine.value["findings"][0]["value"] is not None
    broken = groundup("audit", tiny_run, "--checks", "bias", "--limit", "pronoun_gap=0")
    assert broken.code == 1 and "BROKEN" in broken.out and "gate: closed" in broken.out
    alone = shutil.copytree(tiny_run / "8_release", tmp_path / "alone")
    secrets = groundup("audit", alone, "--checks", "privacy", "--limit", "secret_exposure_bits=5")
    assert secrets.code == 1 and "not measured" in secrets.out, "what was not looked at did not pass"
    wrong = groundup("audit", alone, "--checks", "byas")
    assert wrong.code == 2 and "Did you mean 'bias'?" in wrong.err
    assert groundup("audit", alone, "--limit", "pronoun_gap").code == 2


def test_an_exported_model_says_the_same(groundup: Groundup, tiny_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    assert groundup("export", tiny_run, "hf", "--out", out).code == 0
    assert not (out / "manifest.json").exists() and (out / "README.md").is_file()
    same = ["--prompt", "Once", "--max-tokens", "8", "--json"]
    assert groundup("generate", out, *same).value == groundup("generate", tiny_run, *same).value
    again = groundup("export", tiny_run, "hf", "--out", out)
    assert again.code == 2 and "not empty" in again.err


def test_verify_finds_one_changed_byte(groundup: Groundup, tiny_run: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(tiny_run, tmp_path / "tiny")
    assert groundup("verify", folder).code == 0
    shard = next((folder / "2_clean" / "documents").glob("*.parquet"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(bytes(data))
    result = groundup("verify", folder)
    assert result.code == 1 and f"CHANGED  2_clean\n         documents/{shard.name} was changed" in result.out
    assert result.out.count("CHANGED") == 1


def test_explain_writes_a_page(groundup: Groundup, tiny_run: Path, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    result = groundup("explain", tiny_run, "--prompt", "Who are you?", "--out", page, "--json").value
    assert result["words"] and result["answer"] in html.unescape(page.read_text(encoding="utf-8"))
    assert groundup("explain", tiny_run, "--text", "She walked.").code == 2, "a text alone is looked up: --sources"
