"""A language model of twenty lines that really works: a table of bigrams over characters, with the engine's methods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


class CharacterTokenizer:
    """One token a character (code points below 1000), and the special tokens that a prompt needs, as high ids."""

    special = {"<|endoftext|>": 1000, "<|user|>": 1001, "<|assistant|>": 1002, "<|end|>": 1003, "<|system|>": 1004}
    special |= {"<|tool|>": 1005, "<|tool_call|>": 1006, "<|tool_end|>": 1007}
    chat_template, is_foreign, vocabulary_size = "", False, 1008
    bytes_per_token = np.array([len(chr(one).encode()) for one in range(1000)] + [0] * 8)

    def encode(self, text: str) -> list[int]:
        return [min(ord(one), 999) for one in text]

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        names = {number: "" if skip_special else name for name, number in self.special.items()}
        return "".join(names.get(one, chr(one) if one < 1000 else "") for one in ids)


@dataclass
class Scored:
    logprob: float
    num_tokens: int
    num_bytes: int
    is_greedy: bool
    token_logprobs: list[float]
    num_left_out: int = 0


@dataclass
class Generated:
    ids: list[int]
    text: str
    finish: str = "length"
    logprobs: list[float] = field(default_factory=list)


class BigramEngine:
    """p(next | last two tokens) by counts plus `smooth`; nothing else."""

    def __init__(self, texts: Sequence[str], *, context_length: int = 64, smooth: float = 0.01) -> None:
        self.tokenizer, self.context_length, self.smooth = CharacterTokenizer(), context_length, smooth
        self.counts: dict[tuple[int, ...], np.ndarray] = {}
        for text in texts:
            ids = [1000, *self.tokenizer.encode(text), 1000]
            for end in range(1, len(ids)):
                row = self.counts.setdefault(tuple(ids[max(0, end - 2) : end]), np.zeros(1008))
                row[ids[end]] += 1

    def _log_probabilities(self, before: Sequence[int]) -> np.ndarray:
        row = self.counts.get(tuple(before[-2:]), np.zeros(1008)) + self.smooth
        return np.log(row / row.sum())

    def score(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Scored]:
        return [self._scored(list(context) or [1000], list(ending)) for context, ending in pairs]

    def _scored(self, context: list[int], ending: list[int]) -> Scored:
        assert ending and len(context) > 0 and len(ending) < self.context_length
        logs, greedy = [], True
        for place, token in enumerate(ending):
            row = self._log_probabilities(context + ending[:place])
            logs.append(float(row[token]))
            greedy &= int(row.argmax()) == token
        size = int(self.tokenizer.bytes_per_token[ending].sum())
        return Scored(math.fsum(logs), len(ending), size, greedy, logs)

    def generate(self, prompts: Sequence[Sequence[int]], sampling: object) -> list[Generated]:
        each = sampling if isinstance(sampling, list) else [sampling] * len(prompts)
        return [self._written(list(prompt), one) for prompt, one in zip(prompts, each, strict=True)]

    def _written(self, prompt: list[int], sampling: object) -> Generated:
        assert len(prompt) < self.context_length
        ids: list[int] = []
        rng = np.random.default_rng(sampling.seed)
        while len(ids) < sampling.max_tokens:
            row = self._log_probabilities(prompt + ids)
            token = int(row.argmax()) if sampling.temperature == 0 else int(rng.choice(1008, p=np.exp(row)))
            if token >= 1000 or (sampling.stop and chr(token) in sampling.stop):
                break
            ids.append(token)
        return Generated(ids, self.tokenizer.decode(ids))
