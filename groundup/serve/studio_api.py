"""/api: what the studio's pages ask for. Runs and their events, conversations, where a text comes from."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from groundup.core.errors import GroundupError, UsageError
from groundup.report.read import Run
from groundup.serve.events import stream
from groundup.serve.guard import HEADERS
from groundup.serve.jobs import Jobs
from groundup.serve.limits import owner_of
from groundup.serve.models import Models, is_running
from groundup.serve.options import MAX_MESSAGES, MAX_TEXT
from groundup.serve.sources import Opened, find_sources, open_sources
from groundup.serve.store import Store

# The report brings its own style and no script; it is shown in a frame that may do nothing else.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-same-origin"
)
MAX_TURNS = 4 * MAX_MESSAGES  # of one conversation, those that were asked anew included; taste
MAX_TRACED = 4000  # characters of one question for sources; an answer is far shorter

ChatId = Annotated[str, Field(pattern=r"^[a-z0-9-]{8,64}$")]


class Start(BaseModel):
    """Start or continue a run."""

    model_config = ConfigDict(extra="forbid")
    recipe: Annotated[str, Field(min_length=1, max_length=100)]


class Waiver(BaseModel):
    """Why a model is released although a limit is broken: a reason for each, by the limit's name."""

    model_config = ConfigDict(extra="forbid")
    reasons: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")], Annotated[str, Field(max_length=500)]] = {}


class Question(BaseModel):
    """Where does this text come from?"""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_TRACED)]


class Turn(BaseModel):
    """One turn of a kept conversation."""

    model_config = ConfigDict(extra="forbid")
    role: Annotated[str, Field(pattern="^(system|user|assistant)$")]
    content: Annotated[str, Field(max_length=MAX_TEXT)]
    parent: Annotated[int, Field(ge=-1, lt=MAX_TURNS)] | None = None  # the turn before it; None: the one written before
    model: Annotated[str, Field(max_length=200)] | None = None  # who said it
    thumb: Literal["up", "down"] | None = None  # what its reader thought of it


class Chat(BaseModel):
    """A conversation to keep: a tree, since a question can be asked anew and an answer given twice."""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    messages: Annotated[list[Turn], Field(max_length=MAX_TURNS)]
    leaf: Annotated[int, Field(ge=-1, lt=MAX_TURNS)] = -1  # the last turn that is shown; -1: the last one written

    @model_validator(mode="after")
    def _is_a_tree(self) -> Chat:
        if any(turn.parent is not None and turn.parent >= place for place, turn in enumerate(self.messages)):
            raise ValueError("a turn follows one that was written before it")
        return self


def openers() -> list[str]:
    """Three first questions that work on any model tuned with our small talk."""
    from groundup.collect.samples.small_talk import OPENERS

    return list(OPENERS[:3])


