"""Extractive question answering: a head scores every token as the answer's first and last (Devlin et al. 2019).

One window:  <|endoftext|> QUESTION <|sep|> PIECE OF THE TEXT <|end|>
of BERT:     <|cls|> QUESTION <|sep|> PIECE OF THE TEXT <|sep|>, question and text told apart by segments

A text longer than a window is read in several that overlap by half; a question is cut to a third of the context. "No
answer" (SQuAD 2, Rajpurkar et al. 2018) is the last place: in a causal model it alone has seen question and text
whole, and where all is seen both ways any place will do. A window that does not hold the whole answer teaches "no
answer". The answer to a text is the span with the highest score over all windows; none, when the data had questions
without one and even the least sure window scores "no answer" higher.

Legend: B rows, T time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.core.errors import DataError
from groundup.finetune.framing import filled, needed
from groundup.finetune.heads import Headed, open_head
from groundup.model import bundle as bundles
from groundup.tokenizer.special import CLS, END, END_OF_TEXT, PAD, SEP
from groundup.train.objectives import Loss

QUESTION_SHARE = 1 / 3  # of the context at most; taste
MAX_ANSWER_TOKENS = 30  # Devlin et al. 2019
MIN_ROOM = 8  # tokens of text in a window; fewer make no sense
BATCH_ROWS = 32  # windows of one forward pass; taste


@dataclass(frozen=True)
class Window:
    """One row: ids; the places [first, last) of text tokens; of each such token its characters in the text.

    start, end: places of the answer's first and last token (both the last place of the row: no answer here).
    """

    ids: list[int]
    first: int
    last: int
    characters: list[tuple[int, int]]
    start: int = -1
    end: int = -1


def placed(tokenizer: Any, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """The ids of a text, and of each token the characters [start, end) it stands for.

    Read off the bytes of the tokens where they are the text's bytes, else (WordPiece drops case and blanks) off the
    tokenizer's own account.
    """
    ids = tokenizer.encode(text)
    lengths = [len(tokenizer.token_bytes(place)) for place in ids]
    data = text.encode("utf-8", "replace")
    if sum(lengths) != len(data):
        found, places = tokenizer.encode_with_places(text)
        return list(found), [(int(start), int(end)) for start, end in places]
    # A character of several bytes belongs to the token that holds its first byte.
    is_first = (np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80
    character_at = np.concatenate([[0], np.cumsum(is_first)])  # (bytes + 1,) characters begun before each byte
    borders = character_at[np.concatenate([[0], np.cumsum(lengths)])] if len(lengths) else np.zeros(1, dtype=int)
    return list(ids), [(int(borders[n]), int(borders[n + 1])) for n in range(len(lengths))]


def windows(
    tokenizer: Any,
    question: str,
    text: str,
    context_length: int,
    answer: tuple[int, int] | None = None,
    family: str = "gpt",
) -> list[Window]:
    """The windows of one question; answer: characters [start, end) of the right one, None when there is none."""
    opening, between, closing = _borders(tokenizer, family)
    asked = tokenizer.encode(question.strip())[: int(context_length * QUESTION_SHARE)]
    head, tail = [opening, *asked, between], [closing]
    room = context_length - len(head) - len(tail)
    if room < MIN_ROOM:
        raise DataError(
            f"A context of {context_length} tokens has no room for a question and its text.",
            repair="Give the model a longer context_length.",
        )
    ids, places = placed(tokenizer, text)
    span = None if answer is None else _token_span(places, answer)
    found = []
    for begin in range(0, max(1, len(ids) - room // 2), room // 2):  # stride: half a window
        piece = ids[begin : begin + room]
        row = [*head, *piece, *tail]
        none = len(row) - 1
        inside = span is not None and begin <= span[0] and span[1] < begin + len(piece)
        start, end = (len(head) + span[0] - begin, len(head) + span[1] - begin) if inside and span else (none, none)
        found.append(Window(row, len(head), len(head) + len(piece), places[begin : begin + len(piece)], start, end))
    return found


def _borders(tokenizer: Any, family: str) -> tuple[int, int, int]:
    """What stands before the question, between it and the text, and behind the text."""
    if family == "bert":
        return needed(tokenizer, CLS), needed(tokenizer, SEP), needed(tokenizer, SEP)
    border = tokenizer.special.get(END_OF_TEXT, 0)
    return border, tokenizer.special.get(SEP, border), tokenizer.special.get(END, border)


def _token_span(places: Sequence[tuple[int, int]], answer: tuple[int, int]) -> tuple[int, int] | None:
    """First and last token that touch the characters [start, end)."""
    touching = [n for n, (start, end) in enumerate(places) if start < answer[1] and end > answer[0]]
    return (touching[0], touching[-1]) if touching else None


def batch_of(rows: Sequence[Window], places: Sequence[int], pad_id: int) -> dict[str, Tensor]:
    """ids_BT, real_BT, segments_BT (1: the text), allowed_BT (text tokens and the last place), start_B, end_B."""
    chosen = [rows[place] for place in places]
    ids_BT, real_BT = filled([row.ids for row in chosen], pad_id)
    first_B1 = torch.tensor([[row.first] for row in chosen])
    segments_BT = ((torch.arange(ids_BT.shape[1]) >= first_B1) & real_BT).long()
    allowed_BT = torch.zeros(ids_BT.shape, dtype=torch.bool)
    for number, row in enumerate(chosen):
        allowed_BT[number, row.first : row.last + 1] = True  # + 1: "no answer"
    return {
        "ids_BT": ids_BT,
        "real_BT": real_BT,
        "segments_BT": segments_BT,
        "allowed_BT": allowed_BT,
        "start_B": torch.tensor([row.start for row in chosen]),
        "end_B": torch.tensor([row.end for row in chosen]),
    }


def scores(module: Any, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Scores (B, T) of every place as start and as end; minus infinity where no answer can stand."""
    found_BTC = module(batch["ids_BT"], batch["real_BT"], each=True, segments_BT=batch["segments_BT"])
    start_BT, end_BT = found_BTC.unbind(-1)
    closed_BT = ~batch["allowed_BT"]
    return start_BT.masked_fill(closed_BT, -torch.inf), end_BT.masked_fill(closed_BT, -torch.inf)


