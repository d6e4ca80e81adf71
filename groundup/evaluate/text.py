"""Bits per byte and perplexity of any text, whatever its length: strided windows.

Every token is scored exactly once. A window holds `context_length` tokens and moves on by half of that, so that
each token but the first few has at least half a window of context before it (Press et al. 2021,
arXiv:2012.15832, section 2: more overlap, lower perplexity, more time).

Bits per byte = summed negative log2-probability / UTF-8 bytes of the scored tokens. It does not depend on the
tokenizer; perplexity, per token, does, and compares only models with the same tokenizer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError
from groundup.evaluate.subject import Subject
from groundup.metrics.likelihood import bits_per_byte, perplexity

LN_2 = math.log(2.0)
# exp() of more nats than this per token is not a number to report; a uniform guess over 1e10 tokens is 23.
MOST_NATS = 100.0


@dataclass(frozen=True)
class TextMeasure:
    """How well a model predicts one text. nats: summed negative log-likelihood of `num_tokens` tokens."""

    name: str
    nats: float
    num_tokens: int
    num_bytes: int
    bits_per_byte: float
    perplexity: float


def measured(name: str, nats: float, num_tokens: int, num_bytes: int) -> TextMeasure:
    """The measure of these sums; a text without tokens has 0 bits per byte and perplexity 1."""
    bits = bits_per_byte(-nats, num_bytes) if num_bytes else 0.0
    per_token = perplexity(-min(nats, MOST_NATS * num_tokens), num_tokens) if num_tokens else 1.0
    return TextMeasure(name, nats, num_tokens, num_bytes, bits, per_token)


def windows(ids: Sequence[int], context_length: int, stride: int = 0) -> list[tuple[list[int], list[int]]]:
    """Cut ids into (context, scored) pairs of at most `context_length` together; each id but the first is scored once.

    stride: how many tokens a window after the first scores; half of the context when 0.
    """
    stride = stride or max(1, context_length // 2)
    if not 1 <= stride < context_length:
        raise ValueError(f"stride must be from 1 to {context_length - 1}; came: {stride}")
    ids = list(ids)
    pairs = []
    start = 1  # the first id is given, not predicted
    while start < len(ids):
        # The first window scores all it holds; a later one only its last `stride` tokens.
        end = min(len(ids), context_length if start == 1 else start + stride)
        pairs.append((ids[max(0, end - context_length) : start], ids[start:end]))
        start = end
    return pairs


def measure_ids(subject: Subject, texts: Sequence[Sequence[int]], names: Sequence[str]) -> list[TextMeasure]:
    """Measure many token sequences in one batch. Each opens with the border token (given, not scored)."""
    import numpy as np

    per_token = np.asarray(subject.tokenizer.bytes_per_token)
    cut = [windows(ids, subject.context_length) for ids in texts]
    scored = iter(subject.score([pair for pairs in cut for pair in pairs]))
    measures = []
    for pairs, name in zip(cut, names, strict=True):
        nats, num_tokens, num_bytes = 0.0, 0, 0
        for _, wanted in pairs:
            nats -= next(scored).logprob
            num_tokens += len(wanted)
            num_bytes += int(per_token[np.asarray(wanted, dtype=np.int64)].sum())
        measures.append(measured(name, nats, num_tokens, num_bytes))
    return measures


def measure(engine: Any, path: Path) -> TextMeasure:
    """`groundup evaluate MODEL --text FILE`: one UTF-8 file with a `generate.Engine`."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"No text at {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text: {error}.") from None
    if not text.strip():
        raise DataError(f"{path} holds no text to measure.")
    subject = Subject(engine, engine.tokenizer, engine.context_length)
    return measure_ids(subject, [subject.begin() + subject.tokenizer.encode(text)], [str(path)])[0]
