"""The tokenizer stage's folder, opened as the trace of its training tokens: text in, documents out."""

from __future__ import annotations

from pathlib import Path

from groundup.core.errors import UsageError
from groundup.tokenizer.base import Tokenizer
from groundup.tokenizer.shards import TokenShards
from groundup.trace.index import SuffixIndex
from groundup.trace.sources import Sources
from groundup.trace.spans import Traced


def open_trace(folder: Path) -> Traced:
    """Open the index in a tokenizer stage's folder (``3_tokenizer``) of a run.

    Raises UsageError when the stage made no index, ArtifactError when it is damaged or of other tokens.
    """
    if not (folder / "trace").is_dir():
        raise UsageError(
            f"{folder.parent.name} has no index of its training text.",
            repair="Set [tokenizer] trace = true and run the tokenizer stage again.",
        )
    shards = TokenShards.open(folder / "tokens", "train")
    index = SuffixIndex.open(folder / "trace", shards.tokens)
    return Traced(index, Sources(shards.borders, shards.documents), Tokenizer.load(folder / "tokenizer"))
