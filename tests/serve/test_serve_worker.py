"""The worker never blocks the event loop, frees what is given up, and survives a broken model; the real engine fits it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fabricated_run import write_model
from fastapi import FastAPI
from fastapi.testclient import TestClient
from port import on_a_port
from toy_speaker import ANSWER, ToySpeaker

from groundup.serve.api import create_app
from groundup.serve.worker import Job, Worker

FIELDS = {"model": "demo", "sampling": {"n": 1, "max_tokens": 50}, "text": "x"}


async def text_of(worker: Worker, **more: object) -> str:
    return "".join([piece.text async for piece in worker.answer({**FIELDS, **more}, deadline_seconds=30)])


def test_many_answers_at_once_are_all_whole() -> None:
    worker = Worker(lambda name: ToySpeaker(Path(name)))

    async def many() -> list[str]:
        return await asyncio.gather(*(text_of(worker, text=f"say {number} of twenty") for number in range(20)))

    assert asyncio.run(many()) == [f"{number} of twenty" for number in range(20)]
    worker.close()


def test_leaving_a_stream_frees_its_place() -> None:
    worker = Worker(lambda name: ToySpeaker(Path(name), 0.01), max_waiting=1)

    async def leave() -> None:
        stream = worker.answer(FIELDS, deadline_seconds=30)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0.2)
        assert await text_of(worker) == ANSWER

    asyncio.run(leave())
    worker.close()


def test_a_broken_model_tells_its_jobs_and_is_opened_anew() -> None:
    class Broken(ToySpeaker):
        def step(self) -> None:
            raise MemoryError("no room")

    opened: list[ToySpeaker] = []

    def find(name: str) -> ToySpeaker:
        opened.append(Broken(Path(name)) if not opened else ToySpeaker(Path(name)))
        return opened[-1]

    worker = Worker(find)
    with pytest.raises(MemoryError):
        asyncio.run(text_of(worker))
    assert asyncio.run(text_of(worker)) == ANSWER and len(opened) == 2
    worker.close()


def test_at_most_two_models_stay_open() -> None:
    worker = Worker(lambda name: ToySpeaker(Path(name)))
    for name in ("a", "b", "a", "c"):
        asyncio.run(text_of(worker, model=name))
    assert list(worker.speakers) == ["a", "c"]
    worker.close()


def test_the_server_answers_while_the_model_thinks(make_app: Callable[..., FastAPI]) -> None:
    with on_a_port(make_app(pause=0.3)) as address:
        import threading
        import urllib.request

        body = b'{"model": "demo", "messages": [{"role": "user", "content": "say a b c d"}]}'
        request = urllib.request.Request(f"{address}/v1/chat/completions", body, {"content-type": "application/json"})
        answers: list[bytes] = []
        thread = threading.Thread(target=lambda: answers.append(urllib.request.urlopen(request, timeout=30).read()))
        thread.start()
        time.sleep(0.2)
        assert urllib.request.urlopen(f"{address}/health", timeout=5).status == 200
        assert thread.is_alive() and not answers  # the model was still at it
        thread.join()
        assert b"a b c d" in answers[0]


def test_the_real_engine_speaks_through_the_server(runs_folder: Path, tmp_path: Path) -> None:
    import shutil

    from groundup.generate.engine import Engine
    from groundup.generate.sampling import Sampling
    from groundup.model.bundle import load

    runs = tmp_path / "runs"
    shutil.copytree(runs_folder / "demo", runs / "demo")
    folder = write_model(runs / "demo" / "5_finetune" / "chat" / "model", runs / "demo" / "3_tokenizer" / "tokenizer")
    shutil.rmtree(runs / "demo" / "8_release")
    engine = Engine(load(folder))
    sampling = Sampling(max_tokens=12, temperature=1.0, seed=5)
    turns = [{"role": "user", "content": "Hello!"}]
    expected = engine.chat(turns, sampling)
    request = {"model": "demo", "messages": turns, "max_tokens": 12, "temperature": 1.0, "seed": 5}
    with TestClient(create_app(runs), base_url="http://127.0.0.1") as client:
        made = client.post("/v1/chat/completions", json=request).json()
        assert made["choices"][0]["message"]["content"] == expected.text
        assert made["usage"]["completion_tokens"] == len(expected.ids)
        several = client.post("/v1/chat/completions", json={**request, "n": 3}).json()["choices"]
        assert (
            several[0]["message"]["content"] == expected.text
            and len({one["message"]["content"] for one in several}) > 1
        )
        streamed = client.post("/v1/chat/completions", json={**request, "stream": True}).text
        assert "data: [DONE]" in streamed
        long = {**request, "messages": [{"role": "user", "content": "word " * 500}]}
        assert client.post("/v1/chat/completions", json=long).status_code == 400
        strange = client.post("/v1/chat/completions", json={**request, "logit_bias": {"99999": 1}})
        assert strange.status_code == 400 and "vocabulary" in strange.json()["error"]["message"]
        after = client.post("/v1/completions", json={"model": "demo", "prompt": "Mira went", "max_tokens": 3}).json()
        assert after["usage"]["completion_tokens"] <= 3


def test_a_job_given_up_before_its_turn_is_never_begun() -> None:
    told: list[object] = []
    worker = Worker(lambda name: ToySpeaker(Path(name)))
    job = Job(emit=told.append, **FIELDS)  # type: ignore[arg-type]
    job.cancelled.set()
    worker.submit(job)
    worker.close()
    assert len(told) == 1 and isinstance(told[0], Exception)
