"""Tags: which spans of a text are what? Names, places, dates, parts of speech: any span with any name.

A head names every token B-X (a span of the kind X begins), I-X (it goes on) or O (Ramshaw and Marcus 1995; a head on
BERT's states as Devlin et al. 2019, section 5.3). Spans are read off by CoNLL's rule and given in characters. A text
longer than the model reads is read in windows that overlap by half, each token judged where it stands furthest from the
window's edges. A causal model judges a token by what stands before it alone: an encoder is the better tagger.

Legend: B rows, T time, C names of tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.core.example import Example
from groundup.finetune.framing import edges, filled
from groundup.finetune.heads import open_head
from groundup.finetune.spans import placed
from groundup.metrics.spans import bio_spans
from groundup.model import bundle as bundles
from groundup.tokenizer.special import END_OF_TEXT, PAD
from groundup.train.objectives import IGNORE, Loss

OUTSIDE = "O"
BATCH_ROWS = 16  # windows of one forward pass without gradients; taste


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of a text, what stands there, and what it is."""

    start: int
    end: int
    text: str
    label: str


@dataclass(frozen=True)
class Window:
    """A piece of a text. begin: the number of its first token in the text; first: that token's place in ids."""

    ids: list[int]
    first: int
    begin: int
    size: int  # tokens of the text in it
    names: list[int]  # of the piece's tokens; [] when nothing is known


def names_of(examples: Sequence[Example]) -> list[str]:
    """O, and B-X and I-X of every kind in the data, in the order of the alphabet."""
    kinds = sorted({str(span["label"]) for example in examples for span in example.spans})
    return [OUTSIDE, *(f"{mark}-{kind}" for kind in kinds for mark in ("B", "I"))]


def token_names(places: Sequence[tuple[int, int]], spans: Sequence[Mapping[str, Any]]) -> list[str]:
    """The name of each token; of spans that overlap the first counts."""
    names = [OUTSIDE] * len(places)
    for span in sorted(spans, key=lambda one: (one["start"], one["end"])):
        inside = [n for n, (start, end) in enumerate(places) if start < span["end"] and end > span["start"]]
        # A byte-level token may carry the blank before a word: it belongs to the word.
        if inside and all(names[n] == OUTSIDE for n in inside):
            for order, place in enumerate(inside):
                names[place] = f"{'I' if order else 'B'}-{span['label']}"
    return names


def windows(
    tokenizer: Any, config: Any, text: str, *, spans: Sequence[Mapping[str, Any]] = (), names: Sequence[str] = ()
) -> tuple[list[Window], list[tuple[int, int]]]:
    """The windows of a text, with the tokens' names where `names` is given; and each token's characters."""
    ids, places = placed(tokenizer, text)
    number = {name: place for place, name in enumerate(names)}
    known = [number.get(name, 0) for name in token_names(places, spans)] if names else []
    head, tail = edges(tokenizer, config.family)
    if not head:
        head = [tokenizer.special.get(END_OF_TEXT, 0)]
    room = config.context_length - len(head) - len(tail)
    found = []
    for begin in range(0, max(1, len(ids) - room // 2), max(1, room // 2)):
        piece = ids[begin : begin + room]
        found.append(Window([*head, *piece, *tail], len(head), begin, len(piece), known[begin : begin + room]))
    return found, places


def batch_of(rows: Sequence[Window], places: Sequence[int], pad_id: int) -> dict[str, Tensor]:
    """ids_BT, real_BT, gold_BT (IGNORE outside of the text)."""
    chosen = [rows[place] for place in places]
    ids_BT, real_BT = filled([row.ids for row in chosen], pad_id)
    gold_BT = torch.full(ids_BT.shape, IGNORE, dtype=torch.int64)
    for number, row in enumerate(chosen):
        gold_BT[number, row.first : row.first + len(row.names)] = torch.tensor(row.names, dtype=torch.int64)
    return {"ids_BT": ids_BT, "real_BT": real_BT, "gold_BT": gold_BT}


def token_loss(module: Any, batch: Mapping[str, Tensor]) -> Loss:
    """The objective: summed cross-entropy of the tokens' names."""
    logits_BTC = module(batch["ids_BT"], batch["real_BT"], each=True)
    gold_N = batch["gold_BT"].reshape(-1)
    loss = F.cross_entropy(logits_BTC.flatten(0, 1), gold_N, ignore_index=IGNORE, reduction="sum")
    return Loss(loss, int((gold_N != IGNORE).sum()))


@torch.no_grad()
def read_spans(module: Any, tokenizer: Any, text: str, names: Sequence[str]) -> list[Span]:
    """The spans of one text, in its order."""
    rows, places = windows(tokenizer, module.config, text)
    device = next(module.parameters()).device
    best = [(-1, 0)] * len(places)  # of each token: how far from an edge it was judged, and its name
    for start in range(0, len(rows), BATCH_ROWS):
        some = rows[start : start + BATCH_ROWS]
        ids_BT, real_BT = filled([row.ids for row in some], tokenizer.special.get(PAD, 0))
        given_BT = module(ids_BT.to(device), real_BT.to(device), each=True).argmax(-1).cpu()
        for row, given_T in zip(some, given_BT.tolist(), strict=True):
            for offset in range(row.size):
                # The text's own beginning and end are no edges: nothing is missing there.
                left = offset if row.begin else row.size
                right = row.size - 1 - offset if row.begin + row.size < len(places) else row.size
                judged = (min(left, right), given_T[row.first + offset])
                best[row.begin + offset] = max(best[row.begin + offset], judged, key=lambda pair: pair[0])
    found = []
    for first, end, label in bio_spans([names[name] for _, name in best]):
        start, stop = places[first][0], places[end - 1][1]
        piece = text[start:stop]
        start += len(piece) - len(piece.lstrip())
        if piece.strip():
            found.append(Span(start, start + len(piece.strip()), piece.strip(), label))
    return found


def keys_of(spans: Sequence[Mapping[str, Any] | Span]) -> list[tuple[int, int, str]]:
    """(start, end, label) of each span, for `metrics.spans.span_f1`."""
    plain = [vars(span) if isinstance(span, Span) else span for span in spans]
    return [(int(span["start"]), int(span["end"]), str(span["label"])) for span in plain]


class Tagger:
    """A tuned tagger, ready to use: `Tagger.load(folder).tag(text)`."""

    def __init__(self, bundle: bundles.Bundle) -> None:
        self._bundle = bundle
        self._headed, facts = open_head(bundle, "tag")
        self.names: list[str] = facts["labels"]

    @classmethod
    def load(cls, folder: Path | str, device: str = "auto") -> Tagger:
        """Open a tagger's model folder. ArtifactError when it holds none."""
        return cls(bundles.load(Path(folder), device=device))

    @property
    def kinds(self) -> list[str]:
        """What it can find."""
        return sorted({name.partition("-")[2] for name in self.names if name != OUTSIDE})

    def tag(self, text: str) -> list[Span]:
        """The spans of a text, in its order."""
        return read_spans(self._headed, self._bundle.tokenizer, text, self.names)
