"""A runs folder with one finished run, an app around it with a toy model, and the same app on a port."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

sys.path[:0] = [str(Path(__file__).parents[1] / "report"), str(Path(__file__).parent)]

from fabricated_run import fabricate  # noqa: E402
from port import on_a_port  # noqa: E402
from toy_speaker import ToySpeaker  # noqa: E402

from groundup.report import write  # noqa: E402
from groundup.serve.api import create_app  # noqa: E402
from groundup.serve.options import ServeOptions  # noqa: E402

HERE = "http://127.0.0.1"


@pytest.fixture(scope="session")
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studio") / "runs"
    write(fabricate(folder / "demo", count=150))
    fabricate(folder / "half", count=120, without=("6_evaluate", "7_audit", "8_release"), name="half")
    return folder


@pytest.fixture(scope="session")
def make_app(runs_folder: Path) -> Callable[..., FastAPI]:
    def make(pause: float = 0.0, folder: Path = runs_folder, **options: object) -> FastAPI:
        settings = ServeOptions.model_validate(options)
        return create_app(folder, options=settings, open_speaker=lambda model: ToySpeaker(model, pause))

    return make


@pytest.fixture
def client(make_app: Callable[..., FastAPI]) -> Iterator[TestClient]:
    with TestClient(make_app(), base_url=HERE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def address(make_app: Callable[..., FastAPI]) -> Iterator[str]:
    with on_a_port(make_app()) as address:
        yield address
