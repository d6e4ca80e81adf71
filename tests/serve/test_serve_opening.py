"""Several models and adapters in one process; what cannot talk says so; SIGTERM lets answers end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from fastapi.testclient import TestClient
from tiny_engine import speaker, tokenizer
from toy_speaker import ANSWER

from groundup.cli.main import main
from groundup.core.errors import ArtifactError, UsageError
from groundup.finetune import lora
from groundup.finetune.options import LoraOptions
from groundup.generate import Engine, Sampling
from groundup.model.bundle import Bundle, load, save
from groundup.serve.api import create_app
from groundup.serve.opening import Opener, with_adapter

HELLO = [{"role": "user", "content": "Who?"}]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    save(tmp_path / "base", speaker().engine.model, tokenizer())
    return tmp_path / "base"


def adapter(base: Path, folder: Path) -> Any:
    """An adapter that was tuned a little, and the model it makes when it is merged."""
    bundle = load(base, device="cpu")
    options = LoraOptions(rank=2)
    adapted = lora.attach(bundle.model, options, 1)
    torch.manual_seed(2)
    for parameter in adapted.learning().values():
        torch.nn.init.normal_(parameter, std=0.5)
    lora.export(folder, bundle.model, options)
    lora.merge(bundle.model)
    return bundle


def test_an_adapter_answers_as_the_merged_model_and_shares_its_weights(base: Path, tmp_path: Path) -> None:
    merged = adapter(base, tmp_path / "adapter")
    opened = load(base, device="cpu")
    beside = with_adapter(opened.model, tmp_path / "adapter")
    ids = torch.tensor([[50, 60, 70, 80]])
    with torch.inference_mode():
        wanted, plain = merged.model(ids), opened.model(ids)
        torch.testing.assert_close(beside(ids), wanted, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(wanted, plain, atol=1e-2)
    assert beside.embedding.tokens.weight.data_ptr() == opened.model.embedding.tokens.weight.data_ptr()
    query = beside.blocks[0].attention.query.linear
    assert query.weight.data_ptr() == opened.model.blocks[0].attention.query.weight.data_ptr()


def test_base_and_adapter_are_two_models_of_one_server(base: Path, tmp_path: Path) -> None:
    merged = adapter(base, tmp_path / "adapter")
    app = create_app(tmp_path / "runs", base, adapters={"tuned": tmp_path / "adapter"}, studio=False)
    sampling = Sampling(max_tokens=8)
    wanted = {
        "base": Engine(load(base, device="cpu")).chat(HELLO, sampling).text,
        "tuned": Engine(Bundle(merged.model, tokenizer(), merged.config, base)).chat(HELLO, sampling).text,
    }
    assert wanted["base"] != wanted["tuned"]
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert [one["id"] for one in client.get("/v1/models").json()["data"]] == ["base", "tuned"]
        for name in ("tuned", "base", "tuned"):
            body = {"model": name, "messages": HELLO, "max_tokens": 8}
            made = client.post("/v1/chat/completions", json=body).json()
            assert made["choices"][0]["message"]["content"] == wanted[name]


def test_an_adapter_that_does_not_fit_is_refused(base: Path, tmp_path: Path) -> None:
    model = load(base, device="cpu").model
    with pytest.raises(ArtifactError, match="holds no adapter"):
        with_adapter(model, tmp_path)
    adapter(base, tmp_path / "adapter")
    facts = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps({**facts, "peft_type": "OTHER"}))
    with pytest.raises(ArtifactError, match="no LoRA"):
        with_adapter(model, tmp_path / "adapter")


def test_a_model_that_does_not_continue_texts_is_not_served(base: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "architectures": ["Qwen3ForSequenceClassification"]}))
    with pytest.raises(UsageError, match="is a classifier"):
        Opener().open(base)


def test_the_command_makes_keys_and_refuses_what_does_not_belong(tmp_path: Path, capsys: Any) -> None:
    file = str(tmp_path / "keys.json")
    assert main(["serve", "demo", "--new-key", "site", "--role", "chat", "--at-once", "2", "--key-file", file]) == 0
    assert capsys.readouterr().out.startswith("gu-")
    stored = json.loads(Path(file).read_text())["keys"][0]
    assert (stored["name"], stored["role"], stored["at_once"]) == ("site", "chat", 2)
    assert main(["serve", "demo", "--role", "chat"]) == 2 and "--new-key" in capsys.readouterr().err
    assert main(["serve", "no such model"]) == 2
    assert main(["serve", "demo", "--new-key", "x", "--at-once", "0"]) == 2


SERVER = """
import sys; from pathlib import Path
sys.path.insert(0, sys.argv[1])
from toy_speaker import ToySpeaker
import uvicorn
from groundup.serve import api
make = api.create_app
api.create_app = lambda *given, **named: make(*given, open_speaker=lambda folder: ToySpeaker(folder, 0.05), **named)
api.serve(Path(sys.argv[2]), model="demo", port=int(sys.argv[3]), studio=False)
"""


def test_sigterm_lets_a_stream_end(runs_folder: Path) -> None:
    import socket
    import time

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [sys.executable, "-c", SERVER, str(Path(__file__).parent), str(runs_folder), str(port)]
    child = subprocess.Popen(arguments, env={**os.environ, "OMP_NUM_THREADS": "1"})
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            httpx.get(f"{address}/health")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    body = {"model": "demo", "messages": HELLO, "stream": True}
    with httpx.stream("POST", f"{address}/v1/chat/completions", json=body, timeout=30) as answer:
        lines = answer.iter_lines()
        said = [next(lines)]
        threading.Timer(0.05, lambda: child.send_signal(signal.SIGTERM)).start()
        said += list(lines)
    events = [json.loads(line[6:]) for line in said if line.startswith("data: {")]
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events) == ANSWER
    assert said[-2:].count("data: [DONE]") == 1
    child.wait(timeout=20)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{address}/health")
