"""The app: /v1 for programs, /api and the pages for people, one guard around all of it.

create_app(runs_folder, model=None)   the app, for tests and for other servers
serve(runs_folder, model=None)        the app on a port: of this machine, or, with keys, of the network

With studio=False only /v1 and the probes are there, and only the models that were named: no pages, no runs, nothing is
written.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from groundup.core.errors import GroundupError, UsageError
from groundup.serve import inside_api, making_api, openai, studio_api, work_api
from groundup.serve.guard import COOKIE, LOOPBACK, Guard
from groundup.serve.jobs import Jobs
from groundup.serve.keys import Keys, default_file, read_keys
from groundup.serve.limits import Exceeded, Limits
from groundup.serve.metrics import Metered, Metrics
from groundup.serve.models import Models
from groundup.serve.options import ServeOptions
from groundup.serve.projects import Projects
from groundup.serve.slow import impatient
from groundup.serve.store import Store
from groundup.serve.worker import Busy, Late, Speaker, Worker

PAGES = Path(__file__).with_name("studio")
RETRY_SECONDS = "2"  # about one short answer


def create_app(
    runs_folder: Path,
    model: str | Path | Sequence[str | Path] | None = None,
    *,
    options: ServeOptions | None = None,
    open_speaker: Callable[[Path], Speaker] | None = None,
    keys: Keys | None = None,
    studio: bool = True,
    adapters: Mapping[str, Path] | None = None,
    weights: str = "fp32",
) -> FastAPI:
    """The app. model: what the chat opens with (a run name, run folder or model folder); several are served together.
    adapters: id -> folder of a LoRA adapter of the first model. weights: how models lie in memory (see generate.flat).

    open_speaker: model folder -> Speaker; by default our engine, imported when the first question comes.
    keys: who may ask; None asks nobody, for this machine only. studio: False leaves out the pages and /api.
    """
    options = options or ServeOptions()
    runs_folder = Path(runs_folder)
    models = Models(runs_folder, model, adapters=adapters, only_named=not studio and model is not None)
    metrics = Metrics()
    limits = Limits(keys.allowances if keys is not None else None)
    closing: list[Callable[[], None]] = []

    worker = Worker(
        _finder(models, options, weights, open_speaker),
        max_waiting=options.max_waiting,
        max_open=max(2, len(models.adapters) + (1 if model is None or isinstance(model, str | Path) else len(model))),
        guard=_content_guard(options.policy),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        worker.close()
        for close in closing:
            close()

    # Its own documentation pages would load scripts from elsewhere; the schema alone is served.
    app = FastAPI(title="groundup", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.include_router(openai.routes(worker, models, options, metrics, limits))
    if studio:
        closing += _studio(app, runs_folder, models, worker, options)
        _session(app, keys)
    _probes(app, worker, models, metrics)
    _errors(app)
    app.add_middleware(
        Guard,
        hosts=frozenset({*options.allowed_hosts, options.host}),
        max_body_bytes=options.max_body_bytes,
        max_file_bytes=options.max_file_bytes,
        keys=keys,
        read_seconds=options.read_seconds,
    )
    app.add_middleware(Metered, metrics=metrics)  # added last: the outermost, so that refusals are counted too
    return app


def serve(
    runs_folder: Path,
    *,
    model: str | Path | Sequence[str | Path] | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    studio: bool = True,
    key_file: Path | None = None,
    adapters: Mapping[str, Path] | None = None,
    weights: str = "fp32",
    **more: Any,
) -> None:
    """Serve until Ctrl-C. key_file: asks everybody for one of its keys; an address off this machine always asks.
    adapters, weights: as in `create_app`. more: further fields of ServeOptions.

    After SIGTERM nothing new is let in, and answers in work go on for `drain_seconds` (with the studio: 2, since its
    pages hold a stream open for ever).

    Raises UsageError for an address off this machine without keys, a key file without keys, or a port that is taken.
    """
    import socket

    import uvicorn

    keys = keys_for(host, port, key_file)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise UsageError(f"{host} is no address of this machine: {error.strerror}.") from None
            raise UsageError(f"Port {port} is taken.", repair=f"Choose another one: --port {port + 1}") from None
    options = ServeOptions(host=host, port=port, allowed_hosts=_names_of_this_machine(host), **more)
    app = create_app(runs_folder, model, options=options, keys=keys, studio=studio, adapters=adapters, weights=weights)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        http=impatient(options.read_seconds),
        limit_concurrency=options.max_connections,
        timeout_graceful_shutdown=2 if studio else round(options.drain_seconds),
    )


def _finder(
    models: Models, options: ServeOptions, weights: str, open_speaker: Callable[[Path], Speaker] | None
) -> Callable[[str], Speaker]:
    """Model id -> speaker. The engine is imported when the first question comes."""
    opener: Any = None

    def find(name: str) -> Speaker:
        nonlocal opener
        folder = models.model_folder(name)
        if open_speaker is not None:
            return open_speaker(folder)
        from groundup.serve.opening import Opener

        opener = opener or Opener(
            weights=weights,
            prefix_bytes=options.prefix_bytes,
            guess=options.guess_tokens,
            keep_bases=bool(models.adapters),
        )
        speaker: Speaker = opener.open(folder, models.adapters.get(name))
        return speaker

    return find


def _content_guard(policy: str) -> Any:
    """The content guard of a policy file; None without one."""
    if not policy:
        return None
    from groundup.audit.content import ContentGuard

    return ContentGuard.open(Path(policy))


def keys_for(host: str, port: int, key_file: Path | None) -> Keys | None:
    """The keys that an address asks for; None on this machine when no key file is named."""
    if host in LOOPBACK and key_file is None:
        return None
    path = key_file or default_file()
    keys = read_keys(path)
    if len(keys):
        return keys
    if host in LOOPBACK:
        raise UsageError(
            f"{path} holds no key.", repair=f"Make one: groundup serve MODEL --key-file {path} --new-key NAME"
        )
    raise UsageError(
        f"{host} is not this machine alone, and there is no key that others would need.",
        repair="Make one: groundup serve MODEL --new-key NAME\n"
        f"Or reach it through a tunnel: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE",
    )


def _names_of_this_machine(host: str) -> tuple[str, ...]:
    """Under which names a browser may call a server that listens on `host`; "0.0.0.0" and "::" listen on all."""
    import socket

    import psutil

    if host not in ("0.0.0.0", "::"):
        return ()
    addresses = [one.address.partition("%")[0] for many in psutil.net_if_addrs().values() for one in many]
    return (socket.gethostname(), socket.getfqdn(), *addresses)


def _studio(
    app: FastAPI, runs_folder: Path, models: Models, worker: Worker, options: ServeOptions
) -> list[Callable[[], None]]:
    """The pages and what they ask for. Returns what must be closed at the end."""
    store = Store(runs_folder / ".studio" / "studio.db")
    jobs = Jobs(runs_folder, store)
    projects = Projects(
        runs_folder / ".studio" / "projects", max_files=options.max_files, own_folders=options.host in LOOPBACK
    )
    bigger = {"generator_url": options.apps_url, "generator_model": options.apps_model} if options.apps_url else {}
    apps = work_api.Apps(projects, runs_folder / ".studio" / "apps", bigger)
    app.include_router(studio_api.routes(models, store, jobs))
    app.include_router(making_api.routes(projects, jobs))
    app.include_router(making_api.looks(models))
    app.include_router(work_api.routes(apps))
    app.include_router(work_api.window())
    app.include_router(inside_api.routes(models, worker))

    @app.get("/", include_in_schema=False)
    def studio() -> FileResponse:
        return FileResponse(PAGES / "index.html")

    app.mount("/studio", StaticFiles(directory=PAGES), name="studio")
    return [apps.close, store.close]


class Given(BaseModel):
    """A key, to be kept by the browser in a cookie that no script can read."""

    model_config = ConfigDict(extra="forbid")
    key: Annotated[str, Field(min_length=1, max_length=200)]


def _session(app: FastAPI, keys: Keys | None) -> None:
    @app.post("/api/session", include_in_schema=False)
    def session(given: Given) -> Response:
        """Let a browser in: the studio's pages cannot send the header themselves."""
        if keys is None or keys.role_of(given.key.strip()) is None:
            return JSONResponse(openai.error_body("This key is not known here."), status_code=401)
        answer = JSONResponse({"ok": True})
        answer.set_cookie(COOKIE, given.key.strip(), httponly=True, samesite="strict", path="/")
        return answer


