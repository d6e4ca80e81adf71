"""Answers that must be JSON of a given schema, token by token (llguidance, an optional extra).

Before each token the grammar says which tokens may come; all others are forbidden, so that even a tiny model writes
valid JSON, unless its answer is cut at max_tokens. No schema is fetched from anywhere: a remote `$ref` is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from groundup.core.errors import MissingExtra, UsageError

Allow = Callable[[list[int]], torch.Tensor | None]


class Constrainer:
    """Grammars over one tokenizer: made once for a model, asked for every request."""

    def __init__(self, tokenizer: Any) -> None:
        """Raises MissingExtra without llguidance, UsageError for a tokenizer without an end token."""
        try:
            import llguidance
        except ImportError:
            raise MissingExtra("llguidance", "structured", "An answer held to a schema") from None
        ends = [tokenizer.special[name] for name in ("<|end|>", "<|endoftext|>") if name in tokenizer.special]
        if not ends:
            raise UsageError("This model's tokenizer has no end token: its answers cannot be held to a schema.")
        self._tokenizer = tokenizer
        self._end = ends[0]
        self._guide = llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Words(tokenizer, self._end)))

    def allow(self, schema: dict[str, Any]) -> Allow:
        """The `allow` hook of one answer. UsageError for a schema that is none, or asks for what is not known."""
        from llguidance import LLMatcher

        try:
            # One space after ':' and ',': a small model that may write any white space writes nothing else.
            grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults={"whitespace_flexible": False})
        except ValueError as error:
            raise UsageError(f"response_format: {error}.") from None
        failed, messages = LLMatcher.validate_grammar_with_warnings(grammar, self._guide)
        if failed:
            raise UsageError(f"response_format: {'; '.join(messages)[:500]}.")
        return _Follower(LLMatcher(self._guide, grammar), self._tokenizer.vocabulary_size)


class _Follower:
    """Follows one answer through its grammar."""

    def __init__(self, matcher: Any, vocabulary_size: int) -> None:
        import llguidance.numpy as guide

        self.matcher = matcher
        self.num_read = 0
        self._vocabulary_size = vocabulary_size
        self._bits = guide.allocate_token_bitmask(1, vocabulary_size)

    def __call__(self, ids: list[int]) -> torch.Tensor:
        """(V,) True: this token may come next."""
        import llguidance.numpy as guide

        new = ids[self.num_read :]
        self.num_read = len(ids)
        if new and not self.matcher.consume_tokens(new):
            raise UsageError(f"response_format: the answer left its grammar: {self.matcher.get_error()}.")
        guide.fill_next_token_bitmask(self.matcher, self._bits, 0)
        mask_V = np.unpackbits(self._bits[0].view(np.uint8), bitorder="little")[: self._vocabulary_size]
        return torch.from_numpy(mask_V.astype(bool))


class _Words:
    """Our tokenizer as llguidance wants to see one."""

    def __init__(self, tokenizer: Any, end: int) -> None:
        self._encode = tokenizer.encode
        self.eos_token_id = end
        self.bos_token_id = None
        self.special_token_ids = sorted(tokenizer.special.values())
        special = set(self.special_token_ids)
        # A special token has no text; it needs a name of its own all the same.
        self.tokens = [
            b"<|%d|>" % id_ if id_ in special else tokenizer.token_bytes(id_)
            for id_ in range(tokenizer.vocabulary_size)
        ]

    def __call__(self, text: str | bytes) -> list[int]:
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        ids: list[int] = self._encode(words)
        return ids
