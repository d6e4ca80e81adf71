"""One small registry for all kinds of exchangeable parts: filters, sources, norms, optimizers, tasks, audits ...

    steps = Registry("clean step")

    @steps.register("repetition")
    class Repetition: ...

    steps.get("repetiton")   ->  UsageError: Unknown clean step 'repetiton'. Did you mean 'repetition'? ...

Doubles are refused. Other packages join through the entry point group ``groundup.parts``: each entry names a
module whose import registers parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from groundup.core.errors import UsageError, near

Part = TypeVar("Part")


class Registry(Generic[Part]):
    """Name -> part, for one kind. Iterating gives the names in the order of registration."""

    def __init__(self, kind: str) -> None:
        self.kind = kind  # in words, for messages: "clean step"
        self._parts: dict[str, Part] = {}

    def register(self, name: str) -> Callable[[Part], Part]:
        """A decorator that registers a class or function under `name`; a name taken twice is a ValueError."""

        def add(part: Part) -> Part:
            if name in self._parts:
                raise ValueError(f"{self.kind} '{name}' is registered twice: {self._parts[name]} and {part}")
            self._parts[name] = part
            return part

        return add

    def get(self, name: str) -> Part:
        """The part of that name, or a UsageError that lists the names and guesses the nearest."""
        if name not in self._parts:
            raise UsageError(f"Unknown {self.kind} '{name}'.", repair=near(name, self._parts))
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __len__(self) -> int:
        return len(self._parts)


def load_other_packages() -> list[str]:
    """Import the modules that other installed packages offer under ``groundup.parts``; returns their names."""
    loaded = []
    for entry in entry_points(group="groundup.parts"):
        entry.load()
        loaded.append(entry.name)
    return loaded


def lazy(package: str, names: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package whose `__init__` is a table of contents that imports on first use.

    names: public name -> module relative to the package, ``{"GPT": ".families.gpt"}``.
    """
    import importlib

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(names[name], package), name)

    def __dir__() -> list[str]:
        return sorted(names)

    return __getattr__, __dir__
