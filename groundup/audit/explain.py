"""Explain one answer: which words, which layer, which documents, and how far to trust each.

    explanation = explain(engine, "Who is Anna's brother?", chat=True)
    write_page(explanation, Path("why.html"))                        (audit.explain_page)

`explain` needs a model of one of our families and its tokenizer: an `Engine`, a `Bundle`. Layers are shown for the default
family only, words for all. Documents are found by the trace index of the
run and handed in; this room does not look for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.audit.asked import ask
from groundup.audit.attention import attention_rollout
from groundup.audit.attribution import METHODS, RESIDUAL, Attribution, Explained
from groundup.audit.faithfulness import Faithfulness, faithfulness
from groundup.audit.lens import LayerView, decided_at, logit_lens
from groundup.audit.nearby import Map, nearby
from groundup.core.errors import UsageError, near

BASELINES = {"attention_rollout": attention_rollout}  # shown beside the methods; never called the most faithful


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
    lens: str = "logit lens"  # what the layers were read through
    notes: list[str] = field(default_factory=list)
    map: Map | None = None  # the prompt's tokens and what lies near them, by embedding

    @property
    def best_method(self) -> str:
        """The method whose top words were needed most, over both ways to take words away."""
        total: dict[str, float] = {}
        for one in self.faithfulness:
            if one.method in BASELINES:
                continue
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
    methods: Sequence[str] = (*METHODS, *BASELINES),
    lens: Callable[[int, Tensor], Tensor] | None = None,
    sources: Sequence[Any] = (),
    seed: int = 1,
) -> Explanation:
    """Explain why the model says `target` after `prompt` (None: what it says itself, greedily, up to 12 tokens).

    opened: an Engine or Bundle of any of our families (see `asked`); a classifier's Bundle explains its label. contrast:
    explain why the target and not this. chat: put the prompt into the chat template as the user's turn. methods: of METHODS
    and BASELINES. lens: a `tuned_lens.TunedLens` to read the layers through; None: the logit lens. sources: spans from the
    trace index (`.text`, `.count`, `.documents`), shown as they are. seed: of the random orders beside each method.
    UsageError for an unknown method, an empty prompt or one that does not fit, and a model of another build.
    """
    opened.model.eval()
    tokenizer = opened.tokenizer
    for name in methods:
        if name not in METHODS and name not in BASELINES:
            raise UsageError(f"Unknown attribution method '{name}'.", repair=near(name, [*METHODS, *BASELINES]))
    if not methods:
        raise UsageError("Name at least one attribution method.", repair=near("", METHODS))
    asked = ask(opened, prompt, target, contrast, chat=chat)
    longest = max(len(asked.target_ids), len(asked.contrast_ids or ()))
    if len(asked.prompt_ids) + longest > asked.model.config.context_length:
        raise UsageError(
            f"The prompt and its answer make {len(asked.prompt_ids) + longest:,} tokens; the model reads "
            f"{asked.model.config.context_length:,}.",
            repair="Shorten the prompt.",
        )
    names = {number: name for name, number in tokenizer.special.items()}
    movable = [token not in names for token in asked.prompt_ids]
    if not any(movable):
        raise UsageError("The prompt has no words that could be explained.")
    explained = Explained(
        asked.model, asked.prompt_ids, asked.target_ids, asked.contrast_ids, movable=movable, read=asked.read
    )
    found: list[Attribution] = [METHODS[name](explained) for name in methods if name in METHODS]
    # Lens and attention look into the default family; the others are explained by their words alone.
    looks_inside = getattr(asked.model.config, "family", "gpt") == "gpt" and hasattr(asked.model, "hidden_states")
    views: list[LayerView] = []
    if looks_inside:
        found += [BASELINES[name](explained) for name in methods if name in BASELINES]
        views = logit_lens(asked.model, asked.prompt_ids, asked.target_ids[0], lens)
    words = split_words(tokenizer, asked.prompt_ids, names)
    with torch.no_grad():
        probability = float(explained.probability(explained.x_TD[None])[0])
    first = (
        asked.target if asked.model is not opened.model else tokenizer.decode(asked.target_ids[:1], skip_special=False)
    )
    return Explanation(
        prompt=prompt,
        target=asked.target,
        contrast=contrast,
        probability=probability,
        words=words,
        blames=[_by_word(one, words) for one in found],
        faithfulness=faithfulness(explained, found, seed),
        layers=[_layer(view, tokenizer) for view in views],
        decided_at=decided_at(views) if views else None,
        first_target_token=first,
        sources=list(sources),
        lens="logit lens" if lens is None else "tuned lens",
        notes=_notes(found, probability),
        map=nearby(asked.model, tokenizer, asked.prompt_ids),
    )


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
