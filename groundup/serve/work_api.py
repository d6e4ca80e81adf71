"""/api/apps: every application behind one form: messages, actions, its data in and out, its scores; search also over files
that were uploaded. /studio/embed/support: the window that a shop puts into its own page by one line."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from groundup.apps.base import ROOMS, App, do, names, open_app, settings
from groundup.apps.card import measured
from groundup.core.errors import GroundupError, UsageError, near
from groundup.serve.projects import Projects

MAX_QUESTION = 20_000  # characters; a clinical note or an essay fits
MAX_OPEN = 8  # applications kept in memory
LONGEST_DOCUMENT = 200_000  # characters shown of an opened document


class Asked(BaseModel):
    """One message. state: what the last answer carried. project: search over the files of that project."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(max_length=MAX_QUESTION)]
    state: dict[str, Any] | None = None
    project: Annotated[str, Field(max_length=40)] = ""


class Wanted(BaseModel):
    """An action by name with its values."""

    model_config = ConfigDict(extra="forbid")
    action: Annotated[str, Field(max_length=40)]
    values: dict[str, Annotated[str, Field(max_length=50_000)]] = {}


class Given(BaseModel):
    """What `export` gave."""

    model_config = ConfigDict(extra="ignore")
    data: dict[str, Any]


# The page of the embedded window: on other sites it may stand in a frame, and it loads nothing but our own script.
WINDOW = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
    'initial-scale=1"><title>Ask us</title><link rel="icon" href="/studio/mark.svg">'
    '<link rel="stylesheet" href="/studio/style.css"><script type="module" '
    'src="/studio/support_window.js"></script></head><body><main id="page"></main></body></html>'
)
WINDOW_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors *"
)


class Apps:
    """The open applications; one question at a time each, since they keep no locks of their own.

    What they are told (answers of the team, grades, own words, the log) is kept in a folder each, and is there again
    when the studio is opened the next time. Search over the sample pages keeps nothing: files of one's own are projects.
    """

    def __init__(self, projects: Projects, kept: Path, bigger: dict[str, Any]) -> None:
        """kept: where the folders are. bigger: the options that put a bigger model behind every application, or {}."""
        self.projects = projects
        self.kept = kept
        self.bigger = bigger
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, str], tuple[App, threading.Lock]] = OrderedDict()

    def get(self, name: str, project: str = "") -> tuple[App, threading.Lock]:
        """An application over its samples, or (search only) over a project's index. UsageError for an unknown one."""
        if name not in names():
            raise UsageError(f"There is no application '{name[:60]}'.", repair=near(name, names()))
        folder = self._index_of(project) if project and name == "search" else None
        if project and folder is None:
            raise UsageError("Only search reads uploaded files.")
        with self._lock:
            key = (name, project)
            if key not in self._open:
                if folder is None and name != "search":
                    folder = self.kept / name
                    folder.mkdir(parents=True, exist_ok=True)
                more = settings(name, **self.bigger) if self.bigger and name in ROOMS else {}
                self._open[key] = (open_app(name, folder, **more), threading.Lock())
                while len(self._open) > MAX_OPEN:
                    _, (oldest, lock) = self._open.popitem(last=False)
                    with lock:
                        oldest.close()
            self._open.move_to_end(key)
            return self._open[key]

    def index(self, project: str) -> dict[str, Any]:
        """Index a project's files (only what changed is read in again)."""
        from groundup.apps.search.app import Search

        documents, problems = self.projects.read(project)
        with self._lock:
            opened = self._open.pop(("search", project), None)
            if opened is not None:
                with opened[1]:
                    opened[0].close()
            search = Search(self.projects.place(project) / "search.sqlite")
            try:
                changes = search.add_documents(documents, whole=(project,))
            finally:
                search.close()
        counts = {name: getattr(changes, name) for name in ("added", "changed", "removed", "unchanged")}
        return {"documents": len(documents), "problems": problems[:20], **counts}

    def document(self, name: str, project: str, document_id: str) -> str:
        """The text of a document that an answer cited. UsageError where it is not there."""
        app, lock = self.get(name, project)
        with lock:
            for holder in (getattr(app, "search", None), getattr(app, "pages", None)):
                text = holder.index.text_of(document_id) if holder is not None else ""
                if text:
                    return str(text)[:LONGEST_DOCUMENT]
        raise UsageError("There is no such document.")

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for app, lock in self._open.values():
                with lock:
                    app.close()
            self._open.clear()

    def _index_of(self, project: str) -> Path:
        place = self.projects.place(project)
        if not (place / "search.sqlite").is_file():
            raise UsageError(f"There is no index of {project} yet.", repair="Upload the files first.")
        return place


