"""How a text is laid before a model that reads it, and what the model makes of it: one place for every family.

    gpt, custom        the tokens as they are; the last one has seen the whole text
    bert               <|cls|> text <|sep|>, or <|cls|> text <|sep|> text <|sep|> with segments 0 and 1 (Devlin et al. 2019)
    encoder_decoder    text <|end|>, read by the encoder; its states are averaged (Ni et al. 2022, Sentence-T5)

Legend: B rows, T time, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from groundup.core.errors import DataError
from groundup.tokenizer.special import CLS, END, END_OF_TEXT, SEP

LOOKS_AHEAD = ("bert", "encoder_decoder")  # families whose states depend on what follows: padding must be hidden


def frame(tokenizer: Any, family: str, ids: Sequence[int], limit: int) -> tuple[list[int], bool]:
    """One text as the family reads it, at most `limit` tokens; and whether it was cut."""
    head, tail = edges(tokenizer, family)
    room = limit - len(head) - len(tail)
    row = [*head, *ids[:room], *tail]
    return row or [tokenizer.special.get(END_OF_TEXT, 0)], len(ids) > room


def edges(tokenizer: Any, family: str) -> tuple[list[int], list[int]]:
    """What stands before and behind a text. DataError when an encoder's tokenizer lacks the tokens for it."""
    if family == "bert":
        return [needed(tokenizer, CLS)], [needed(tokenizer, SEP)]
    return ([], [needed(tokenizer, END)]) if family == "encoder_decoder" else ([], [])


def needed(tokenizer: Any, name: str) -> int:
    """The id of a special token this model cannot be tuned without."""
    if name not in tokenizer.special:
        raise DataError(
            f"The tokenizer has no {name}, which this kind of model reads at the borders of a text.",
            repair="It is the tokenizer of another model; copy the right tokenizer files into the folder.",
        )
    return int(tokenizer.special[name])


def hidden_states(
    model: Any, ids_BT: Tensor, real_BT: Tensor | None = None, segments_BT: Tensor | None = None
) -> Tensor:
    """(B, T, D). real_BT: False where a row is only filled up (at its end). segments_BT: bert's, 0 first text, 1 second."""
    family = model.config.family
    if family == "bert":
        return model(ids_BT, real_BT=real_BT, segments_BT=segments_BT)
    if family == "encoder_decoder":
        return model.encode(ids_BT, real_BT)
    return model(ids_BT)


def text_states(model: Any, ids_BT: Tensor, real_BT: Tensor, *, mean: bool = False) -> Tensor:
    """(B, D): one state a text, read where the family has the whole of it. mean: the average of its tokens' instead, as
    models of sentence vectors are trained."""
    hidden_BTD = hidden_states(model, ids_BT, real_BT)
    if mean or model.config.family == "encoder_decoder":
        return averaged(hidden_BTD, real_BT)
    if model.config.family == "bert":
        return model.pooled(hidden_BTD)
    last_B = real_BT.sum(1) - 1
    return hidden_BTD[torch.arange(len(last_B), device=last_B.device), last_B]


def averaged(hidden_BTD: Tensor, real_BT: Tensor) -> Tensor:
    """(B, D): the mean over a row's own tokens."""
    weight_BT1 = real_BT.unsqueeze(-1).to(hidden_BTD.dtype)
    return (hidden_BTD * weight_BT1).sum(1) / weight_BT1.sum(1).clamp(min=1)


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> Tensor:
    """(B, T) int64, rows filled at the end to the longest."""
    length = max(len(row) for row in rows)
    return torch.tensor([[*row, *[pad_id] * (length - len(row))] for row in rows], dtype=torch.int64)


def filled(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """ids_BT as `padded` gives them, and real_BT: True at a row's own tokens."""
    ids_BT = padded(rows, pad_id)
    lengths_B = torch.tensor([len(row) for row in rows])
    return ids_BT, torch.arange(ids_BT.shape[1])[None, :] < lengths_B[:, None]
