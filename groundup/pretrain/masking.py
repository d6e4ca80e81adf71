"""Which words are hidden, and how (Devlin et al. 2019, section 3.1): 15 % of the tokens; of these 80 % become
<|mask|>, 10 % a random token, 10 % stay, so that the model cannot trust what it sees. whole_word: all tokens of a word
are hidden together (their later "whole word masking").

B batch, T time, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.pretrain.lesson import special_id
from groundup.train.objectives import IGNORE

MASKED, RANDOM = 0.8, 0.1  # shares of the hidden tokens; the rest stays as it is


@dataclass(frozen=True)
class Masking:
    """ordinary_V: False for special tokens, which are never hidden. continues_V: the token goes on a word."""

    mask_id: int
    share: float
    ordinary_V: np.ndarray
    continues_V: np.ndarray

    @classmethod
    def of(cls, tokenizer: Any, *, share: float, whole_word: bool) -> Masking:
        """For one of our tokenizers."""
        ordinary_V = np.asarray(tokenizer.bytes_per_token) > 0
        continues_V = np.zeros(len(ordinary_V), dtype=bool)
        if whole_word:
            continues_V = np.array([goes_on(tokenizer, token) for token in range(len(ordinary_V))])
        return cls(special_id(tokenizer, "<|mask|>"), share, ordinary_V, continues_V)

    def hide(self, ids_BT: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(ids with words hidden, targets: the hidden tokens and IGNORE elsewhere), both (B, T)."""
        hidden_BT = np.stack([self._choose(ids_T, random) for ids_T in ids_BT])
        targets_BT = np.where(hidden_BT, ids_BT, IGNORE)
        how_BT = random.random(ids_BT.shape)
        others_BT = random.choice(np.flatnonzero(self.ordinary_V), ids_BT.shape)
        made_BT = np.where(how_BT < MASKED, self.mask_id, np.where(how_BT < MASKED + RANDOM, others_BT, ids_BT))
        return np.where(hidden_BT, made_BT, ids_BT), targets_BT

    def _choose(self, ids_T: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Whole words in random order, until the share is reached."""
        ordinary_T = self.ordinary_V[ids_T]
        if not ordinary_T.any():
            return ordinary_T
        begins_T = ordinary_T & ~(self.continues_V[ids_T] & np.roll(ordinary_T, 1))
        begins_T[0] = ordinary_T[0]
        words_T = np.where(ordinary_T, np.cumsum(begins_T) - 1, -1)
        sizes_W = np.bincount(words_T[ordinary_T])
        order_W = random.permutation(len(sizes_W))
        wanted = max(1, round(self.share * int(ordinary_T.sum())))
        enough = int(np.searchsorted(np.cumsum(sizes_W[order_W]), wanted)) + 1
        return np.isin(words_T, order_W[:enough])


def goes_on(tokenizer: Any, token: int) -> bool:
    """True when a token continues the word before it: "##ing" of WordPiece, "ing" (no blank before it) of the others."""
    if tokenizer.kind == "wordpiece":  # alone, such a piece keeps its mark
        return bool(tokenizer.decode([token]).startswith("##"))
    first = tokenizer.token_bytes(token)[:1]
    return bool(first) and (first.isalnum() or first[0] >= 0x80)