def routes(models: Models, store: Store, jobs: Jobs) -> APIRouter:
    """The /api routes."""
    router = APIRouter(prefix="/api", tags=["studio"])
    sources = _Sources(models)

    @router.get("/home")
    def home() -> dict[str, Any]:
        """Everything the first page shows."""
        return {"runs": [_run(info.id) for info in models.runs()], "models": models.model_ids(), "first": models.first}

    @router.get("/openers")
    def first_questions() -> dict[str, Any]:
        """Opening prompts for a chat."""
        return {"openers": openers()}

    @router.post("/runs")
    def start(request: Start) -> Response:
        """Start the run of a shipped recipe, or continue one that is here."""
        return JSONResponse({"id": jobs.start(request.recipe)}, status_code=201)

    @router.get("/runs/{name}")
    def run(name: str) -> dict[str, Any]:
        """One run: stages, scores, plan."""
        info = _run(name)
        plan = Run(_folder(name)).json("plan.json")
        return {**info, "plan": plan if isinstance(plan, dict) else {}}

    @router.post("/runs/{name}/stop")
    def stop(name: str) -> dict[str, Any]:
        """Save and stop a run that was started here."""
        jobs.stop(name)
        return {"id": name}

    @router.post("/runs/{name}/pause")
    def pause(name: str) -> dict[str, Any]:
        """Hold a run that was started here; its memory stays as it is."""
        jobs.pause(name)
        return {"id": name}

    @router.post("/runs/{name}/resume")
    def resume(name: str) -> dict[str, Any]:
        """Let a paused run go on."""
        jobs.resume(name)
        return {"id": name}

    @router.post("/runs/{name}/release")
    def release(name: str, waiver: Waiver) -> Response:
        """Release an audited run. Broken limits need a written reason each; it stands in the card."""
        gate = Run(models.run_folder(name)).json("7_audit/gate.json")
        if not isinstance(gate, dict):
            raise UsageError(f"{name} is not audited yet: nobody has looked at this model.")
        lacking = [limit for limit in gate.get("broken", []) if not waiver.reasons.get(limit, "").strip()]
        if lacking:
            raise UsageError(f"A reason is needed for: {', '.join(lacking)}.")
        reasons = {f"audit.waive.{limit}": waiver.reasons[limit].strip() for limit in gate.get("broken", [])}
        started = jobs.start(name, stages=["release"], set_=reasons)
        return JSONResponse({"id": started}, status_code=201)

    @router.get("/runs/{name}/events")
    def events(name: str, last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
        """What happened so far and what happens next, as server-sent events."""
        folder = _folder(name)
        place = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 16 else 0
        body = stream(folder / "events.jsonl", place, lambda: is_running(folder) or jobs.is_alive(name))
        return StreamingResponse(body, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    @router.get("/runs/{name}/report")
    def report(name: str) -> Response:
        """The report of a run."""
        path = models.run_folder(name) / "report.html"
        if not path.is_file():
            raise UsageError(f"{name} has no report yet.")
        headers = {**HEADERS, "content-security-policy": REPORT_POLICY}
        return FileResponse(path, media_type="text/html", headers=headers)

    @router.post("/sources")
    def where_from(question: Question) -> dict[str, Any]:
        """The spans of a text that stand in the training text, with their documents."""
        return {"spans": sources.find(question.model, question.text)}

    @router.get("/chats")
    def chats(asked: Request) -> dict[str, Any]:
        """Kept conversations of whoever asks, the newest first."""
        return {"chats": store.chats(owner_of(asked))}

    @router.get("/chats/{id}")
    def chat(id: ChatId, asked: Request) -> dict[str, Any]:
        """One conversation."""
        found = store.chat(owner_of(asked), id)
        if found is None:
            raise UsageError("There is no such conversation.")
        return found

    @router.put("/chats/{id}")
    def keep(id: ChatId, chat: Chat, asked: Request) -> dict[str, Any]:
        """Keep a conversation as it stands now."""
        turns = [turn.model_dump(exclude_none=True) for turn in chat.messages]
        store.save_chat(owner_of(asked), id, chat.model, turns, chat.leaf)
        return {"id": id}

    @router.delete("/chats/{id}")
    def forget(id: ChatId, asked: Request) -> dict[str, Any]:
        """Forget a conversation."""
        store.delete_chat(owner_of(asked), id)
        return {"id": id}

    @router.get("/thumbs")
    def thumbs(asked: Request) -> Response:
        """Judged answers as JSON lines, for tuning by preference: {"messages": [...], "thumb": "up" or "down"}."""
        lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in store.thumbs(owner_of(asked))]
        return Response("".join(lines), media_type="application/x-ndjson")

    def _folder(name: str) -> Path:
        return jobs.runs_folder / name if jobs.knows(name) else models.run_folder(name)

    def _run(name: str) -> dict[str, Any]:
        error = jobs.error_of(name)
        try:
            info = asdict(models.info(name))
        except UsageError:
            if not jobs.knows(name):
                raise
            # Started a moment ago: its folder is not written yet, or never was.
            info = {"id": name, "state": "failed" if error else "stopped", "date": 0.0, "has_model": False}
            info |= {"has_report": False, "stages": [], "scores": []}
        ours = jobs.is_alive(name)
        alive = "paused" if ours and jobs.is_paused(name) else "running"
        state = alive if ours else "failed" if error else info["state"]
        return {**info, "state": state, "ours": ours, "error": error}

    return router


class _Sources:
    """The last opened index: opening reads a table of all documents, asking reads a few pages."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self._lock = threading.Lock()
        self._opened: tuple[Path, float, Opened] | None = None

    def find(self, model: str, text: str) -> list[dict[str, Any]]:
        try:
            folder = self.models.run_folder(model)
        except UsageError:
            self.models.model_folder(model)  # an unknown name is the likelier mistake
            raise GroundupError(
                f"{model} was not made by a run here: there is no index of its training text."
            ) from None
        with self._lock:
            manifest = folder / "3_tokenizer" / "manifest.json"
            changed = manifest.stat().st_mtime if manifest.is_file() else 0.0
            if self._opened is None or self._opened[:2] != (folder, changed):
                self._opened = (folder, changed, open_sources(folder))
            return find_sources(self._opened[2], text)
