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
from groundup.serve.models import Models, architecture_of
from groundup.serve.options import MAX_LOOKED, MAX_MESSAGES, MAX_TEXT, MAX_WATCHED
from groundup.serve.worker import Worker

PAGE = 10  # documents of a page
SHOWN = 600  # characters of a document
MAX_PAGE = 10_000
ITEMS = ".jsonl.zst"


class Looked(BaseModel):
    """A text to look into."""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=MAX_LOOKED)]
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0


class Deeper(BaseModel):
    """A text in one layer. place: the token whose vectors are shown; -1: the last."""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=MAX_LOOKED)]
    layer: Annotated[int, Field(ge=0, le=1000)] = 0
    place: Annotated[int, Field(ge=-1, le=MAX_WATCHED)] = -1


class Told(BaseModel):
    """A turn of a conversation as it was said."""

    model_config = ConfigDict(extra="forbid")
    role: Annotated[str, Field(pattern="^(system|user|assistant)$")]
    content: Annotated[str, Field(max_length=MAX_TEXT)]


class Sure(BaseModel):
    """A conversation; its last message is the assistant's, about which is asked."""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    messages: Annotated[list[Told], Field(min_length=1, max_length=MAX_MESSAGES)]


class Asked(BaseModel):
    """A question and what was answered."""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    question: Annotated[str, Field(min_length=1, max_length=MAX_LOOKED)]
    answer: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


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

    @router.post("/inside/deeper")
    async def deeper(asked: Deeper) -> Any:
        """What each head of a layer looks at, and one token's vectors from layer to layer."""
        models.model_folder(asked.model)
        return await worker.ask(asked.model, lambda speaker: speaker.look_deeper(asked.text, asked.layer, asked.place))

    @router.post("/sureness")
    async def sureness(asked: Sure) -> Any:
        """How probable each token of an answer was, and what else might have come."""
        models.model_folder(asked.model)
        turns = [turn.model_dump() for turn in asked.messages]
        return {"tokens": await worker.ask(asked.model, lambda speaker: speaker.sureness(turns))}

    @router.post("/why")
    async def why(asked: Asked) -> Any:
        """Which words of a question made the model answer so, and in which layer it was decided."""
        models.model_folder(asked.model)
        return await worker.ask(asked.model, lambda speaker: speaker.why(asked.question, asked.answer))

    @router.get("/models/{name}/architecture")
    def architecture(name: str) -> dict[str, Any]:
        """The model's configuration and its tensors with their shapes, read without the numbers."""
        return architecture_of(models.model_folder(name))

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

    @router.get("/runs/{name}/items")
    def items(
        name: str,
        task: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")],
        mark: Annotated[str, Field(min_length=1, max_length=80)],
        kind: Annotated[str, Field(pattern="^(won|lost)$")] = "lost",
        page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1,
    ) -> dict[str, Any]:
        """A page of a task's answered items by one of their marks (0 to 1): won from a half up, the best first; lost
        below, the worst first. counts: how many of each."""
        rows = Run(models.run_folder(name)).rows(f"6_evaluate/items/{task}.jsonl.zst")
        marked = [row for row in rows if isinstance(row.get("marks"), dict) and mark in row["marks"]]
        won = sorted((row for row in marked if row["marks"][mark] >= 0.5), key=lambda row: -row["marks"][mark])
        lost = sorted((row for row in marked if row["marks"][mark] < 0.5), key=lambda row: row["marks"][mark])
        chosen = won if kind == "won" else lost
        shown = [_item(row, mark) for row in chosen[(page - 1) * PAGE : page * PAGE]]
        return {"items": shown, "more": len(chosen) > page * PAGE, "counts": {"won": len(won), "lost": len(lost)}}

    @router.get("/runs/{name}/trust")
    def trust(name: str) -> dict[str, Any]:
        """Scores with intervals, findings, the gate, the card."""
        run = Run(models.run_folder(name))
        card = run.folder / "8_release" / "README.md"
        return {
            "scores": [{**vars(score), "at_chance": score.at_chance} for score in run.scores],
            "marks": {path.name.removesuffix(ITEMS): _marks(run, path.name) for path in _item_files(run)},
            "released": (run.folder / "8_release" / "manifest.json").is_file(),
            "findings": run.json("7_audit/findings.json") or [],
            "gate": run.json("7_audit/gate.json"),
            "card": card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
        }

    return router


def _item_files(run: Run) -> list[Path]:
    return sorted((run.folder / "6_evaluate" / "items").glob(f"*{ITEMS}"))


def _marks(run: Run, name: str) -> list[str]:
    """The marks of a task's items that say won or lost: those between 0 and 1."""
    rows = run.rows(f"6_evaluate/items/{name}", limit=PAGE)
    names = dict.fromkeys(mark for row in rows for mark in row.get("marks", {}))
    return [mark for mark in names if all(0 <= row.get("marks", {}).get(mark, 0) <= 1 for row in rows)]


def _item(row: dict[str, Any], mark: str) -> dict[str, Any]:
    texts = {name: str(row.get(name, ""))[:SHOWN] for name in ("prompt", "answer", "gold")}
    return {**texts, "choices": row.get("choices", [])[:20], "mark": row["marks"][mark]}


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
