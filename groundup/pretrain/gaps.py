"""Fill in the middle (Bavarian et al. 2022): some documents are learned as beginning, end, and then what is between.

    <|endoftext|> <|fim_prefix|> beginning <|fim_suffix|> end <|fim_middle|> middle

The model goes on as ever, and learns to write into a gap on the way; `Engine.fill_gap` asks it to. Cuts fall between
tokens, anywhere. Only documents that a row holds from their first token are changed. Left out of the paper: its other
order (end first), and cuts inside of a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.pretrain.lesson import special_id

SHORTEST = 4  # tokens of a document with three parts, its start token included


@dataclass(frozen=True)
class Gaps:
    """share: of the documents. The ids of the four tokens."""

    share: float
    start: int
    prefix: int
    suffix: int
    middle: int

    @classmethod
    def of(cls, tokenizer: Any, share: float) -> Gaps:
        """For a tokenizer with the tokens for it; RecipeError for another."""
        names = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
        return cls(share, *(special_id(tokenizer, name) for name in names))

    def open(self, text: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """The tokens of a document, three more when it is learned with a gap."""
        chosen = random.random() < self.share  # drawn for every text, so that the others' cuts do not depend on it
        if not chosen or len(text) < SHORTEST or int(text[0]) != self.start:
            return text
        first, second = np.sort(random.integers(1, len(text) + 1, 2))
        signs = (np.array([sign], dtype=np.int64) for sign in (self.prefix, self.suffix, self.middle))
        prefix, suffix, middle = signs
        begins, between, ends = text[1:first], text[first:second], text[second:]
        return np.concatenate([text[:1], prefix, begins, suffix, ends, middle, between])
