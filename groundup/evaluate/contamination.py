"""Has the model read the test? The share of items of which a piece stands word for word in its training tokens.

A piece is 13 tokens, as in Brown et al. 2020 (appendix C, there words): shorter ones are idioms, and a longer copy
holds one. Looked up in the trace index of the tokenizer stage, in the tokenizer's own tokens, so that any model of
the run is judged by the same rule. Text whose every part follows a pattern (made-up stories) shares pieces without
having been copied; the number says what is shared, not that it was learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup.evaluate.base import Item
from groundup.trace.index import SuffixIndex

SPAN_TOKENS = 13  # Brown et al. 2020, appendix C
MOST_ITEMS = 500  # items looked at: bounds the share to about +-0.04 and the time to some seconds; taste


class Contamination:
    """Opened once a run of the stage, asked for every task."""

    def __init__(self, index: SuffixIndex, tokenizer: Any) -> None:
        self._index = index
        self._tokenizer = tokenizer

    @classmethod
    def open(cls, inputs: Mapping[str, Path]) -> Contamination | None:
        """From the tokenizer stage's folder; None where there is no trace index."""
        folder = inputs.get("tokenizer")
        if folder is None or not (folder / "trace" / "index.json").is_file():
            return None
        from groundup.tokenizer import Tokenizer
        from groundup.tokenizer.shards import TokenShards

        shards = TokenShards.open(folder / "tokens", "train")
        return cls(SuffixIndex.open(folder / "trace", shards.tokens), Tokenizer.load(folder / "tokenizer"))

    def of(self, items: Sequence[Item]) -> dict[str, Any]:
        """``{share, items, span_tokens}``: of the items long enough to hold a piece; share None where none is."""
        long_enough = shared = 0
        for item in items[:MOST_ITEMS]:
            ids = self._ids(item)
            if len(ids) >= SPAN_TOKENS:
                long_enough += 1
                shared += holds_span(self._index, ids)
        share = round(shared / long_enough, 4) if long_enough else None
        return {"share": share, "items": long_enough, "span_tokens": SPAN_TOKENS}

    def _ids(self, item: Item) -> list[int]:
        """The tokens of the question with its right answer; of a given text, its own."""
        if "ids" in item.meta:
            return list(item.meta["ids"])
        asked = item.plain or item.text
        right = item.gold if not item.ending else f"{item.gold} {item.ending}"
        return list(self._tokenizer.encode(f"{asked} {right}".strip()))


def holds_span(index: SuffixIndex, ids: Sequence[int], length: int = SPAN_TOKENS) -> bool:
    """Whether any `length` consecutive ids stand in the indexed tokens; the first hit ends the search."""
    return any(index.longest_match(ids[start : start + length]) == length for start in range(len(ids) - length + 1))
