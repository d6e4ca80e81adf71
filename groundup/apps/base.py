"""The one contract of the applications, so that `groundup app NAME` and the studio's Work page drive all alike.

    app = open_app("search")                    the shipped sample data, in memory
    app = open_app("support", Path("my_shop"))  data kept in a folder
    answer = app.ask(app.examples()[0])
    answer = app.ask("and the next thing", answer.state)

`state` is what the caller hands back with the next message: small, JSON, and never trusted (an application that
keeps secrets keeps them in its own database and hands out only a random name).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from groundup.core.registry import Registry

State = Mapping[str, Any]


@dataclass(frozen=True)
class Citation:
    """Where a sentence stands: ``text_of(document_id)[start:end] == text``, in characters."""

    document_id: str
    path: str
    start: int
    end: int
    text: str
    source: str = ""


@dataclass(frozen=True)
class Answer:
    """What an application says. actions: what it did or would do, as ``{"tool": ..., "arguments": ..., "done": bool}``."""

    text: str
    citations: tuple[Citation, ...] = ()
    actions: tuple[Mapping[str, Any], ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 0.0  # in [0, 1]; 0 where the application has no measure of it
    found: bool = True  # False: nothing was found and the text says so


class App(Protocol):
    """An application over a folder of its own (None: the shipped samples, in memory)."""

    name: str
    purpose: str  # one line

    def examples(self) -> list[str]:
        """Three inputs that work on the shipped sample data."""
        ...

    def ask(self, text: str, state: State | None = None) -> Answer:
        """One message in, one answer out; never raises on what a person may type."""
        ...

    def close(self) -> None:
        """Release files."""
        ...


APPS: Registry[Any] = Registry("application")
ROOMS = ("search", "support", "tutor")  # where the shipped applications register themselves


def open_app(name: str, folder: Path | None = None, **settings: Any) -> App:
    """The application of that name, ready to be asked; UsageError for an unknown one."""
    names()
    app: App = APPS.get(name)(folder, **settings)
    return app


def names() -> list[str]:
    """The names of all applications, in the order of the shipped rooms, then those of other packages."""
    for room in ROOMS:
        importlib.import_module(f"groundup.apps.{room}.app")
    return list(APPS)
