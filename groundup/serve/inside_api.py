"""/api: looking inside. A text as tokens and what may come next; the documents of a run and what was dropped; trust."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from groundup.core.document import read_documents, read_dropped
from groundup.report.read import Run
from groundup.serve.models import Models
from groundup.serve.speaker import MAX_LOOKED
from groundup.serve.worker import Worker

PAGE = 10  # documents of a page
SHOWN = 1200  # characters of a document
MAX_PAGE = 10_000


class Looked(BaseModel):
    """A text to look into."""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=MAX_LOOKED)]
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0


def routes(models: Models, worker: Worker) -> APIRouter:
    """The routes of Look inside and Trust."""
    router = APIRouter(prefix="/api", tags=["look"])

    @router.post("/inside")
    async def inside(looked: Looked) -> Any:
        """The tokens of a text, how expected each was, and the likeliest next ones before and after sampling rules."""
        models.model_folder(looked.model)
        return await worker.ask(
            looked.model, lambda speaker: speaker.look(looked.text, looked.temperature, looked.top_p)
        )

    @router.get("/runs/{name}/documents")
    def documents(
        name: str,
        page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1,
        words: Annotated[str, Field(max_length=200)] = "",
    ) -> dict[str, Any]:
        """A page of the clean documents; with `words`, of those that hold them."""
        run = Run(models.run_folder(name))
        rows = _documents(run.folder / "2_clean" / "documents", words.casefold())
        return {"total": run.num_documents("2_clean/documents") or 0, **_page(rows, page)}

    @router.get("/runs/{name}/dropped")
    def dropped(
        name: str,
        page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1,
        reason: Annotated[str, Field(max_length=200)] = "",
    ) -> dict[str, Any]:
        """A page of what cleaning took out, with its reasons; `reason` is "STEP/REASON"."""
        run = Run(models.run_folder(name))
        counts, _ = run.drops
        reasons = [{"step": step, "reason": why, "count": count} for (step, why), count in counts.items()]
        rows = _dropped(run.folder / "2_clean" / "dropped", reason)
        return {"total": sum(counts.values()), "reasons": reasons, **_page(rows, page)}

    @router.get("/runs/{name}/trust")
    def trust(name: str) -> dict[str, Any]:
        """Scores with intervals, findings, the gate, the card."""
        run = Run(models.run_folder(name))
        card = run.folder / "8_release" / "README.md"
        return {
            "scores": [{**vars(score), "at_chance": score.at_chance} for score in run.scores],
            "findings": run.json("7_audit/findings.json") or [],
            "gate": run.json("7_audit/gate.json"),
            "card": card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
        }

    return router


def _page(rows: Iterator[dict[str, Any]], page: int) -> dict[str, Any]:
    """One page of a stream, and whether more follows."""
    found = list(islice(rows, (page - 1) * PAGE, page * PAGE + 1))
    return {"page": page, "documents": found[:PAGE], "more": len(found) > PAGE}


def _documents(folder: Path, words: str) -> Iterator[dict[str, Any]]:
    for document in read_documents(folder) if folder.is_dir() else ():
        if words in document.text.casefold():
            yield _row(document)


def _dropped(folder: Path, wanted: str) -> Iterator[dict[str, Any]]:
    for item in read_dropped(folder) if folder.is_dir() else ():
        if not wanted or wanted == f"{item.step}/{item.reason}":
            yield {**_row(item.document), "step": item.step, "reason": item.reason, "detail": item.detail}


def _row(document: Any) -> dict[str, Any]:
    names = ("id", "source", "path", "licence", "language")
    text = document.text.encode("utf-8", "replace").decode("utf-8")
    cut = {"text": text[:SHOWN], "characters": len(text)}
    return {**{name: getattr(document, name) for name in names}, **cut}
