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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from groundup.core.errors import UsageError, near
from groundup.core.registry import Registry
from groundup.core.score import Score

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
    edits: tuple[Mapping[str, Any], ...] = ()  # suggestions: {"start", "end", "before", "after", "kind", "reason"}
    rows: tuple[Mapping[str, Any], ...] = ()  # a table of the result: scores, flags, findings


@dataclass(frozen=True)
class Field:
    """One value that an action asks for. kind: line, text (many lines), number or choice."""

    name: str
    title: str
    kind: str = "line"
    choices: tuple[str, ...] = ()
    default: str = ""


@dataclass(frozen=True)
class Action:
    """One thing an application does when asked with named values; the page draws a form of it, the command fills it."""

    name: str
    title: str
    fields: tuple[Field, ...]
    run: Callable[[Mapping[str, str]], Answer]
    example: Mapping[str, str] = field(default_factory=dict)  # values that show it at work


class App(Protocol):
    """An application over a folder of its own (None: the shipped samples, in memory)."""

    name: str
    purpose: str  # one line
    limits: tuple[str, ...]  # what it cannot do, in plain sentences: on its page and its card

    def examples(self) -> list[str]:
        """Three inputs that work on the shipped sample data."""
        ...

    def ask(self, text: str, state: State | None = None) -> Answer:
        """One message in, one answer out; never raises on what a person may type."""
        ...

    def actions(self) -> tuple[Action, ...]:
        """What it does besides answering messages; () for an application that only talks."""
        ...

    def export_data(self) -> dict[str, Any]:
        """What it has been given or has gathered, as JSON values; `import_data` takes it back."""
        ...

    def import_data(self, values: Mapping[str, Any]) -> int:
        """Take in what `export_data` gave (here or elsewhere); returns how many items. DataError for another shape."""
        ...

    def evaluate(self, data: Path | None) -> list[Score]:
        """Measure it; `data`: a folder of public test data, without which only what needs none is measured."""
        ...

    def close(self) -> None:
        """Release files."""
        ...


APPS: Registry[Any] = Registry("application")
ROOMS = ("search", "support", "writing", "tutor", "health")  # where the shipped applications register themselves


def open_app(name: str, folder: Path | None = None, **settings: Any) -> App:
    """The application of that name, ready to be asked; UsageError for an unknown one."""
    names()
    app: App = APPS.get(name)(folder, **settings)
    return app


LONGEST_VALUE = 50_000  # characters of one value of an action: a long article or note


def do(app: App, name: str, values: Mapping[str, Any]) -> Answer:
    """Carry out an action of an application. UsageError for an unknown action, field or choice, or a value too long."""
    offered = {action.name: action for action in app.actions()}
    if name not in offered:
        raise UsageError(f"'{app.name}' has no action '{name[:60]}'.", repair=near(name, offered))
    action = offered[name]
    fields = {one.name: one for one in action.fields}
    given: dict[str, str] = {one.name: one.default for one in action.fields}
    for key, value in values.items():
        if key not in fields:
            raise UsageError(f"'{name}' asks for no '{str(key)[:60]}'.", repair=near(str(key), fields))
        text = str(value).replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
        if len(text) > LONGEST_VALUE:
            raise UsageError(f"'{key}' has {len(text):,} characters; at most {LONGEST_VALUE:,} are read.")
        one = fields[key]
        if one.kind == "choice" and text not in one.choices:
            raise UsageError(f"'{key}' is '{text[:60]}'.", repair=near(text, one.choices))
        if one.kind == "number" and not text.strip().lstrip("+-").isdigit():
            raise UsageError(f"'{key}' must be a whole number, not '{text[:60]}'.")
        given[key] = text.strip()
    return action.run(given)


def settings(name: str, **values: Any) -> dict[str, Any]:
    """What `open_app` takes for the options of a shipped application, checked: ``settings("search", encoder="minilm")``.

    `generator_url` and `generator_model` put a bigger model behind it. UsageError for an unknown option or a bad value.
    """
    if name not in ROOMS:
        raise UsageError(f"'{name}' has no options here.", repair=near(name, ROOMS))
    room = importlib.import_module(f"groundup.apps.{name}.options")
    kind = getattr(room, f"{name.capitalize()}Options")
    for key in values:
        if key not in kind.model_fields:
            raise UsageError(f"'{name}' has no option '{key[:60]}'.", repair=near(key, kind.model_fields))
    try:
        return {"options": kind(**values)}
    except ValueError as error:
        raise UsageError(f"An option of '{name}' has a bad value: {error}.") from None


def names() -> list[str]:
    """The names of all applications, in the order of the shipped rooms, then those of other packages."""
    for room in ROOMS:
        importlib.import_module(f"groundup.apps.{room}.app")
    return [*ROOMS, *(one for one in APPS if one not in ROOMS)]
