from __future__ import annotations

from pathlib import Path

import numpy as np

from groundup.evaluate.base import Item
from groundup.evaluate.contamination import SPAN_TOKENS, Contamination, holds_span
from groundup.tokenizer import Tokenizer
from groundup.trace.index import SuffixIndex, build

SEEN = "the quick brown fox jumps over the lazy dog"
TOKENIZER = Tokenizer.train(["x"], kind="bytes")


def index(folder: Path, text: str) -> SuffixIndex:
    tokens = np.array(TOKENIZER.encode(text), dtype=np.uint16)
    build(tokens, folder)
    return SuffixIndex.open(folder, tokens)


def test_the_share_counts_items_with_a_copied_piece(tmp_path: Path) -> None:
    found = Contamination(index(tmp_path, SEEN), TOKENIZER)
    copied = Item("1", "he said: brown fox jumps", "yes")
    across = Item("2", "-- over the", "lazy dog --")  # the piece runs from the question into the answer
    fresh = Item("3", "nothing of this stands there", "no")
    short = Item("4", "the", "fox")
    assert found.of([copied, across, fresh, short]) == {"share": 0.6667, "items": 3, "span_tokens": SPAN_TOKENS}
    assert found.of([short])["share"] is None


def test_a_piece_is_found_wherever_it_stands_and_never_one_shorter(tmp_path: Path) -> None:
    known = index(tmp_path, SEEN)
    for start in range(0, 20, 5):
        piece = SEEN[start : start + SPAN_TOKENS]
        assert holds_span(known, TOKENIZER.encode(f"## {piece} ##"))
        assert not holds_span(known, TOKENIZER.encode(f"##{piece[:-1]}##{piece[1:]}##"))


def test_without_a_trace_index_there_is_no_number(tmp_path: Path) -> None:
    assert Contamination.open({}) is None and Contamination.open({"tokenizer": tmp_path}) is None
