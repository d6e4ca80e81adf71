"""The contract of a cleaning step.

A step gets one document and returns it (changed or not) or `Dropped`. A step that must know the whole corpus first
(lines repeated across documents, duplicates) sets `needs_corpus`. Shards may be worked on side by side, in processes
or on other machines, so such a step passes what it knows on as arrays:

    look(document) ...  -> seen()      one shard's facts, in a worker
    take(facts) ...     -> settle()    all shards' facts in their order, in one place; then the decision
    adopt(decision)                    in every worker, before `apply`

What is passed on are hashes and counts, never texts.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped
from groundup.core.registry import Registry

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray]  # what a corpus step passes on; stored as .npz without pickle

SHOWN = 160  # characters of text around a change that a sample shows; taste


class Step:
    """One step. `counts`: facts beside changed and dropped ("email": 3); the stage collects them shard by shard."""

    name: ClassVar[str] = ""
    needs_corpus: ClassVar[bool] = False

    def __init__(self, options: CleanOptions) -> None:
        self.counts: Counter[str] = Counter()

    def look(self, document: Document) -> None:
        """First pass over one shard, in order (only when `needs_corpus`)."""

    def seen(self) -> Arrays:
        """What `look` gathered from the shard, and forget it: the next shard starts afresh."""
        return {}

    def take(self, facts: Arrays) -> None:
        """One shard's facts; shards come in their order."""

    def settle(self) -> Arrays:
        """All facts are in: the decision."""
        return {}

    def adopt(self, decision: Arrays) -> None:
        """The decision, before the first `apply`."""

    def summary(self, dropped: Iterable[Dropped]) -> dict[str, Any]:
        """What clean.json tells beside the counts, from what the step dropped; empty for nothing."""
        return {}

    def learn(self, documents: Iterable[Document]) -> None:
        """The whole first pass in one place, for a corpus of one shard."""
        for document in documents:
            self.look(document)
        self.take(self.seen())
        self.adopt(self.settle())

    def apply(self, document: Document) -> Document | Dropped:
        """The document, changed or not, or why it is dropped."""
        raise NotImplementedError

    def show(self, before: Document, after: Document) -> tuple[str, str, str]:
        """(before, after, detail) of a change, short, for a person to look at."""
        return (*difference(before.text, after.text), "")

    def drop(self, document: Document, reason: str, detail: str = "") -> Dropped:
        """`document` dropped by this step."""
        return Dropped(document, step=self.name, reason=reason, detail=detail)


STEPS: Registry[Callable[[CleanOptions], Step]] = Registry("clean step")

# Our own steps, imported when a recipe names them; other packages register theirs in STEPS.
MODULES = {name: f"groundup.clean.{name}" for name in
           ("html", "text", "boilerplate", "code", "quality", "score", "toxicity", "language", "contamination",
            "paragraphs", "duplicates", "privacy", "counterfactual", "mixture")}  # fmt: skip
MODULES["code"] = "groundup.clean.programs"  # a module named code would shadow the standard library's


def step_names() -> list[str]:
    """The names of all steps, ours first."""
    return list(dict.fromkeys([*MODULES, *STEPS]))


def make_step(name: str, options: CleanOptions) -> Step:
    """A fresh step of that name."""
    if name in MODULES:
        importlib.import_module(MODULES[name])
    return STEPS.get(name)(options)


def kind_of(document: Document) -> str:
    """What a document may be judged by: "prose", "code", "html" or "markdown" (set in collect)."""
    kind = document.meta.get("kind")
    if kind:
        return str(kind)
    form = str(document.meta.get("format", ""))
    if form in ("html", "markdown"):
        return form
    return "code" if form == "python" or document.path.endswith((".py", ".c", ".js", ".java", ".rs")) else "prose"


def difference(before: str, after: str) -> tuple[str, str]:
    """The places of two texts where they first and last differ, with a little around them."""
    start = 0
    shorter = min(len(before), len(after))
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return _cut(before, start, len(before) - end), _cut(after, start, len(after) - end)


def _cut(text: str, start: int, end: int) -> str:
    left = max(0, start - 40)
    right = min(len(text), end + 40, left + SHOWN)
    return ("..." if left else "") + text[left:right] + ("..." if right < len(text) else "")
