"""Renaming tensors by patterns, and reading config files with clear errors. N in a pattern stands for a layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from groundup.core.errors import ArtifactError

LAYER = re.compile(r"(?<=\.)\d+(?=\.)")


def renamed(name: str, table: Mapping[str, str]) -> str | None:
    """The other name of a tensor; None when the table does not know it."""
    if name in table:
        return table[name]
    found = LAYER.search(name)
    other = table.get(LAYER.sub("N", name, count=1))
    return other.replace(".N.", f".{found.group()}.") if other is not None and found else other


def rename(weights: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    """All tensors under their other names; what the table does not know keeps its own."""
    return {renamed(name, table) or name: tensor for name, tensor in weights.items()}


def turned_round(table: Mapping[str, str]) -> dict[str, str]:
    """The table from their names to ours."""
    return {theirs: ours for ours, theirs in table.items()}


def require(values: Mapping[str, Any], rules: Mapping[str, bool], name: str, family: str) -> None:
    """ArtifactError for the first key whose rule is broken: something we do not compute."""
    for key, fine in rules.items():
        if not fine:
            raise ArtifactError(f"{name}: '{key}' = {values.get(key)!r} is not supported for the family '{family}'.")


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Errors of a config file that is incomplete or damaged."""
    try:
        yield
    except KeyError as error:
        raise ArtifactError(f"{name}: {error} is missing.") from None
    except (TypeError, ValueError) as error:
        raise ArtifactError(f"{name} holds a value that is no number: {error}.") from None


def token_ids(special: Mapping[str, int]) -> dict[str, int | None]:
    """bos, eos and pad ids of our special tokens."""
    start = special.get("<|endoftext|>")
    return {
        "bos_token_id": start,
        "eos_token_id": special.get("<|end|>", start),
        "pad_token_id": special.get("<|pad|>"),
    }
