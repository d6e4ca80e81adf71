"""Bits per byte and perplexity of any text, whatever its length: strided windows.

Every token is scored exactly once. A window holds `context_length` tokens and moves on by half of that, so that
each token but the first few has at least half a window of context before it (Press et al. 2021,
arXiv:2012.15832, section 2: more overlap, lower perplexity, more time).

Bits per byte = summed negative log2-probability / UTF-8 bytes of the scored tokens. It does not depend on the
tokenizer; perplexity, per token, does, and compares only models with the same tokenizer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundup.core.errors import DataError
from groundup.evaluate.subject import Subject

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

    @property
    def bits_per_byte(self) -> float:
        """0.0 for a text without bytes."""
        return self.nats / LN_2 / self.num_bytes if self.num_bytes else 0.0

    @property
    def perplexity(self) -> float:
        """exp of the mean negative log-likelihood of a token, held below exp(100)."""
        return math.exp(min(MOST_NATS, self.nats / self.num_tokens)) if self.num_tokens else 1.0


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
        measures.append(TextMeasure(name, nats, num_tokens, num_bytes))
    return measures


def measure_files(subject: Subject, paths: Iterable[Path]) -> list[TextMeasure]:
    """`groundup evaluate MODEL --text FILES`: one measure a file, in UTF-8, and one named "all" for two or more."""
    paths = list(paths)
    ids = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise DataError(f"No text at {path}.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read as UTF-8 text: {error}.") from None
        if not text.strip():
            raise DataError(f"{path} holds no text to measure.")
        ids.append((subject.begin() or []) + subject.tokenizer.encode(text))
    measures = measure_ids(subject, ids, [str(path) for path in paths])
    if len(measures) > 1:
        measures.append(
            TextMeasure(
                "all",
                math.fsum(one.nats for one in measures),
                sum(one.num_tokens for one in measures),
                sum(one.num_bytes for one in measures),
            )
        )
    return measures


def text_table(measures: Sequence[TextMeasure]) -> str:
    """The measures for a terminal."""
    width = max([len(one.name) for one in measures] + [4])
    lines = [f"{'text':<{width}}  bits/byte  perplexity     tokens      bytes"]
    for one in measures:
        lines.append(
            f"{one.name:<{width}}  {one.bits_per_byte:>9.3f}  {one.perplexity:>10.4g}"
            f"  {one.num_tokens:>9,}  {one.num_bytes:>9,}"
        )
    return "\n".join(lines)
