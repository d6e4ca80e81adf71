"""/api: runs with their states, events that can be picked up again, conversations, sources, runs started from here."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from fabricated_run import fabricate, write_events
from fastapi import FastAPI
from fastapi.testclient import TestClient

from groundup.core.document import read_documents
from groundup.serve import jobs
from groundup.serve.events import lines_after, stream
from groundup.serve.models import Models, is_running
from groundup.serve.sources import find_sources, open_sources
from groundup.serve.store import Store


def test_home_names_runs_with_state_scores_and_models(client: TestClient) -> None:
    found = client.get("/api/home").json()
    runs = {run["id"]: run for run in found["runs"]}
    assert runs["demo"]["state"] == "done" and runs["half"]["state"] == "stopped"
    assert [score["task"] for score in runs["demo"]["scores"]][:2] == ["stories_answers", "stories_sentiment"]
    assert set(found["models"]) == {"demo", "half"}


def test_home_is_empty_without_a_runs_folder(make_app: Callable[..., FastAPI], tmp_path: Path) -> None:
    with TestClient(make_app(folder=tmp_path / "none"), base_url="http://127.0.0.1") as client:
        assert client.get("/api/home").json() == {"runs": [], "models": [], "first": ""}


def test_a_run_lists_its_stages_and_its_plan(client: TestClient) -> None:
    run = client.get("/api/runs/half").json()
    states = {stage["name"]: stage["state"] for stage in run["stages"]}
    assert states["finetune chat"] == "done" and states["evaluate"] == "waiting"
    assert run["plan"]["stages"]["pretrain"]["steps"] == 600


@pytest.mark.parametrize("name", ["nowhere", "..", "%2e%2e", "demo%2f4_pretrain", ".studio", "a" * 300])
def test_only_a_run_of_the_folder_has_an_address(client: TestClient, name: str) -> None:
    for path in (f"/api/runs/{name}", f"/api/runs/{name}/events", f"/api/runs/{name}/report"):
        assert client.get(path).status_code == 404


def test_the_report_comes_with_a_policy_that_forbids_scripts(client: TestClient) -> None:
    answer = client.get("/api/runs/demo/report")
    assert answer.status_code == 200 and "<h1>demo</h1>" in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_stream_tells_every_event_and_then_the_end(client: TestClient, runs_folder: Path) -> None:
    text = client.get("/api/runs/demo/events").text
    told = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    written = [json.loads(line) for line in (runs_folder / "demo" / "events.jsonl").read_text().splitlines()]
    assert told[:-1] == written and "event: end" in text


def test_a_stream_is_picked_up_after_the_last_event_seen(client: TestClient) -> None:
    text = client.get("/api/runs/demo/events").text
    ids = [line[4:] for line in text.splitlines() if line.startswith("id: ")]
    for place in (0, 1, len(ids) // 2, len(ids) - 2):
        rest = client.get("/api/runs/demo/events", headers={"last-event-id": ids[place]}).text
        assert [line[4:] for line in rest.splitlines() if line.startswith("id: ")][: len(ids) - place - 1] == ids[
            place + 1 :
        ]


@pytest.mark.parametrize("sent", ["-1", "x", "9" * 20, "999999999"])
def test_a_strange_last_event_starts_from_the_first(client: TestClient, sent: str) -> None:
    assert '"stage": "collect"' in client.get("/api/runs/demo/events", headers={"last-event-id": sent}).text


def test_a_half_written_event_waits_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"kind": "note"}\n{"kind": "st', encoding="utf-8")
    lines, place = lines_after(path, 0)
    assert [text for _, text in lines] == ['{"kind": "note"}'] and place == 17
    path.write_text('{"kind": "note"}\n{"kind": "step"}\n', encoding="utf-8")
    assert [text for _, text in lines_after(path, place)[0]] == ['{"kind": "step"}']


def test_events_written_while_one_listens_come_in_order_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    running = threading.Event()

    def write() -> None:
        for number in range(300):
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": "step", "step": number}) + "\n")
            time.sleep(0.001)
        running.set()

    async def listen() -> list[int]:
        found = []
        async for part in stream(path, 0, lambda: not running.is_set()):
            found += [json.loads(line[6:]).get("step") for line in part.splitlines() if line.startswith('data: {"')]
        return found

    writer = threading.Thread(target=write)
    writer.start()
    assert asyncio.run(listen()) == list(range(300))
    writer.join()


def test_a_run_is_running_while_its_lock_is_held(tmp_path: Path) -> None:
    if not Path("/proc/locks").is_file():
        pytest.skip("this system does not list its locks")
    (tmp_path / "recipe.toml").write_text("", encoding="utf-8")
    with open(tmp_path / ".lock", "w") as file:
        assert not is_running(tmp_path)
        fcntl.flock(file, fcntl.LOCK_EX)
        if not any("FLOCK" in line for line in Path("/proc/locks").read_text().splitlines()):
            pytest.skip("this container hides its locks")
        assert is_running(tmp_path)
    assert not is_running(tmp_path)


def test_a_model_folder_from_elsewhere_is_the_first_choice(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    fabricate(runs / "demo", count=120)
    models = Models(runs, runs / "demo" / "5_finetune" / "chat" / "model") if _pipeline_opens() else None
    if models is None:
        pytest.skip("the pipeline cannot be imported yet")
    assert models.first in ("demo", "model") and models.model_ids()[0] == models.first


def _pipeline_opens() -> bool:
    try:
        import groundup.pipeline  # noqa: F401
    except ImportError:
        return False
    return True


def test_conversations_outlive_the_server(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.db")
    store.save_chat("", "chat-1234", "demo", [{"role": "user", "content": "Hello\nthere"}])
    store.close()
    again = Store(tmp_path / "studio.db")
    assert again.chats("")[0]["title"] == "Hello there"
    found = again.chat("", "chat-1234")
    assert found is not None and found["messages"][0]["content"] == "Hello\nthere"
    again.close()


def test_conversations_are_kept_listed_and_forgotten(client: TestClient) -> None:
    body = {"model": "demo", "messages": [{"role": "user", "content": "<b>Hi</b>"}]}
    assert client.put("/api/chats/abcd-1234", json=body).status_code == 200
    assert client.get("/api/chats").json()["chats"][0]["id"] == "abcd-1234"
    assert client.get("/api/chats/abcd-1234").json()["messages"] == body["messages"]
    client.delete("/api/chats/abcd-1234")
    assert client.get("/api/chats/abcd-1234").status_code == 404
    assert client.put("/api/chats/../x", json=body).status_code in (404, 405)
    assert client.put("/api/chats/UPPER-CASE-1", json=body).status_code == 400


def test_sources_are_spans_of_the_text_with_documents_that_hold_them(client: TestClient, runs_folder: Path) -> None:
    text = "Mira said: Behind the door stood an old box, and in the box lay the sun."
    spans = client.post("/api/sources", json={"model": "demo", "text": text}).json()["spans"]
    longest = max(spans, key=lambda span: len(span["text"]))
    assert "door stood an old box, and in the box lay the" in longest["text"]
    texts = {document.id: document.text for document in read_documents(runs_folder / "demo" / "2_clean" / "documents")}
    for span in spans:
        assert text[span["start"] : span["end"]] == span["text"] and span["count"] >= len(span["documents"]) > 0
        for document in span["documents"]:
            assert span["text"].strip() in texts[document["id"]]
            assert document["excerpt"][document["start"] : document["end"]] == span["text"].strip()
            assert document["licence"] == "CC0-1.0" and document["path"].startswith("story")


def test_spans_do_not_overlap_and_follow_the_text(runs_folder: Path) -> None:
    opened = open_sources(runs_folder / "demo")
    document = next(read_documents(runs_folder / "demo" / "2_clean" / "documents"))
    spans = find_sources(opened, document.text[10:] + " \u2603 " + document.text[:60])
    places = [(span["start"], span["end"]) for span in spans]
    assert places == sorted(places)
    assert all(one[1] <= two[0] for one, two in pairwise(places))


def test_a_run_without_an_index_says_how_to_get_one(client: TestClient, runs_folder: Path) -> None:
    answer = client.post("/api/sources", json={"model": "nowhere", "text": "x"})
    assert answer.status_code == 404
    assert client.post("/api/sources", json={"model": "demo", "text": "x" * 5000}).status_code == 400


def test_only_known_recipes_can_be_started(client: TestClient) -> None:
    for recipe in ("nowhere", "../demo", "/etc/passwd", "--help"):
        assert client.post("/api/runs", json={"recipe": recipe}).status_code == 404


def test_a_started_run_is_a_process_whose_end_and_error_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stand-in for the interpreter: it is called as the real one is, and writes what a run would write.
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\nimport sys\nprint('Error: no room', sys.argv[1:])\nsys.exit(1)\n")
    script.chmod(0o755)
    monkeypatch.setattr(jobs.sys, "executable", str(script))
    store = Store(tmp_path / "studio.db")
    started = jobs.Jobs(tmp_path / "runs", store)
    started.start("demo")
    assert started.wait("demo", 20)
    words = started.error_of("demo")
    assert "no room" in words and "'-m', 'groundup', 'run', 'demo', '--out'" in words
    store.close()


def test_a_run_is_stopped_only_by_the_studio_that_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text(
        f"#!{sys.executable}\nimport time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(130)\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr(jobs.sys, "executable", str(script))
    store = Store(tmp_path / "studio.db")
    started = jobs.Jobs(tmp_path / "runs", store)
    started.start("demo")
    with pytest.raises(Exception, match="already running"):
        started.start("demo")
    time.sleep(0.5)
    started.stop("demo")
    assert started.wait("demo", 20) and started.error_of("demo") == ""
    with pytest.raises(Exception, match="not started here"):
        started.stop("demo")
    # A number that now belongs to another process is not ours.
    store.remember_start("other", os.getpid(), 1.0)
    assert not started.is_alive("other")
    store.close()


def test_a_run_that_begins_anew_is_told_from_the_start(tmp_path: Path) -> None:
    write_events(tmp_path, steps=10)
    size = (tmp_path / "events.jsonl").stat().st_size
    assert lines_after(tmp_path / "events.jsonl", size + 1)[0][0][0] < size
