"""/api behind Make, Work, Look inside and Trust: files in, plans and answers out, hostile names refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from groundup.serve import jobs, projects

BYTES = {"content-type": "application/octet-stream"}
MANUAL = "# The kettle\n\nThe kettle boils one litre of water in three minutes. Descale it every month with vinegar.\n"


@pytest.fixture
def own(make_app: Callable[..., FastAPI], tmp_path: Path) -> Iterator[TestClient]:
    """A studio over an empty folder."""
    with TestClient(
        make_app(folder=tmp_path / "runs", max_file_bytes=5000, max_files=3), base_url="http://127.0.0.1"
    ) as client:
        yield client


def put(client: TestClient, name: str, text: str = MANUAL, project: str = "kettles") -> Any:
    return client.put(f"/api/projects/{project}/files/{name}", content=text.encode(), headers=BYTES)


def test_files_are_kept_listed_and_taken_out(own: TestClient, tmp_path: Path) -> None:
    assert put(own, "kettle.md").json() == {"name": "kettle.md", "bytes": len(MANUAL)}
    assert put(own, "kettle.md", "new").status_code == 200  # the same name again replaces it
    assert own.get("/api/projects/kettles").json() == {
        "files": [{"name": "kettle.md", "bytes": 3}],
        "own_folders": True,
    }
    assert (tmp_path / "runs/.studio/projects/kettles/documents/kettle.md").read_text() == "new"
    assert own.delete("/api/projects/kettles/files/kettle.md").status_code == 200
    assert own.get("/api/projects/kettles").json()["files"] == []
    assert own.delete("/api/projects/kettles/files/kettle.md").status_code == 404


@pytest.mark.parametrize(
    "name", [".hidden", "..", "%2e%2e%2fx", "a%2fb", "a%5cb", "a%00b", "x" * 200, "%E2%80%AEtxt.exe", "%20"]
)
def test_a_hostile_file_name_is_refused(own: TestClient, tmp_path: Path, name: str) -> None:
    assert put(own, name).status_code in (400, 403, 404, 405, 415)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "studio.db" not in path.name]


@pytest.mark.parametrize("project", ["..", "A", "a.b", "%2e%2e", "x" * 41, "-a"])
def test_a_hostile_project_name_is_refused(own: TestClient, project: str) -> None:
    assert put(own, "a.txt", project=project).status_code in (400, 404, 405, 415)


def test_files_have_bounds(own: TestClient) -> None:
    assert put(own, "big.txt", "x" * 6000).status_code == 413
    for number in range(3):
        assert put(own, f"{number}.txt").status_code == 200
    refused = put(own, "more.txt")
    assert refused.status_code == 400 and "at most 3 files" in refused.json()["error"]["message"]
    # A form or a JSON body cannot be written as a file, nor a file where JSON is wanted.
    assert own.put("/api/projects/a/files/b.txt", json={}).status_code == 415
    assert own.post("/api/runs", content=b"{}", headers=BYTES).status_code == 415


def test_a_cut_upload_leaves_nothing(tmp_path: Path) -> None:
    import asyncio

    async def cut() -> Any:
        yield b"half"
        raise ConnectionError

    kept = projects.Projects(tmp_path, max_files=3, own_folders=True)
    with pytest.raises(ConnectionError):
        asyncio.run(kept.keep("a", "b.txt", cut()))
    assert kept.files("a") == [] and not list((tmp_path / "a" / "documents").iterdir())


def test_documents_become_a_recipe_with_a_plan_and_a_run(
    own: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundup.budget.training_speed", lambda config, options, **_: 2e9 / config.width**2)
    begun: list[list[str]] = []

    class Started:
        pid = 1

        def __init__(self, command: list[str], **rest: Any) -> None:
            begun.append(command)

        def poll(self) -> int:
            return 0

    monkeypatch.setattr(jobs.subprocess, "Popen", Started)
    assert own.post("/api/projects/kettles/proposal", json={}).status_code == 400  # no documents yet
    assert own.post("/api/projects/kettles/start").status_code == 404  # no recipe yet
    put(own, "kettle.md")
    wish = {"purpose": 'Answer "kettle" questions', "minutes": 15}
    found = own.post("/api/projects/kettles/proposal", json=wish).json()
    assert found["found"]["documents"] == 1 and found["plan"]["budget_seconds"] == 900
    assert 'purpose = "Answer \\"kettle\\" questions"' in found["recipe"] and found["command"].startswith(
        "groundup new "
    )
    assert own.post("/api/projects/kettles/start").json() == {"id": "kettles"}
    place = tmp_path / "runs" / ".studio" / "projects" / "kettles" / "recipe.toml"
    assert begun[0][1:5] == ["-m", "groundup", "run", str(place)]
    assert begun[0][6] == str((tmp_path / "runs" / "kettles").resolve())


def test_a_folder_is_named_only_where_the_server_is_ones_own(tmp_path: Path) -> None:
    for own_folders, message in ((False, "only in the studio of this machine"), (True, "is not a folder")):
        kept = projects.Projects(tmp_path, max_files=3, own_folders=own_folders)
        with pytest.raises(Exception, match=message):
            kept.propose("a", folder="/nowhere/at/all", purpose="", minutes=5)


def test_every_application_is_listed_and_its_examples_work(client: TestClient) -> None:
    from groundup.apps.base import names

    listed = client.get("/api/apps").json()["apps"]
    assert [app["name"] for app in listed] == names()
    for app in listed:
        state = None
        for example in app["examples"]:
            made = client.post(f"/api/apps/{app['name']}/ask", json={"text": example, "state": state}).json()
            assert made["text"] and made["found"], (app["name"], example)


def test_a_citation_opens_at_its_place(client: TestClient) -> None:
    made = client.post("/api/apps/search/ask", json={"text": "How long do I have to return a lamp?"}).json()
    cited = made["citations"][0]
    text = client.get("/api/apps/search/document", params={"id": cited["document_id"]}).json()["text"]
    assert text[cited["start"] : cited["end"]] == cited["text"]
    assert client.get("/api/apps/search/document", params={"id": "nowhere"}).status_code == 404


def test_search_answers_from_uploaded_files_and_not_from_the_samples(own: TestClient) -> None:
    assert own.post("/api/apps/search/ask", json={"text": "x", "project": "kettles"}).status_code == 404
    put(own, "kettle.md")
    put(own, "broken.pdf", "no pdf at all")
    made = own.post("/api/apps/search/index/kettles").json()
    assert made["documents"] == 1 and made["problems"][0]["path"] == "broken.pdf"
    asked = {"text": "descale kettle", "project": "kettles"}
    answer = own.post("/api/apps/search/ask", json=asked).json()
    assert "every month" in answer["text"] and answer["citations"][0]["path"] == "kettle.md"
    lamp = {"text": "How long do I have to return a lamp?", "project": "kettles"}
    assert not own.post("/api/apps/search/ask", json=lamp).json()["found"]
    # A file that was taken out is forgotten at the next reading.
    own.delete("/api/projects/kettles/files/kettle.md")
    put(own, "other.md", "Nothing about it.")
    assert own.post("/api/apps/search/index/kettles").json()["removed"] == 1


@pytest.mark.parametrize(
    "body", [{}, {"text": 1}, {"text": "x", "state": "no"}, {"text": "x" * 20_001}, {"text": "x", "extra": 1}]
)
def test_what_is_no_question_is_refused(client: TestClient, body: Any) -> None:
    assert client.post("/api/apps/search/ask", json=body).status_code == 400


def test_an_unknown_application_is_not_found(client: TestClient) -> None:
    for name in ("nowhere", "..", "search%2f.."):
        assert client.post(f"/api/apps/{name}/ask", json={"text": "x"}).status_code in (404, 405)


def test_a_sentence_is_shown_as_tokens_and_what_may_come(client: TestClient) -> None:
    warm = client.post("/api/inside", json={"model": "demo", "text": "Once there was"}).json()
    assert [token["text"] for token in warm["tokens"]] == ["Once", "there", "was"] and warm["kept"] == 2
    cold = client.post("/api/inside", json={"model": "demo", "text": "Once", "temperature": 0}).json()
    assert cold["next"][0]["chosen"] == 1 and cold["kept"] == 1
    for wrong in ({"temperature": 3}, {"top_p": 0}, {"text": "x" * 3000}, {"model": "../demo"}):
        assert client.post("/api/inside", json={"model": "demo", "text": "x", **wrong}).status_code in (400, 404)


def test_documents_and_drops_come_in_pages_with_reasons(client: TestClient) -> None:
    first = client.get("/api/runs/demo/documents").json()
    second = client.get("/api/runs/demo/documents", params={"page": 2}).json()
    assert len(first["documents"]) == 10 and first["more"] and first["total"] > 100
    assert not {one["id"] for one in first["documents"]} & {one["id"] for one in second["documents"]}
    word = first["documents"][3]["text"].split()[0]
    found = client.get("/api/runs/demo/documents", params={"words": word.upper()}).json()["documents"]
    assert found and all(word.casefold() in one["text"].casefold() for one in found)
    dropped = client.get("/api/runs/demo/dropped").json()
    assert sum(one["count"] for one in dropped["reasons"]) == dropped["total"]
    kind = dropped["reasons"][-1]
    wanted = f"{kind['step']}/{kind['reason']}"
    rows = client.get("/api/runs/demo/dropped", params={"reason": wanted}).json()["documents"]
    assert rows and {(one["step"], one["reason"]) for one in rows} == {(kind["step"], kind["reason"])}
    assert client.get("/api/runs/demo/dropped", params={"page": 0}).status_code == 400


def test_trust_shows_scores_findings_gate_and_card(client: TestClient) -> None:
    found = client.get("/api/runs/demo/trust").json()
    assert {score["task"] for score in found["scores"]} >= {"stories_answers", "pronouns"}
    assert next(score for score in found["scores"] if score["task"] == "pronouns")["at_chance"]
    assert found["gate"] and found["findings"]
    nothing = {"scores": [], "findings": [], "gate": None, "card": "", "marks": {}, "released": False}
    assert client.get("/api/runs/half/trust").json() == nothing


def test_probes_and_counters(client: TestClient, own: TestClient) -> None:
    assert client.get("/ready").json() == {"status": "ready", "models": 2}
    assert own.get("/ready").status_code == 503 and own.get("/health").status_code == 200
    hello = {"model": "demo", "messages": [{"role": "user", "content": "Hello!"}]}
    client.post("/v1/chat/completions", json=hello)
    client.get("/api/runs/some-long-name-nobody-knows")
    text = client.get("/metrics").text
    assert 'groundup_requests_total{method="POST",route="/v1/chat/completions",status="200"} 1' in text
    assert 'groundup_tokens_total{kind="completion"} 15' in text and "groundup_requests_in_work" in text
    assert 'route="/api/runs/{name}",status="404"' in text and "nobody-knows" not in text
    assert 'groundup_request_seconds_bucket{route="/ready",le="+Inf"} 1' in text
    refused = client.get("/health", headers={"host": "evil.example"})
    assert refused.status_code == 403 and 'route="other",status="403"' in client.get("/metrics").text


def test_actions_data_and_the_window_for_other_sites(own: TestClient) -> None:
    listed = {app["name"]: app for app in own.get("/api/apps").json()["apps"]}
    for action in listed["writing"]["actions"]:
        made = own.post("/api/apps/writing/do", json={"action": action["name"], "values": action["example"]})
        assert made.status_code == 200 and made.json()["text"]
    assert own.post("/api/apps/writing/do", json={"action": "drat"}).status_code == 400
    assert own.post("/api/apps/writing/import", json={"data": {"own_words": ["groundup"]}}).json() == {"taken": 1}
    assert own.get("/api/apps/writing/export").json()["data"] == {"own_words": ["groundup"]}
    assert own.post("/api/apps/health/import", json={"data": {"passages": 3}}).status_code == 400
    window = own.get("/studio/embed/support")
    policy = window.headers["content-security-policy"]
    assert "frame-ancestors *" in policy and "script-src 'self'" in policy and "support_window.js" in window.text
    assert "frame-ancestors *" not in own.get("/").headers["content-security-policy"]
