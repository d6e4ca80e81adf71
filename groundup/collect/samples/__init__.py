"""Embedded data, made offline on any machine: stories, small talk, the running Python's own documentation; and dirt.

`SAMPLES` holds them by name. Each has `documents(name, count, seed, licence)` and `examples(name, count, seed)`;
`plant` puts known effects into any stream of documents. Nothing here is downloaded or stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from groundup.collect.samples import python_docs, small_talk, stories
from groundup.collect.samples.plant import EFFECTS, plant
from groundup.core.document import Document
from groundup.core.example import Example
from groundup.core.registry import Registry

__all__ = ["EFFECTS", "SAMPLES", "Sample", "plant"]


@dataclass(frozen=True)
class Sample:
    """One embedded source.

    documents(name, count, seed, licence): raw documents of source `name`; an empty licence means the sample's own.
    examples(name, count, seed): kind -> gold examples, for the sources that know their own answers.
    """

    documents: Callable[[str, int, int, str], Iterator[Document]]
    examples: Callable[[str, int, int], dict[str, Iterator[Example]]]


SAMPLES: Registry[Sample] = Registry("sample")
SAMPLES.register("stories")(Sample(stories.documents, stories.examples))
SAMPLES.register("small_talk")(Sample(small_talk.documents, small_talk.examples))
SAMPLES.register("python")(Sample(python_docs.documents, python_docs.examples))
