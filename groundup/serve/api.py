"""The app: /v1 for programs, /api and the pages for people, one guard around all of it.

create_app(runs_folder, model=None)   the app, for tests and for other servers
serve(runs_folder, model=None)        the app on a port of this machine
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from groundup.core.errors import GroundupError, UsageError
from groundup.serve import openai, studio_api
from groundup.serve.guard import LOOPBACK, Guard
from groundup.serve.jobs import Jobs
from groundup.serve.models import Models
from groundup.serve.options import ServeOptions
from groundup.serve.store import Store
from groundup.serve.worker import Busy, Speaker, Worker

PAGES = Path(__file__).with_name("studio")
RETRY_SECONDS = "2"  # about one short answer


def create_app(
    runs_folder: Path,
    model: str | Path | None = None,
    *,
    options: ServeOptions | None = None,
    open_speaker: Callable[[Path], Speaker] | None = None,
) -> FastAPI:
    """The app. model: what the chat opens with (a run name, run folder or model folder).

    open_speaker: model folder -> Speaker; by default our engine, imported when the first question comes.
    """
    options = options or ServeOptions()
    runs_folder = Path(runs_folder)
    models = Models(runs_folder, model)
    store = Store(runs_folder / ".studio" / "studio.db")
    jobs = Jobs(runs_folder, store)

    def find(name: str) -> Speaker:
        folder = models.model_folder(name)
        if open_speaker is not None:
            return open_speaker(folder)
        from groundup.serve.speaker import open_model

        return open_model(folder)

    worker = Worker(find, max_waiting=options.max_waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        worker.close()
        store.close()

    # Its own documentation pages would load scripts from elsewhere; the schema alone is served.
    app = FastAPI(title="groundup", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.include_router(openai.routes(worker, models, options))
    app.include_router(studio_api.routes(models, store, jobs))
    _pages(app)
    _errors(app)
    app.add_middleware(
        Guard, hosts=frozenset({*options.allowed_hosts, options.host}), max_body_bytes=options.max_body_bytes
    )
    return app


def serve(runs_folder: Path, *, model: str | Path | None = None, host: str = "127.0.0.1", port: int = 8765) -> None:
    """Serve until Ctrl-C. Raises UsageError for an address off this machine, or a port that is taken."""
    import socket

    import uvicorn

    if host not in LOOPBACK:
        raise UsageError(
            f"{host} is not this machine alone, and the server has no keys yet.",
            repair=f"Reach it from elsewhere through a tunnel: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise UsageError(f"Port {port} is taken.", repair=f"Choose another one: --port {port + 1}") from None
    app = create_app(runs_folder, model, options=ServeOptions(host=host, port=port))
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2)


def _pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def studio() -> FileResponse:
        return FileResponse(PAGES / "index.html")

    @app.get("/health")
    def health() -> dict[str, str]:
        """Answers while the event loop turns, whatever the model is doing."""
        return {"status": "ok"}

    app.mount("/studio", StaticFiles(directory=PAGES), name="studio")


def _errors(app: FastAPI) -> None:
    """Every error in OpenAI's shape, on every path."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first: Any = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path")) or None
        rule = (
            "is not a known field" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        )
        message = f"{place}: {rule}." if place else f"{rule}."
        return JSONResponse(openai.error_body(message, param=place), status_code=400)

    @app.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> Response:
        body = openai.error_body(str(error), "rate_limit_error", code="busy")
        return JSONResponse(body, status_code=429, headers={"retry-after": RETRY_SECONDS})

    @app.exception_handler(GroundupError)
    async def ours(request: Request, error: GroundupError) -> Response:
        missing = isinstance(error, UsageError) and error.message.startswith("There is no ")
        return JSONResponse(openai.error_body(str(error)), status_code=404 if missing else 400)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return JSONResponse(openai.error_body(str(error.detail)), status_code=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def slip(request: Request, error: Exception) -> Response:
        return JSONResponse(openai.error_body("The server made a mistake.", "server_error"), status_code=500)