def span_loss(module: Any, batch: Mapping[str, Tensor]) -> Loss:
    """The objective: mean of the cross-entropies of start and end, summed over windows."""
    start_BT, end_BT = scores(module, batch)
    start = F.cross_entropy(start_BT, batch["start_B"], reduction="sum")
    end = F.cross_entropy(end_BT, batch["end_B"], reduction="sum")
    return Loss((start + end) / 2, len(start_BT))


@dataclass(frozen=True)
class Answer:
    """text is "" when there is none; start and end are its characters. margin: its score minus that of no answer."""

    text: str
    start: int
    end: int
    margin: float


@torch.no_grad()
def read_answer(module: Any, rows: Sequence[Window], text: str, pad_id: int, *, may_refuse: bool) -> Answer:
    """The best span over the windows of one question."""
    device = next(module.parameters()).device
    best, span, least_null = -np.inf, (0, 0), np.inf
    for begin in range(0, len(rows), BATCH_ROWS):
        places = list(range(begin, min(begin + BATCH_ROWS, len(rows))))
        batch = {name: tensor.to(device) for name, tensor in batch_of(rows, places, pad_id).items()}
        start_BT, end_BT = (one.cpu().numpy() for one in scores(module, batch))
        for number, place in enumerate(places):
            row = rows[place]
            null = float(start_BT[number, row.last] + end_BT[number, row.last])
            least_null = min(least_null, null)
            score, first, last = _best_span(
                start_BT[number, row.first : row.last], end_BT[number, row.first : row.last]
            )
            if score > best:
                best, span = score, (row.characters[first][0], row.characters[last][1])
    margin = float(best - least_null)
    if not np.isfinite(best) or (may_refuse and margin < 0):
        return Answer("", 0, 0, margin if np.isfinite(margin) else 0.0)
    start, end = span
    found = text[start:end]
    start += len(found) - len(found.lstrip())  # byte-level tokens carry the blank before a word
    return Answer(found.strip(), start, start + len(found.strip()), margin)


def _best_span(start_T: np.ndarray, end_T: np.ndarray) -> tuple[float, int, int]:
    """The highest start[i] + end[j] with i <= j < i + MAX_ANSWER_TOKENS, and i and j."""
    if len(start_T) == 0:
        return -np.inf, 0, 0
    best = (-np.inf, 0, 0)
    for width in range(min(MAX_ANSWER_TOKENS, len(start_T))):
        sums = start_T[: len(start_T) - width] + end_T[width:]
        first = int(sums.argmax())
        if sums[first] > best[0]:
            best = (float(sums[first]), first, first + width)
    return best


class SpanReader:
    """A tuned span reader, ready to use: `SpanReader.load(folder).answer(question, text)`."""

    def __init__(self, bundle: bundles.Bundle) -> None:
        self._bundle = bundle
        self._headed, facts = open_head(bundle, "qa")
        self.may_refuse = bool(facts.get("no_answer"))

    @classmethod
    def load(cls, folder: Path | str, device: str = "auto") -> SpanReader:
        """Open a span reader's model folder. ArtifactError when it holds none."""
        return cls(bundles.load(Path(folder), device=device))

    def answer(self, question: str, text: str) -> Answer:
        """The span of the text that answers the question; text "" when it says there is none."""
        tokenizer = self._bundle.tokenizer
        config = self._bundle.config
        rows = windows(tokenizer, question, text, config.context_length, family=config.family)
        return read_answer(self._headed, rows, text, tokenizer.special.get(PAD, 0), may_refuse=self.may_refuse)


def new_head(model: Any, seed: int) -> Headed:
    """A fresh head: column 0 scores starts, column 1 ends."""
    return Headed(model, 2, seed)
