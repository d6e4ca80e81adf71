"""Explain one answer: which words, which layer, which documents, and how far to trust each.

    explanation = explain(engine, "Who is Anna's brother?", chat=True)
    write_page(explanation, Path("why.html"))                        (audit.explain_page)

`explain` needs a model with `embedding`, `blocks`, `norm`, `hidden_states` and `logits` (the default family) and its
tokenizer: an `Engine`, a `Bundle`, anything with `.model` and `.tokenizer`. Documents are found by the trace index of the
run and handed in; this room does not look for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from groundup.audit.attribution import METHODS, RESIDUAL, Attribution, Explained
from groundup.audit.faithfulness import Faithfulness, faithfulness
from groundup.audit.lens import LayerView, decided_at, logit_lens
from groundup.core.errors import UsageError, near

BORDER = "<|endoftext|>"
TARGET_TOKENS = 12  # taste: a sentence; the probability of much longer answers is too small to move visibly


@dataclass(frozen=True)
class Word:
    """One word of the prompt: its text, its tokens [start, end), whether it is frame (a chat marker)."""

    text: str
    start: int
    end: int
    frame: bool


@dataclass(frozen=True)
class WordsBlame:
    """One method: a number a word (the sum over its tokens), and what the method says of itself."""

    method: str
    scores: list[float]
    residual: float | None


@dataclass(frozen=True)
class Explanation:
    """What `explain` found; JSON-like by `dataclasses.asdict`.

    probability: of the target after the prompt (with a contrast: its share against it). decided_at: the layer from which
    on the target's first token is the first choice. layers: top tokens as (text, probability). sources: what was handed in.
    """

    prompt: str
    target: str
    contrast: str | None
    probability: float
    words: list[Word]
    blames: list[WordsBlame]
    faithfulness: list[Faithfulness]
    layers: list[dict[str, Any]]
    decided_at: int | None
    first_target_token: str
    sources: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def best_method(self) -> str:
        """The method whose top words were needed most, over both ways to take words away."""
        total: dict[str, float] = {}
        for one in self.faithfulness:
            total[one.method] = total.get(one.method, 0.0) + one.z
        return max(total, key=lambda method: total[method])

    def top_words(self, count: int = 5, method: str | None = None) -> list[tuple[str, float]]:
        """The words that speak most for the target, the strongest first."""
        blame = next(one for one in self.blames if one.method == (method or self.best_method))
        pairs = [
            (word.text.strip(), score)
            for word, score in zip(self.words, blame.scores, strict=True)
            if word.text.strip() and not word.frame
        ]
        return sorted(pairs, key=lambda pair: -pair[1])[:count]


def explain(
    opened: Any,
    prompt: str,
    target: str | None = None,
    *,
    contrast: str | None = None,
    chat: bool = False,
    methods: Sequence[str] = tuple(METHODS),
    sources: Sequence[Any] = (),
    seed: int = 1,
) -> Explanation:
    """Explain why the model says `target` after `prompt` (None: what it says itself, greedily, up to 12 tokens).

    opened: an Engine or Bundle. contrast: explain why the target and not this. chat: put the prompt into the chat
    template as the user's turn. methods: of `attribution.METHODS`. sources: spans from the trace index (`.text`,
    `.count`, `.documents`), shown as they are. seed: of the random orders beside each method.
    UsageError for an unknown method, an empty prompt or one that does not fit, and a model of another build.
    """
    model, tokenizer = opened.model.eval(), opened.tokenizer
    _check(model, prompt, methods)
    prompt_ids = _prompt_ids(tokenizer, prompt, chat)
    target_ids = (
        _continuation(tokenizer, prompt, target, chat) if target is not None else greedy(model, tokenizer, prompt_ids)
    )
    contrast_ids = None if contrast is None else _continuation(tokenizer, prompt, contrast, chat)
    longest = max(len(target_ids), len(contrast_ids or ()))
    if len(prompt_ids) + longest > model.config.context_length:
        raise UsageError(
            f"The prompt and its answer make {len(prompt_ids) + longest:,} tokens; the model reads "
            f"{model.config.context_length:,}.",
            repair="Shorten the prompt.",
        )
    names = {number: name for name, number in tokenizer.special.items()}
    movable = [token not in names for token in prompt_ids]
    if not any(movable):
        raise UsageError("The prompt has no words that could be explained.")
    explained = Explained(model, prompt_ids, target_ids, contrast_ids, movable=movable)
    found: list[Attribution] = [METHODS[name](explained) for name in methods]
    words = split_words(tokenizer, prompt_ids, names)
    views = logit_lens(model, prompt_ids, target_ids[0])
    with torch.no_grad():
        probability = float(explained.probability(explained.x_TD[None])[0])
    return Explanation(
        prompt=prompt,
        target=tokenizer.decode(target_ids, skip_special=False),
        contrast=contrast,
        probability=probability,
        words=words,
        blames=[_by_word(one, words) for one in found],
        faithfulness=faithfulness(explained, found, seed),
        layers=[_layer(view, tokenizer) for view in views],
        decided_at=decided_at(views),
        first_target_token=tokenizer.decode([target_ids[0]], skip_special=False),
        sources=list(sources),
        notes=_notes(found, probability),
    )


@torch.no_grad()
def greedy(model: Any, tokenizer: Any, prompt_ids: Sequence[int], *, most: int = TARGET_TOKENS) -> list[int]:
    """What the model says itself: the likeliest tokens up to an end token, a new line or `most`; at least one."""
    ends = {tokenizer.special[name] for name in ("<|end|>", BORDER) if name in tokenizer.special}
    ids = list(prompt_ids)
    said: list[int] = []
    while len(said) < most and len(ids) < model.config.context_length:
        hidden_BTD = model(torch.tensor([ids], device=next(model.parameters()).device))
        token = int(model.logits(hidden_BTD[:, -1:])[0, 0].argmax())
        if said and (token in ends or "\n" in tokenizer.decode([token])):
            break
        said.append(token)
        ids.append(token)
        if token in ends:
            break
    if not said:
        raise UsageError("The prompt fills the model's whole context.", repair="Shorten it.")
    return said


def split_words(tokenizer: Any, ids: Sequence[int], names: dict[int, str]) -> list[Word]:
    """Tokens joined to words: a word begins where white space begins a token, blanks before it included."""
    words: list[Word] = []
    start, raw = 0, b""
    for place, token in enumerate(ids):
        piece = b"" if token in names else tokenizer.token_bytes(token)
        if raw and (token in names or (piece[:1].isspace() and raw.strip())):
            words.append(Word(raw.decode("utf-8", "replace"), start, place, False))
            raw = b""
        if token in names:
            words.append(Word(names[token], place, place + 1, True))
            start = place + 1
            continue
        if not raw:
            start = place
        raw += piece
    if raw:
        words.append(Word(raw.decode("utf-8", "replace"), start, len(ids), False))
    return words


def _check(model: Any, prompt: str, methods: Sequence[str]) -> None:
    for name in methods:
        if name not in METHODS:
            raise UsageError(f"Unknown attribution method '{name}'.", repair=near(name, METHODS))
    if not methods:
        raise UsageError("Name at least one attribution method.", repair=near("", METHODS))
    if not prompt.strip():
        raise UsageError("There is no prompt to explain.")
    lacking = [name for name in ("embedding", "blocks", "norm", "hidden_states", "logits") if not hasattr(model, name)]
    if lacking:
        raise UsageError(f"This model has no {lacking[0]}: explanations are made for the default family (gpt) only.")


def _prompt_ids(tokenizer: Any, prompt: str, chat: bool) -> list[int]:
    if chat:
        from groundup.tokenizer.chat import render

        return list(render(tokenizer, [{"role": "user", "content": prompt}], add_generation_prompt=True).ids)
    border = [tokenizer.special[BORDER]] if BORDER in tokenizer.special else []
    return border + list(tokenizer.encode(prompt.rstrip()))


def _continuation(tokenizer: Any, prompt: str, text: str, chat: bool) -> list[int]:
    """The ids of a given answer: behind a chat marker as it is, behind a text with a space between."""
    if not text.strip():
        raise UsageError("The target (or contrast) is empty: name the words to explain.")
    glue = "" if chat or text[:1].isspace() else " "
    return list(tokenizer.encode(glue + text))


def _by_word(attribution: Attribution, words: Sequence[Word]) -> WordsBlame:
    scores = [float(np.sum(attribution.scores_T[word.start : word.end])) for word in words]
    return WordsBlame(attribution.method, scores, attribution.residual)


def _layer(view: LayerView, tokenizer: Any) -> dict[str, Any]:
    return {
        "layer": view.layer,
        "top": [(tokenizer.decode([token], skip_special=False), probability) for token, probability in view.top],
        "target_probability": view.target_probability,
        "target_rank": view.target_rank,
        "kl": view.kl,
    }


def _notes(attributions: Sequence[Attribution], probability: float) -> list[str]:
    notes = []
    for one in attributions:
        if one.residual is not None and one.residual > RESIDUAL:
            notes.append(f"{one.method} does not add up: {one.residual:.1%} of the change is missing.")
    if probability < 1e-3:
        notes.append("The target is very improbable: what is taken away can hardly change it.")
    return notes
