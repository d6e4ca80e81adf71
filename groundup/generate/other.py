"""Models that do not continue texts: an encoder fills gaps, an encoder-decoder reads one text and writes another.

    fill(bundle, "A fox is an [MASK].")     the likeliest words for each gap (Devlin et al. 2019)
    write(bundle, source, beams=4)          greedy with one beam, else beam search (model.beam)

Legend: B rows, T time, S source time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch

from groundup.core.errors import UsageError
from groundup.model.beam import BEAMS, Written, beam_search, greedy
from groundup.tokenizer.special import CLS, END, MASK, PAD, SEP

GAP = "[MASK]"  # how a gap is written, whatever the tokenizer calls it
MOST_GAPS = 64  # of one text; taste


@dataclass(frozen=True)
class Filled:
    """One gap. words: (text, probability), the likeliest first."""

    words: list[tuple[str, float]]


@torch.inference_mode()
def fill(bundle: Any, text: str, *, top: int = 5) -> list[Filled]:
    """The `top` likeliest tokens for each gap of a text, all gaps guessed at once: no guess sees another.

    UsageError for a model that is no encoder, a text without a gap or one that is too long.
    """
    tokenizer, config = bundle.tokenizer, bundle.config
    if config.family != "bert":
        raise UsageError("Only an encoder (bert) fills gaps.", repair="To fill one gap with a text: Engine.fill_gap.")
    missing = [name for name in (MASK, CLS, SEP) if name not in tokenizer.special]
    if missing:
        raise UsageError(f"This model's tokenizer has no token {missing[0]}.")
    pieces = re.split(re.escape(GAP), text)
    if not 1 < len(pieces) <= MOST_GAPS + 1:
        raise UsageError(
            f"The text has {len(pieces) - 1} gaps; 1 to {MOST_GAPS} can be filled.", repair=f"Write {GAP}."
        )
    ids = [tokenizer.special[CLS]]
    gaps = []
    for number, piece in enumerate(pieces):
        if number:
            gaps.append(len(ids))
            ids.append(tokenizer.special[MASK])
        ids += tokenizer.encode(piece.rstrip(" ") if tokenizer.kind == "wordpiece" else piece)
    ids.append(tokenizer.special[SEP])
    if len(ids) > config.context_length:
        raise UsageError(f"The text makes {len(ids):,} tokens; the model reads {config.context_length:,}.")
    device = next(bundle.model.parameters()).device
    logits_TV = bundle.model.logits(bundle.model(torch.tensor([ids], device=device)))[0, gaps].float()
    logits_TV[:, sorted(tokenizer.special.values())] = float("-inf")
    found = []
    for probabilities_V in logits_TV.softmax(-1):
        best = probabilities_V.topk(min(top, len(probabilities_V)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        found.append(Filled([(tokenizer.token_bytes(id_).decode("utf-8", "replace"), share) for id_, share in pairs]))
    return found


def write(bundle: Any, source: str, *, beams: int = BEAMS, max_tokens: int = 128) -> list[tuple[str, Written]]:
    """What an encoder-decoder writes for a source, the best first, with its score. beams 1 is greedy.

    UsageError for another kind of model, or a source that is too long.
    """
    tokenizer, config = bundle.tokenizer, bundle.config
    if config.family != "encoder_decoder":
        raise UsageError("Only an encoder-decoder writes from a source.", repair="Use 'prompt' to continue a text.")
    ids = tokenizer.encode(source)
    if tokenizer.is_foreign and END in tokenizer.special:  # T5's sources end in </s>; ours were trained without
        ids.append(tokenizer.special[END])
    if not 0 < len(ids) <= config.context_length:
        raise UsageError(f"The source makes {len(ids):,} tokens; the model reads 1 to {config.context_length:,}.")
    missing = [name for name in (PAD, END) if name not in tokenizer.special]
    if missing:
        raise UsageError(f"This model's tokenizer has no token {missing[0]}.")
    names = {"start_id": tokenizer.special[PAD], "end_id": tokenizer.special[END]}
    limit = min(max_tokens, config.context_length - 1)
    device = next(bundle.model.parameters()).device
    source_S = torch.tensor(ids, device=device)
    if beams == 1:
        made = greedy(bundle.model, source_S[None], limit=limit, **names)
    else:
        made = beam_search(bundle.model, source_S, limit=limit, beams=beams, **names)
    return [(tokenizer.decode(one.ids), one) for one in made]
