"""From a position in the tokens to the document that stands there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Source:
    """One place: the document, and the offset of the place in tokens from the document's first."""

    document_id: str
    source: str
    path: str
    licence: str
    offset: int
    position: int


class Sources:
    """The documents of a token array, by their borders."""

    def __init__(self, borders: np.ndarray, documents: Mapping[str, Sequence[Any]]) -> None:
        """borders: (documents + 1,) rising start positions and the end. documents: columns id, source, path, licence."""
        if len(borders) != len(documents["id"]) + 1:
            raise ValueError(f"{len(borders)} borders do not fit {len(documents['id'])} documents")
        self.borders = borders
        self.documents = documents

    def locate(self, position: int) -> Source:
        """The document at a position. Raises IndexError outside the tokens."""
        if not self.borders[0] <= position < self.borders[-1]:
            raise IndexError(f"position {position} is outside the tokens (0 to {int(self.borders[-1])})")
        number = int(np.searchsorted(self.borders, position, side="right")) - 1
        names = {"document_id": "id", "source": "source", "path": "path", "licence": "licence"}
        values = {name: str(self.documents[column][number]) for name, column in names.items()}
        return Source(**values, offset=int(position - self.borders[number]), position=int(position))

    def of(self, positions: Iterable[int]) -> list[Source]:
        """One place a document, the first in each, in the order the documents are met."""
        found: dict[str, Source] = {}
        for position in positions:
            place = self.locate(position)
            found.setdefault(place.document_id, place)
        return list(found.values())
