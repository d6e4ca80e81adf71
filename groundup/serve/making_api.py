"""/api/projects: files in, a recipe with its plan out, then a run of it. /api/recipe: what a recipe may say, for a form.
/api/compare: two runs beside each other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from groundup.core.errors import GroundupError
from groundup.report.read import Run
from groundup.serve.jobs import Jobs
from groundup.serve.models import Models
from groundup.serve.options import MAX_TEXT
from groundup.serve.projects import Projects

MOST_POINTS = 2000  # of a curve that is sent; far more than a screen shows
RunName = Annotated[str, Field(min_length=1, max_length=100)]


class Wish(BaseModel):
    """What a model is to be made from, for what, and in what time."""

    model_config = ConfigDict(extra="forbid")
    folder: Annotated[str, Field(max_length=1000)] = ""
    purpose: Annotated[str, Field(max_length=500)] = ""
    minutes: Annotated[int, Field(strict=True, ge=1, le=7 * 24 * 60)] = 30


class Written(BaseModel):
    """A recipe as a person changed it: its TOML, or its values from the form."""

    model_config = ConfigDict(extra="forbid")
    toml: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    values: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Written:
        if (self.toml is None) == (self.values is None):
            raise ValueError("exactly one of toml and values")
        return self


def looks(models: Models) -> APIRouter:
    """What a recipe may say, and runs beside each other."""
    router = APIRouter(prefix="/api", tags=["make"])

    @router.get("/recipe")
    def schema() -> dict[str, Any]:
        """The recipe as a JSON schema: every table, every key, its default and what it may be."""
        from groundup.stages import Recipe

        return Recipe.model_json_schema(by_alias=True)

    @router.get("/compare")
    def compared(a: RunName, b: RunName) -> dict[str, Any]:
        """Two runs: where the difference in their scores is real, and their curves. problem: why no score compares."""
        from groundup.evaluate.compare import compare

        folders = [models.run_folder(name) for name in (a, b)]
        rows: list[dict[str, Any]] = []
        problem = ""
        try:
            rows = [asdict(one) for one in compare(*[folder / "6_evaluate" for folder in folders])]
        except (GroundupError, OSError) as error:
            problem = str(error) if isinstance(error, GroundupError) else "One of them is not evaluated yet."
        return {
            "rows": rows,
            "problem": problem,
            "runs": [_told(name, Run(models.run_folder(name))) for name in (a, b)],
        }

    return router


def _told(name: str, run: Run) -> dict[str, Any]:
    """A run for a comparison: its curves, its scores, its size, its seconds."""
    rows = run.rows("4_pretrain/metrics.jsonl")
    losses = [(row["step"], row["loss"]) for row in rows if "loss" in row and "bits_per_byte" not in row]
    bits = [(row["step"], row["bits_per_byte"]) for row in rows if "bits_per_byte" in row]
    every = max(1, len(losses) // MOST_POINTS)
    seconds = sum(manifest.seconds for manifest in run.manifests.values())
    scores = {
        f"{score.task}, {score.metric}": {"value": score.value, "low": score.low, "high": score.high}
        for score in run.scores
        if not score.source
    }
    return {
        "id": name,
        "losses": losses[::every],
        "bits": bits,
        "seconds": seconds,
        "plan": run.json("plan.json") or {},
        "scores": scores,
    }


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

    @router.put("/{project}/recipe")
    def rewrite(project: str, written: Written) -> dict[str, Any]:
        """Keep a changed recipe, when it is a valid one, and plan it anew; measures this machine for some seconds."""
        return projects.rewrite(project, written.toml if written.toml is not None else written.values or {})

    @router.post("/{project}/start")
    def start(project: str) -> Response:
        """Start the run of the proposed recipe."""
        return JSONResponse({"id": jobs.start(project, own=projects.recipe(project))}, status_code=201)

    return router
