"""The kinds of tokenizer, by name: each is a function from texts and a size to a trained `tokenizers.Tokenizer`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundup.core.errors import DataError, RecipeError
from groundup.core.registry import Registry

if TYPE_CHECKING:
    import tokenizers

MIN_FREQUENCY = 2  # a pair seen once is a memory, not a pattern (the library's and GPT-2's habit)


@dataclass(frozen=True)
class Kind:
    """One kind: how it is trained, and whether decode(encode(text)) always is the text."""

    train: Callable[[Iterable[str], int], tokenizers.Tokenizer]
    lossless: bool


KINDS: Registry[Kind] = Registry("tokenizer kind")


def check_size(kind: str, vocabulary_size: int, smallest: int) -> None:
    """RecipeError when the size cannot even hold the special tokens and the alphabet."""
    if vocabulary_size < smallest:
        raise RecipeError(
            f"tokenizer.vocabulary_size = {vocabulary_size} is too small for kind '{kind}': the special tokens and "
            f"the alphabet alone need {smallest}.",
            repair=f"Set it to {smallest} or more.",
        )


def check_reached(kind: str, vocabulary_size: int, reached: int) -> None:
    """DataError when the corpus was too small to fill the vocabulary; names the largest size it can fill."""
    if reached < vocabulary_size:
        raise DataError(
            f"The corpus is too small for a vocabulary of {vocabulary_size} (kind '{kind}'): it fills only {reached}.",
            repair=f"Give more text, or set tokenizer.vocabulary_size = {reached} or less.",
        )
