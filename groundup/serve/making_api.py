"""/api/projects: files in, a recipe with its plan out, then a run of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from groundup.serve.jobs import Jobs
from groundup.serve.projects import Projects


class Wish(BaseModel):
    """What a model is to be made from, for what, and in what time."""

    model_config = ConfigDict(extra="forbid")
    folder: Annotated[str, Field(max_length=1000)] = ""
    purpose: Annotated[str, Field(max_length=500)] = ""
    minutes: Annotated[int, Field(strict=True, ge=1, le=7 * 24 * 60)] = 30


def routes(projects: Projects, jobs: Jobs) -> APIRouter:
    """The routes of Make."""
    router = APIRouter(prefix="/api/projects", tags=["make"])

    @router.get("/{project}")
    def files(project: str) -> dict[str, Any]:
        """The files of a project, and whether a folder of this machine may be named instead."""
        return {"files": projects.files(project), "own_folders": projects.own_folders}

    @router.put("/{project}/files/{name}")
    async def keep(project: str, name: str, request: Request) -> dict[str, Any]:
        """Keep one file; the body is its bytes."""
        return {"name": name, "bytes": await projects.keep(project, name, request.stream())}

    @router.delete("/{project}/files/{name}")
    def remove(project: str, name: str) -> dict[str, Any]:
        """Take a file out again."""
        projects.remove(project, name)
        return {"name": name}

    @router.post("/{project}/proposal")
    def propose(project: str, wish: Wish) -> dict[str, Any]:
        """Look at the documents and propose a recipe with its plan; measures this machine for some seconds."""
        return projects.propose(project, folder=wish.folder, purpose=wish.purpose, minutes=wish.minutes)

    @router.post("/{project}/start")
    def start(project: str) -> Response:
        """Start the run of the proposed recipe."""
        return JSONResponse({"id": jobs.start(project, own=projects.recipe(project))}, status_code=201)

    return router
