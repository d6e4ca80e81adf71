"""How probable is a given text: continuations after contexts (multiple choice, likelihood tasks), and every token.

Fast path: contexts that several continuations share are read once; a beginning that all contexts share (the shots of
a few-shot prompt) is read once for the whole call; rows are batched by length. The slow twin is `token_logprobs` on
context + continuation, and a test holds them together.

Legend: B rows, T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.core.errors import UsageError
from groundup.generate.cache import KVCache, cache_for, forward
from groundup.generate.scheduler import read_prompts, right_padded

BATCH_TOKENS = 4096  # rows x longest, padding included; taste: logits of 50k tokens stay below 1 GB
SCORED_AT_ONCE = 256  # places of a prompt; taste: 50 MB of logits for 50k tokens
MIN_SHARED = 16  # tokens: below this, reading the shared beginning apart costs more than it saves; taste


@dataclass(frozen=True)
class Scored:
    """One continuation. logprob: the sum over its tokens (natural logarithm). num_bytes: of its text in UTF-8.

    is_greedy: greedy decoding would have written exactly this. num_left_out: tokens cut from the context's start
    because both together were longer than the model reads.
    """

    logprob: float
    num_tokens: int
    num_bytes: int
    is_greedy: bool
    token_logprobs: list[float]
    num_left_out: int = 0


@dataclass(frozen=True)
class _Pair:
    """A pair made to fit. number: its place in the call."""

    number: int
    context: tuple[int, ...]
    continuation: tuple[int, ...]
    left_out: int


def score_pairs(model: Any, tokenizer: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Scored]:
    """Score continuations after contexts, in order.

    An empty context stands for `<|endoftext|>`, the first token of every text. Where both together are longer than
    the model reads, the context loses its beginning. UsageError for a continuation that is empty or fills the
    whole context length.
    """
    fitted = [_fit(number, pair, tokenizer, model.config.context_length) for number, pair in enumerate(pairs)]
    results: list[Scored | None] = [None] * len(fitted)
    shared = _shared_length([pair.context for pair in fitted])
    prefix = fitted[0].context[:shared] if shared >= MIN_SHARED else ()
    with torch.inference_mode():
        prefix_cache = _read_prefix(model, prefix)
        for batch in _batches(fitted):
            for pair, logits_TV in zip(batch, _continuation_logits(model, batch, prefix_cache), strict=True):
                results[pair.number] = _scored(pair, logits_TV, tokenizer)
    return [result for result in results if result is not None]


@torch.inference_mode()
def token_logprobs(model: Any, ids: Sequence[int]) -> np.ndarray:
    """(T,) float64: log p(ids[t] | ids[:t]), the first nan.

    A text longer than the context is read in windows that overlap by half: every token but the first ones is judged
    with at least half a context before it.
    """
    context_length: int = model.config.context_length
    device = next(model.parameters()).device
    out_T = np.full(len(ids), np.nan)
    stride = max(1, context_length // 2)
    done = 1
    for start in range(0, max(1, len(ids) - 1), stride):
        window = list(ids[start : start + context_length])
        if start + len(window) <= done:
            break
        ids_BT = torch.tensor([window], dtype=torch.long, device=device)
        hidden_BTD = model(ids_BT)
        first = done - 1 - start  # the hidden state that predicts the first token not yet judged
        logits_TV = model.logits(hidden_BTD[:, first:-1])[0].float()
        wanted_T1 = ids_BT[0, first + 1 :, None]
        logprob_T = logits_TV.gather(-1, wanted_T1)[:, 0] - logits_TV.logsumexp(-1)
        out_T[done : start + len(window)] = logprob_T.double().cpu().numpy()
        done = start + len(window)
    return out_T


@torch.inference_mode()
def prompt_scores(model: Any, ids: Sequence[int], top: int = 0) -> list[tuple[float | None, dict[int, float]]]:
    """For each token of a prompt its log-probability and the `top` likeliest at its place (id -> log-probability).

    The first has none. UsageError for a prompt longer than the model reads. Logits are made SCORED_AT_ONCE places at a
    time: all of them for a long prompt and a large vocabulary would not fit.
    """
    if len(ids) > model.config.context_length:
        raise UsageError(f"The prompt has {len(ids):,} tokens; the model reads {model.config.context_length:,}.")
    ids_BT = torch.tensor([list(ids)], dtype=torch.long, device=_device(model))
    hidden_BTD = model(ids_BT)
    scores: list[tuple[float | None, dict[int, float]]] = [(None, {})]
    for start in range(0, len(ids) - 1, SCORED_AT_ONCE):
        logprobs_TV = model.logits(hidden_BTD[:, start : start + SCORED_AT_ONCE])[0].float().log_softmax(-1)
        wanted = list(ids[start + 1 : start + 1 + SCORED_AT_ONCE])
        for row_V, token in zip(logprobs_TV, wanted, strict=False):
            best = row_V.topk(top)
            others = dict(zip(best.indices.tolist(), best.values.tolist(), strict=True))
            scores.append((float(row_V[token]), others))
    return scores


def _fit(number: int, pair: tuple[Sequence[int], Sequence[int]], tokenizer: Any, context_length: int) -> _Pair:
    context, continuation = pair
    context = tuple(context) or (tokenizer.special["<|endoftext|>"],)
    if not continuation:
        raise UsageError(f"Pair {number}: the continuation has no tokens.")
    # The last token is only predicted, never read: context + continuation - 1 positions.
    room = context_length + 1 - len(continuation)
    if room < 1:
        raise UsageError(
            f"Pair {number}: the continuation has {len(continuation):,} tokens; the model reads {context_length:,}."
        )
    left_out = max(0, len(context) - room)
    return _Pair(number, context[left_out:], tuple(continuation), left_out)


def _shared_length(contexts: Sequence[tuple[int, ...]]) -> int:
    """Tokens that all contexts begin with, leaving each at least one of its own to be read."""
    if len(set(contexts)) < 2:
        return 0
    low, high = min(contexts), max(contexts)
    limit = min(len(context) for context in contexts) - 1
    shared = 0
    while shared < limit and low[shared] == high[shared]:
        shared += 1
    return shared


def _batches(pairs: Sequence[_Pair]) -> Iterator[list[_Pair]]:
    """Pairs of similar length together, those of one context side by side, within BATCH_TOKENS."""
    batch: list[_Pair] = []
    longest = 0
    for pair in sorted(pairs, key=lambda pair: (len(pair.context), pair.context, len(pair.continuation))):
        length = len(pair.context) + len(pair.continuation)
        if batch and max(longest, length) * (len(batch) + 1) > BATCH_TOKENS:
            yield batch
            batch, longest = [], 0
        batch.append(pair)
        longest = max(longest, length)
    if batch:
        yield batch


def _read_prefix(model: Any, prefix: tuple[int, ...]) -> KVCache | None:
    if not prefix:
        return None
    cache = cache_for(model, 1, len(prefix), slack=model.config.context_length)
    read_prompts(model, [prefix], cache)
    return cache


def _continuation_logits(model: Any, batch: list[_Pair], prefix: KVCache | None) -> list[Tensor]:
    """For each pair, the logits (T, V) that predict its T continuation tokens."""
    contexts = list(dict.fromkeys(pair.context for pair in batch))
    if len(contexts) == len(batch):
        starts = [len(pair.context) - 1 for pair in batch]
        rows = [pair.context + pair.continuation[:-1] for pair in batch]
        cache = None if prefix is None else prefix.take([0] * len(batch))
    else:
        # Read each context once, all but its last token; that one opens every continuation's own row.
        bodies = [context[:-1] for context in contexts]
        longest = max(len(body) for body in bodies)
        if prefix is None:
            # Rows of different lengths are filled up to one length: shorter continuations behind longer contexts.
            cache = cache_for(model, len(contexts), max(1, longest), slack=model.config.context_length)
        else:
            cache = prefix.take([0] * len(contexts))
        held = 0 if prefix is None else prefix.lengths[0]
        if longest > held:
            forward(model, right_padded([body[held:] for body in bodies]).to(_device(model)), cache)
        cache.set_lengths([len(body) for body in bodies])
        row_of = {context: row for row, context in enumerate(contexts)}
        cache = cache.take([row_of[pair.context] for pair in batch])
        starts = [len(pair.context) - 1 for pair in batch]
        rows = [pair.context + pair.continuation[:-1] for pair in batch]
    held_of = [0] * len(batch) if cache is None else cache.lengths
    ids_BT = right_padded([row[held:] for row, held in zip(rows, held_of, strict=True)]).to(_device(model))
    hidden_BTD = model(ids_BT) if cache is None else forward(model, ids_BT, cache)
    logits = []
    for number, pair in enumerate(batch):
        first = starts[number] - held_of[number]
        logits.append(model.logits(hidden_BTD[number : number + 1, first : first + len(pair.continuation)])[0].float())
    return logits


def _scored(pair: _Pair, logits_TV: Tensor, tokenizer: Any) -> Scored:
    wanted_T = torch.tensor(pair.continuation, device=logits_TV.device)
    logprob_T = (logits_TV.gather(-1, wanted_T[:, None])[:, 0] - logits_TV.logsumexp(-1)).double()
    return Scored(
        logprob=float(logprob_T.sum()),
        num_tokens=len(pair.continuation),
        num_bytes=int(sum(tokenizer.bytes_per_token[token] for token in pair.continuation)),
        is_greedy=bool((logits_TV.argmax(-1) == wanted_T).all()),
        token_logprobs=logprob_T.tolist(),
        num_left_out=pair.left_out,
    )


def _device(model: Any) -> torch.device:
    return next(model.parameters()).device
