"""Training documents and others like them that were never trained on, drawn from a run's token shards.

Which documents are held out is decided by a hash of the document, so that both sides come from one source: whatever
tells them apart is memory, not the time or the place they come from (Duan et al. 2024, arXiv:2402.07841, on why other
splits mislead).
"""

from __future__ import annotations

from groundup.audit.base import Look
from groundup.core.errors import ArtifactError
from groundup.core.randomness import numpy_random

LEAST = 16  # tokens: shorter documents hardly say anything of their own; taste


def member_rows(look: Look, count: int, *, least: int = LEAST) -> tuple[list[list[int]], list[list[int]]] | None:
    """Up to `count` rows of training documents and as many of held-out ones, cut at the context; None without both.

    least: tokens a document has at least. None also for a model that does not read left to right, or of another
    vocabulary than the run's tokens (a foreign model).
    """
    from groundup.tokenizer.shards import TokenShards

    folder = look.inputs.get("tokenizer")
    if folder is None or look.subject.kind or not hasattr(look.subject.engine, "model"):
        return None
    sides = []
    for split in ("train", "test"):
        try:
            shards = TokenShards.open(folder / "tokens", split)
        except ArtifactError:
            return None
        if shards.vocabulary_size != look.subject.tokenizer.vocabulary_size:
            return None
        borders = shards.borders
        long_enough = (borders[1:] - borders[:-1] >= least).nonzero()[0]
        drawn = numpy_random(look.seed, "members", split).permutation(long_enough)[:count]
        most = look.subject.context_length
        sides.append([shards.tokens[borders[d] : borders[d + 1]][:most].tolist() for d in sorted(drawn)])
    size = min(map(len, sides))
    return (sides[0][:size], sides[1][:size]) if size >= 20 else None  # fewer say nothing; taste