def told(apps: Apps, name: str) -> dict[str, Any]:
    """What the page shows of an application; one that cannot be opened says why, and the others still work."""
    try:
        app, lock = apps.get(name)
    except GroundupError as error:
        return {
            "name": name,
            "purpose": "",
            "examples": [],
            "actions": [],
            "limits": [],
            "scores": [],
            "problem": str(error),
        }
    with lock:
        actions = [
            {
                "name": one.name,
                "title": one.title,
                "fields": [asdict(each) for each in one.fields],
                "example": dict(one.example),
            }
            for one in app.actions()
        ]
        return {
            "name": name,
            "purpose": app.purpose,
            "examples": app.examples(),
            "actions": actions,
            "limits": app.limits,
            "scores": measured(name),
            "problem": "",
        }


def routes(apps: Apps) -> APIRouter:
    """The routes of Work."""
    router = APIRouter(prefix="/api/apps", tags=["work"])

    @router.get("")
    def listed() -> dict[str, Any]:
        """Every application: what it is for, inputs that work on its samples, its actions, scores and limits."""
        return {"apps": [told(apps, name) for name in names()]}

    @router.post("/{name}/ask")
    def ask(name: str, asked: Asked) -> dict[str, Any]:
        """One message in, one answer out, with its citations, its actions and what to hand back next time."""
        app, lock = apps.get(name, asked.project)
        with lock:
            try:
                return asdict(app.ask(asked.text, asked.state))
            except sqlite3.Error as error:
                raise UsageError(f"The application's data cannot be read: {error}.") from None

    @router.post("/{name}/do")
    def act(name: str, wanted: Wanted) -> dict[str, Any]:
        """One action with its values, one answer out."""
        app, lock = apps.get(name)
        with lock:
            try:
                return asdict(do(app, wanted.action, wanted.values))
            except sqlite3.Error as error:
                raise UsageError(f"The application's data cannot be read: {error}.") from None

    @router.get("/{name}/export")
    def export(name: str) -> dict[str, Any]:
        """The application's data; `import` takes it back."""
        app, lock = apps.get(name)
        with lock:
            return {"app": name, "format": 1, "data": app.export_data()}

    @router.post("/{name}/import")
    def take(name: str, given: Given) -> dict[str, Any]:
        """Take in what `export` gave, here or elsewhere."""
        app, lock = apps.get(name)
        with lock:
            return {"taken": app.import_data(given.data)}

    @router.get("/{name}/document")
    def document(
        name: str,
        id: Annotated[str, Field(min_length=1, max_length=200)],
        project: Annotated[str, Field(max_length=40)] = "",
    ) -> dict[str, Any]:
        """A cited document."""
        return {"id": id, "text": apps.document(name, project, id)}

    @router.post("/search/index/{project}")
    def index(project: str) -> dict[str, Any]:
        """Read a project's files into its index."""
        return apps.index(project)

    return router


def window() -> APIRouter:
    """The window for other sites: ``<iframe src="https://SERVER/studio/embed/support#KEY"></iframe>``; KEY may only chat."""
    router = APIRouter(tags=["work"])

    @router.get("/studio/embed/support", include_in_schema=False)
    def support() -> Response:
        """The page; the key stands behind the # and is sent by the page's script alone."""
        return HTMLResponse(WINDOW, headers={"content-security-policy": WINDOW_POLICY})

    return router
