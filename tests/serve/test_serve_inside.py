"""Look inside, Trust and Make over /api: heads, vectors, reasons, architecture; examples won and lost; a recipe as a form;
a run held and let go; a release with its waiver."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fabricated_run import fabricate
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tiny_engine import speaker

from groundup.core.errors import RecipeError, UsageError
from groundup.core.files import read_json, write_json
from groundup.serve import jobs
from groundup.serve.api import create_app
from groundup.serve.models import Models
from groundup.serve.projects import Projects
from groundup.serve.store import Store


@pytest.fixture(scope="module")
def real(runs_folder: Path) -> Iterator[TestClient]:
    with TestClient(create_app(runs_folder, open_speaker=speaker), base_url="http://127.0.0.1") as client:
        yield client


def test_heads_and_vectors_of_a_sentence(real: TestClient) -> None:
    body = {"model": "demo", "text": "there was a fox", "layer": 1, "place": 2}
    seen = real.post("/api/inside/deeper", json=body).json()
    T = len(seen["tokens"])
    assert seen["layers"] == 2 and seen["heads"] == 4 and seen["place"] == 2
    assert all(sum(row) == pytest.approx(1, abs=0.01) for head in seen["attention"] for row in head)
    assert all(not any(row[t + 1 :]) for head in seen["attention"] for t, row in enumerate(head))
    assert len(seen["vectors"]) == 3 and len(seen["vectors"][0]) == 32 and len(seen["lens"]) == 3
    last = real.post("/api/inside/deeper", json={**body, "place": -1, "layer": 99}).json()
    assert last["place"] == T - 1
    assert real.post("/api/inside/deeper", json={**body, "model": "nowhere"}).status_code == 404


def test_an_answer_tells_how_sure_the_model_was_of_each_token(real: TestClient) -> None:
    turns = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "a fox in the mill"}]
    tokens = real.post("/api/sureness", json={"model": "demo", "messages": turns}).json()["tokens"]
    assert "".join(one["text"] for one in tokens) == "a fox in the mill"
    for one in tokens:
        assert 0 <= one["probability"] <= 1 and len(one["others"]) == 5
        assert one["probability"] <= max(other["probability"] for other in one["others"]) + 1e-5


def test_why_names_the_words_of_the_question(real: TestClient) -> None:
    asked = {"model": "demo", "question": "who was in the mill", "answer": "a fox"}
    found = real.post("/api/why", json=asked).json()
    words = [one["text"] for one in found["words"] if not one["frame"]]
    assert "".join(words).split() == ["who", "was", "in", "the", "mill"] and found["target"] == "a fox"
    assert [one["layer"] for one in found["layers"]] == [0, 1, 2]


def test_the_architecture_is_read_from_the_heads_of_the_files(client: TestClient, runs_folder: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    folder = Models(runs_folder).model_folder("demo")
    save_file({"model.norm.weight": np.zeros(3, np.float32)}, folder / "extra.safetensors")
    try:
        found = client.get("/api/models/demo/architecture").json()
    finally:
        (folder / "extra.safetensors").unlink()
    assert {"name": "model.norm.weight", "shape": [3]} in found["tensors"]
    assert found["config"] == read_json(folder / "config.json")
    assert client.get("/api/models/nowhere/architecture").status_code == 404


def test_examples_are_told_apart_by_their_mark(client: TestClient) -> None:
    trust = client.get("/api/runs/demo/trust").json()
    task, marks = next(iter((task, marks) for task, marks in trust["marks"].items() if marks))
    for kind in ("won", "lost"):
        found = client.get(f"/api/runs/demo/items?task={task}&mark={marks[0]}&kind={kind}").json()
        assert len(found["items"]) == min(10, found["counts"][kind])
        assert all((one["mark"] >= 0.5) == (kind == "won") for one in found["items"])
    assert client.get("/api/runs/demo/items?task=../x&mark=a").status_code == 400
    assert client.get("/api/runs/demo/items?task=nothing&mark=a").json()["counts"] == {"won": 0, "lost": 0}


def test_a_recipe_says_what_it_may_hold(client: TestClient) -> None:
    schema = client.get("/api/recipe").json()
    assert {"collect", "clean", "pretrain", "finetune", "audit"} <= set(schema["properties"])


def test_two_runs_are_told_beside_each_other(make_app: Callable[..., FastAPI], tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = fabricate(tmp_path / "runs" / name, count=120, name=name) / "6_evaluate"
        scores = read_json(folder / "scores.json")  # only this task has its items in a fabricated run
        write_json(folder / "scores.json", [score for score in scores if score["task"] == "stories_answers"])
    fabricate(tmp_path / "runs" / "half", count=120, without=("6_evaluate",), name="half")
    with TestClient(make_app(folder=tmp_path / "runs"), base_url="http://127.0.0.1") as client:
        found = client.get("/api/compare?a=one&b=two").json()
        assert found["rows"] and all(row["difference"] == 0 and row["p"] == 1 for row in found["rows"])
        assert found["runs"][0]["losses"] and found["runs"][0]["scores"] == found["runs"][1]["scores"]
        apart = client.get("/api/compare?a=one&b=half").json()
        assert apart["rows"] == [] and apart["problem"] and apart["runs"][1]["scores"] == {}
        assert client.get("/api/compare?a=one&b=nowhere").status_code == 404


@pytest.fixture
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Projects:
    monkeypatch.setattr("groundup.budget.training_speed", lambda config, options, **_: 2e9 / config.width**2)
    monkeypatch.setattr("groundup.budget.text_speed", lambda: 1.0)
    (tmp_path / "projects" / "mine" / "documents").mkdir(parents=True)
    (tmp_path / "projects" / "mine" / "documents" / "a.txt").write_text("A fox lived in the mill. " * 30)
    return Projects(tmp_path / "projects", max_files=10, own_folders=False)


def test_a_recipe_changed_in_the_form_or_as_toml_is_planned_anew(projects: Projects) -> None:
    documents = str((projects.place("mine") / "documents").absolute())
    first = projects.rewrite("mine", {"collect": {"mine": {"from": documents}}, "budget": "30m"})
    assert first["plan"]["stages"]["pretrain"] and projects.recipe("mine").read_text() == first["recipe"]
    values = {**first["values"], "pretrain": {"steps": 7}}
    changed = projects.rewrite("mine", values)
    assert "steps = 7" in changed["recipe"] and changed["plan"]["stages"]["pretrain"]["steps"] == 7
    again = projects.rewrite("mine", changed["recipe"].replace("steps = 7", "steps = 8  # more"))
    assert again["values"]["pretrain"] == {"steps": 8} and "# more" in projects.recipe("mine").read_text()
    with pytest.raises(RecipeError, match="step"):
        projects.rewrite("mine", {**values, "pretrain": {"stepps": 7}})
    assert "# more" in projects.recipe("mine").read_text()  # the good one stays


@pytest.mark.parametrize(
    "values",
    [
        {"collect": {"a": {"from": "/etc"}}},
        {"collect": {"a": {"from": "https://example.org/x"}}},
        {"collect": {"a": {"from": "secrets"}}},
        {"collect": {"a": {"from": "samples:stories"}}, "model": {"from": "/models/x"}},
        {"collect": {"a": {"from": "samples:stories"}}, "finetune": {"chat": {"data": ["../private.jsonl"]}}},
        {"collect": {"a": {"from": "samples:stories"}}, "audit": {"data": "C:\\\\data"}},
    ],
)
def test_over_a_network_a_recipe_reads_no_other_place(projects: Projects, values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="only the project's own files"):
        projects.rewrite("mine", values)


SLEEPER = (
    "#!{python}\nimport signal, time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(130)\n"
)


def test_a_run_is_held_let_go_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text(SLEEPER.format(python=sys.executable))
    script.chmod(0o755)
    monkeypatch.setattr(jobs.sys, "executable", str(script))
    store = Store(tmp_path / "studio.db")
    started = jobs.Jobs(tmp_path / "runs", store)
    started.start("demo")
    time.sleep(0.5)
    started.pause("demo")
    until(lambda: started.is_paused("demo"))
    started.resume("demo")
    until(lambda: not started.is_paused("demo"))
    started.pause("demo")
    until(lambda: started.is_paused("demo"))
    started.stop("demo")  # a held process hears it too
    assert started.wait("demo", 20) and started.error_of("demo") == ""
    with pytest.raises(UsageError, match="not started here"):
        started.pause("demo")
    store.close()


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_broken_limit_is_released_only_with_a_written_reason(
    make_app: Callable[..., FastAPI], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fabricate(tmp_path / "runs" / "bad", count=120, without=("8_release",), name="bad")
    gate = {"passed": False, "state": "closed", "broken": ["pronoun_gap"], "reasons": {"pronoun_gap": "it is 0.4"}}
    write_json(folder / "7_audit" / "gate.json", gate)
    begun: list[list[str]] = []
    monkeypatch.setattr(jobs.Jobs, "is_alive", lambda self, run: False)

    def popen(command: list[str], **_: Any) -> Any:
        begun.append(command)
        return real_popen([sys.executable, "-c", ""])

    real_popen = jobs.subprocess.Popen
    monkeypatch.setattr(jobs.subprocess, "Popen", popen)
    with TestClient(make_app(folder=tmp_path / "runs"), base_url="http://127.0.0.1") as client:
        for reasons in ({}, {"pronoun_gap": "  "}, {"other": "x"}):
            refused = client.post("/api/runs/bad/release", json={"reasons": reasons})
            assert refused.status_code == 400 and "pronoun_gap" in refused.json()["error"]["message"]
        given = {"pronoun_gap": 'Anna accepts it: "a toy"'}
        assert client.post("/api/runs/bad/release", json={"reasons": given}).status_code == 201
    command = begun[0]
    assert command[4:5] == ["release"] or "release" in command
    assert f"audit.waive.pronoun_gap={json.dumps(given['pronoun_gap'])}" in command
