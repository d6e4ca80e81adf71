"""Sentence vectors: the mean of a model's last hidden states over the tokens of a text, at length one.

A causal model's states were trained to predict the next token, not to tell texts apart: these vectors are a start
for search, not the quality of a model tuned for it.

Legend: N texts, B rows, T time, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

BATCH_TOKENS = 4096  # tokens of one forward pass; taste


@torch.inference_mode()
def embed(bundle: Any, texts: Sequence[str]) -> np.ndarray:
    """(N, D) float32, each row of length 1: the cosine of two texts is their dot product.

    Texts beyond the context length are read up to it. The vector of a text does not depend on the others: only
    texts of the same number of tokens share a forward pass, so that no filling is ever read (right for models that
    look both ways too).
    """
    model, tokenizer = bundle.model.eval(), bundle.tokenizer
    device = next(model.parameters()).device
    begin = tokenizer.special["<|endoftext|>"]
    rows = [([begin, *ids])[: model.config.context_length] for ids in tokenizer.encode_batch(list(texts))]
    by_length: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        by_length.setdefault(len(row), []).append(number)
    vectors_ND: np.ndarray | None = None
    for length, numbers in sorted(by_length.items()):
        size = max(1, BATCH_TOKENS // length)
        for start in range(0, len(numbers), size):
            group = numbers[start : start + size]
            hidden_BTD = model(torch.tensor([rows[number] for number in group], device=device))
            mean_BD = torch.nn.functional.normalize(hidden_BTD.float().mean(1), dim=-1)
            if vectors_ND is None:
                vectors_ND = np.zeros((len(rows), mean_BD.shape[-1]), dtype=np.float32)
            vectors_ND[group] = mean_BD.cpu().numpy()
    return np.zeros((0, 0), dtype=np.float32) if vectors_ND is None else vectors_ND
