"""Kept conversations: trees of turns, each key's its own; thumbs as data for tuning; answers that are gone on with."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from toy_speaker import ANSWER, ToySpeaker

from groundup.serve.api import create_app
from groundup.serve.keys import make_key, read_keys
from groundup.serve.store import Store, branch

TREE: list[dict[str, Any]] = [
    {"role": "system", "content": "", "parent": -1},
    {"role": "user", "content": "Who?", "parent": 0},
    {"role": "assistant", "content": "Mira.", "parent": 1, "model": "demo", "thumb": "up"},
    {"role": "assistant", "content": "Nobody.", "parent": 1, "model": "demo", "thumb": "down"},
    {"role": "user", "content": "Where?", "parent": 2},
]


def test_a_branch_is_the_way_from_the_first_turn_to_its_leaf() -> None:
    assert [turn["content"] for turn in branch(TREE, 4)] == ["", "Who?", "Mira.", "Where?"]
    assert [turn["content"] for turn in branch(TREE, 3)] == ["", "Who?", "Nobody."]
    assert branch([{"role": "user", "content": "a", "parent": 0}], 0)  # a ring ends


def test_a_tree_comes_back_as_it_was_kept(client: TestClient) -> None:
    assert client.put("/api/chats/tree-0001", json={"model": "demo", "messages": TREE, "leaf": 3}).status_code == 200
    found = client.get("/api/chats/tree-0001").json()
    assert found["messages"] == TREE and found["leaf"] == 3 and found["title"] == "Who?"
    ahead = [{"role": "user", "content": "a", "parent": 1}, {"role": "user", "content": "b"}]
    assert client.put("/api/chats/tree-0002", json={"model": "demo", "messages": ahead}).status_code == 400


def test_thumbs_become_lines_that_tuning_by_preference_reads(client: TestClient) -> None:
    from groundup.finetune.prefer import with_thumbs
    from groundup.finetune.shapes import example_of

    client.put("/api/chats/tree-0001", json={"model": "demo", "messages": TREE})
    answer = client.get("/api/thumbs")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["thumb"] for row in rows] == ["up", "down"] and set(rows[0]) == {"messages", "thumb"}
    assert rows[1]["messages"] == [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Nobody."}]
    examples = [example_of(row) for row in rows]
    assert len(with_thumbs(examples)) == len(examples) + 1  # one pair more


def test_conversations_from_before_they_had_owners_are_brought_over(tmp_path: Path) -> None:
    path = tmp_path / "studio.db"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE chats (id TEXT, model TEXT, title TEXT, messages TEXT, changed REAL)")
        old.execute("INSERT INTO chats VALUES ('chat-1234', 'demo', 'Hello', '[]', 1.0)")
    for _ in range(2):
        store = Store(path)
        assert [one["title"] for one in store.chats("")] == ["Hello"] and store.chats("office") == []
        store.close()


@pytest.fixture
def two_keys(runs_folder: Path, tmp_path: Path) -> Iterator[tuple[TestClient, dict[str, str], dict[str, str]]]:
    keys = [make_key(tmp_path / "keys.json", name) for name in ("anna", "ben")]
    app = create_app(runs_folder, open_speaker=ToySpeaker, keys=read_keys(tmp_path / "keys.json"))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client, *({"authorization": f"Bearer {key}"} for key in keys)  # type: ignore[misc]


def test_nobody_sees_keeps_or_forgets_what_another_key_said(
    two_keys: tuple[TestClient, dict[str, str], dict[str, str]],
) -> None:
    client, anna, ben = two_keys
    said = {"model": "demo", "messages": TREE}
    client.put("/api/chats/shared-id-1", json=said, headers=anna)
    assert client.get("/api/chats/shared-id-1", headers=ben).status_code == 404
    assert client.get("/api/chats", headers=ben).json() == {"chats": []}
    assert client.get("/api/thumbs", headers=ben).text == ""
    client.put("/api/chats/shared-id-1", json={**said, "messages": TREE[:2]}, headers=ben)
    client.delete("/api/chats/shared-id-1", headers=ben)
    assert client.get("/api/chats/shared-id-1", headers=anna).json()["messages"] == TREE


def test_an_answer_that_was_cut_off_is_gone_on_with(client: TestClient) -> None:
    begun = " ".join(ANSWER.split(" ")[:4])
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": begun}]
    body = {"model": "demo", "messages": turns, "continue_final_message": True}
    said = client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"]
    assert begun + said == ANSWER
    assert client.post("/v1/chat/completions", json={**body, "messages": turns[:1]}).status_code == 400
    held = {**body, "structured_outputs": {"choice": ["a"]}}
    assert client.post("/v1/chat/completions", json=held).status_code == 400