def _probes(app: FastAPI, worker: Worker, models: Models, metrics: Metrics) -> None:
    @app.get("/health")
    def health() -> dict[str, str]:
        """Answers while the event loop turns, whatever the model is doing."""
        return {"status": "ok"}

    @app.get("/ready")
    def ready() -> Response:
        """200 when a question would be answered: the worker lives and there is a model."""
        count = len(models.model_ids())
        good = worker.is_alive and count > 0
        return JSONResponse({"status": "ready" if good else "not ready", "models": count}, 200 if good else 503)

    @app.get("/metrics")
    def counted() -> Response:
        """Counters for Prometheus."""
        gauges = {"requests_in_work": worker.in_work, "models_open": len(worker.speakers)}
        stores = [one.prefixes for one in list(worker.speakers.values()) if hasattr(one, "prefixes")]
        gauges |= {
            "prefix_bytes": sum(store.num_bytes for store in stores),
            "prefix_tokens_saved": sum(store.tokens_saved for store in stores),
        }
        return PlainTextResponse(metrics.text(gauges), media_type="text/plain; version=0.0.4")


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

    @app.exception_handler(Exceeded)
    async def exceeded(request: Request, error: Exceeded) -> Response:
        body = openai.error_body(str(error), "rate_limit_error", code="rate_limit_exceeded")
        return JSONResponse(body, status_code=429, headers={"retry-after": str(error.retry_seconds)})

    @app.exception_handler(Late)
    async def late(request: Request, error: Late) -> Response:
        body = openai.error_body(str(error), "server_error", code="deadline_passed")
        return JSONResponse(body, status_code=503, headers={"retry-after": RETRY_SECONDS})

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
