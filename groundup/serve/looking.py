"""What the studio shows of a model's inside, as plain values: tokens and what may follow, heads and vectors, how sure it
was of what it said, and why it said it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from groundup.core.errors import UsageError
from groundup.generate.engine import Engine
from groundup.generate.inside import look_inside
from groundup.generate.sampling import apply_temperature, keep_top_p
from groundup.generate.scoring import prompt_scores
from groundup.serve.options import MAX_LOOKED, MAX_WATCHED

NUM_NEXT = 12  # bars of next tokens; taste: what fits a screen
NUM_OTHERS = 5  # other tokens at a place of an answer; taste
EXPLAINED_TOKENS = 12  # of an answer; the probability of much longer ones is too small to move visibly


def look(engine: Engine, text: str, temperature: float, top_p: float) -> dict[str, Any]:
    """tokens: [{id, text, logprob}] (logprob: how expected it was, null where unknown). next: the likeliest
    [{id, text, logit, probability, chosen}]: what the output matrix says, the probability made of it, and that after
    temperature and top-p. kept: how many tokens top-p leaves; vocabulary: of how many. Only the last context is read."""
    read = _read(engine, text)[-engine.context_length :]
    logprobs_T = engine.token_logprobs(read)
    tokens = [
        {"id": id_, "text": word(engine, id_), "logprob": None if np.isnan(value) else round(float(value), 4)}
        for id_, value in zip(read, logprobs_T, strict=True)
    ]
    logits_V = _logits(engine, read)
    own_V = logits_V.softmax(-1)
    if temperature == 0:
        chosen_V = torch.nn.functional.one_hot(own_V.argmax(), len(own_V)).float()
    else:
        chosen_V = keep_top_p(apply_temperature(logits_V[None], temperature), top_p)[0].softmax(-1)
    best = torch.argsort(own_V, descending=True, stable=True)[:NUM_NEXT].tolist()
    following = [
        {
            "id": id_,
            "text": word(engine, id_),
            "logit": round(float(logits_V[id_]), 3),
            "probability": round(float(own_V[id_]), 6),
            "chosen": round(float(chosen_V[id_]), 6),
        }
        for id_ in best
    ]
    return {"tokens": tokens, "next": following, "kept": int((chosen_V > 0).sum()), "vocabulary": len(own_V)}


def look_deeper(engine: Engine, text: str, layer: int, place: int) -> dict[str, Any]:
    """The first MAX_WATCHED tokens of a text in one layer. tokens: their texts. attention: [head][t][s], null where the
    heads cannot be watched. vectors: [stage][width] of the token at `place` (-1: the last), embedded and behind each
    layer; lens: the words each stands for, [{text, probability}]. layers, heads: how many there are."""
    read = _read(engine, text)[: min(MAX_WATCHED, engine.context_length)]
    place = len(read) - 1 if place < 0 else min(place, len(read) - 1)
    layers = len(getattr(engine.model, "blocks", ())) or 1
    seen = look_inside(engine.model, read, layer=min(layer, layers - 1), place=place)
    weights = None if seen.attention_HTS is None else seen.attention_HTS.mul(1000).round().div(1000).tolist()
    return {
        "tokens": [word(engine, id_) for id_ in read],
        "place": place,
        "layers": layers,
        "heads": 0 if weights is None else len(weights),
        "attention": weights,
        "vectors": [[round(value, 3) for value in row] for row in seen.stream_LD.tolist()],
        "lens": [[{"text": word(engine, id_), "probability": round(p, 4)} for id_, p in row] for row in seen.lens],
    }


def sureness(engine: Engine, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How probable each token of the last message was: [{text, probability, others: [{text, probability}]}]. Where the
    conversation is longer than the model reads, its oldest turns are left out, as they were when it answered."""
    *before, last = messages
    said = engine.tokenizer.encode(str(last["content"]))[: engine.context_length // 2]
    asked, _ = engine.chat_prompt(before)
    ids = [*asked, *said][-engine.context_length :]
    with torch.inference_mode():
        scores = prompt_scores(engine.model, ids, NUM_OTHERS)[-len(said) :] if said else []
    return [
        {
            "text": word(engine, id_),
            "probability": None if logprob is None else round(float(np.exp(logprob)), 5),
            "others": [
                {"text": word(engine, one), "probability": round(float(np.exp(value)), 5)} for one, value in top.items()
            ],
        }
        for id_, (logprob, top) in zip(said, scores, strict=True)
    ]


def why(whole: Callable[[], Any], question: str, answer: str) -> dict[str, Any]:
    """Which words of a question made the model begin its answer as it did, and in which layer it was decided.

    whole: opens the model with all its parts (explanations need gradients). words: [{text, score, frame}]; layers: one
    a layer, the embedding first, with its likeliest words and the rank of the answer's first token.
    """
    from groundup.audit.explain import explain

    opened = whole()
    target = opened.tokenizer.decode(opened.tokenizer.encode(answer)[:EXPLAINED_TOKENS])
    made = explain(opened, question, target, chat=True, methods=("integrated_gradients",))
    scores = made.blames[0].scores
    return {
        "target": target,
        "probability": made.probability,
        "words": [
            {"text": one.text, "score": round(score, 3), "frame": one.frame}
            for one, score in zip(made.words, scores, strict=True)
        ],
        "decided_at": made.decided_at,
        "first": made.first_target_token,
        "layers": [
            {
                "layer": one["layer"],
                "rank": one["target_rank"],
                "top": [{"text": text, "probability": round(share, 4)} for text, share in one["top"][:3]],
            }
            for one in made.layers
        ],
        "notes": made.notes,
    }


def word(engine: Engine, id_: int) -> str:
    """A token as people read it; a special one by its name."""
    names = {number: name for name, number in engine.tokenizer.special.items()}
    return names.get(id_) or engine.tokenizer.token_bytes(id_).decode("utf-8", "backslashreplace")


def _read(engine: Engine, text: str) -> list[int]:
    start = engine.tokenizer.special.get("<|endoftext|>")
    ids = [*([start] if start is not None else []), *engine.tokenizer.encode(text[:MAX_LOOKED])]
    if not ids:
        raise UsageError("The text has no tokens.")
    return ids


@torch.inference_mode()
def _logits(engine: Engine, ids: list[int]) -> torch.Tensor:
    """(V,) of the token after `ids`."""
    ids_BT = torch.tensor([ids], device=next(engine.model.parameters()).device)
    logits_V: torch.Tensor = engine.model.logits(engine.model(ids_BT)[:, -1:])[0, 0].float().cpu()
    return logits_V
