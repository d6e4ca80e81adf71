"""`groundup app`, and the servers: started, asked, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Groundup = Callable[..., Any]


def test_one_question_is_answered_with_its_source(groundup: Groundup) -> None:
    result = groundup("app", "search", "How long do I have to return a lamp?")
    assert result.code == 0 and ".md, characters " in result.out
    value = groundup("app", "search", "How long do I have to return a lamp?", "--json").value
    assert value["found"] and value["citations"][0]["text"]


def test_search_reads_the_users_own_documents(groundup: Groundup, tmp_path: Path) -> None:
    (tmp_path / "moon.md").write_text("# The moon\n\nThe moon of Zemlya is called Orlet and it is green.\n")
    result = groundup("app", "search", "--folder", tmp_path, "What is the moon of Zemlya called?")
    assert result.code == 0 and "Orlet" in result.out and "[moon.md, characters" in result.out
    assert [path.name for path in tmp_path.iterdir()] == ["moon.md"], "nothing is written among the user's documents"
    assert groundup("app", "search", "--folder", tmp_path / "nowhere", "x").code == 1
    (tmp_path / "empty").mkdir()
    assert "holds no document" in groundup("app", "search", "--folder", tmp_path / "empty", "x").err


def test_a_conversation_from_a_pipe_keeps_its_state(groundup: Groundup) -> None:
    talk = "Where is my order GU-1003?\ndavid.demir@example.com\n"
    rows = [json.loads(line) for line in groundup("app", "support", "--json", stdin=talk).out.splitlines()]
    assert len(rows) == 2 and "e-mail" in rows[0]["text"] and "GU-1003" in rows[1]["text"]
    asked = groundup("app", "tutor", stdin="Give me an arithmetic exercise\n0\n").out.splitlines()
    assert asked[0].endswith("?") and "=" in asked[1], "the second line is taken as the answer to the first"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@pytest.mark.parametrize("verb", ["studio", "serve"])
def test_a_server_starts_answers_and_stops_on_ctrl_c(verb: str, tiny_run: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "groundup", verb, str(tiny_run), "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    try:
        base, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while fetch(f"{base}/health")[0] != 200 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        assert "tiny" in fetch(f"{base}/v1/models")[1]
        assert fetch(base)[0] == (200 if verb == "studio" else 404)
        assert fetch(f"{base}/api/chats")[0] == (200 if verb == "studio" else 404)
        taken = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()}
        )
        assert (
            taken.returncode == 2 and f"Port {port} is taken.\n  Choose another one: --port {port + 1}" in taken.stderr
        )
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode in (0, 130) and "Traceback" not in errors.decode()
    assert f"http://127.0.0.1:{port}/" in errors.decode()
    if verb == "serve":
        assert list(tmp_path.iterdir()) == [], "a server of one model writes nothing"


def test_a_server_for_others_is_refused(groundup: Groundup, tiny_run: Path) -> None:
    result = groundup("serve", tiny_run, "--host", "0.0.0.0")
    assert result.code == 2 and "ssh -L" in result.err
