"""/api/apps: every application behind one form; search also over files that were uploaded."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from groundup.apps.base import App, names, open_app
from groundup.core.errors import UsageError, near
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


class Apps:
    """The open applications; one question at a time each, since they keep no locks of their own."""

    def __init__(self, projects: Projects) -> None:
        self.projects = projects
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
                self._open[key] = (open_app(name, folder), threading.Lock())
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


def routes(apps: Apps) -> APIRouter:
    """The routes of Work."""
    router = APIRouter(prefix="/api/apps", tags=["work"])

    @router.get("")
    def listed() -> dict[str, Any]:
        """Every application: what it is for, and inputs that work on its samples."""
        found = []
        for name in names():
            app, lock = apps.get(name)
            with lock:
                found.append({"name": name, "purpose": app.purpose, "examples": app.examples()})
        return {"apps": found}

    @router.post("/{name}/ask")
    def ask(name: str, asked: Asked) -> dict[str, Any]:
        """One message in, one answer out, with its citations, its actions and what to hand back next time."""
        app, lock = apps.get(name, asked.project)
        with lock:
            try:
                return asdict(app.ask(asked.text, asked.state))
            except sqlite3.Error as error:
                raise UsageError(f"The application's data cannot be read: {error}.") from None

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
