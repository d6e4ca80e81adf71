"""A question in the words of each family: the prompt's tokens, the answer's, and how the one is read off the other.

gpt, custom        the prompt in the chat template or after the border; the answer follows
bert               a text with one [MASK] for each token of the answer
encoder_decoder    the prompt is the source
a classifier       the prompt is the text, the answer one of its labels
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from groundup.audit.through import Reader, label_reader, reader_for
from groundup.core.errors import UsageError, near
from groundup.tokenizer.special import END_OF_TEXT, MASK, PAD

GAP = "[MASK]"  # as generate.other writes it
END_OF_TURN = "<|end|>"
TARGET_TOKENS = 12  # taste: a sentence; the probability of much longer answers is too small to move visibly


@dataclass(frozen=True)
class Asked:
    """What is explained. model: the module, or a classifier's `Headed`; texts: the answers as they are shown."""

    model: Any
    prompt_ids: list[int]
    target_ids: list[int]
    contrast_ids: list[int] | None
    read: Reader
    target: str
    contrast: str | None


def ask(opened: Any, prompt: str, target: str | None, contrast: str | None, *, chat: bool) -> Asked:
    """target None: what the model says itself. UsageError for an empty prompt or answer, an unknown label, and a model
    that no word can be moved in."""
    if not prompt.strip():
        raise UsageError("There is no prompt to explain.")
    for given in (target, contrast):
        if given is not None and not given.strip():
            raise UsageError("The target (or contrast) is empty: name the words to explain.")
    if not hasattr(opened.model, "embedding"):
        raise UsageError("This model has no embedding of ours: explanations are made for our own families only.")
    if _is_classifier(opened):
        return _label(opened, prompt, target, contrast)
    family = getattr(opened.model.config, "family", "gpt")
    if family == "bert":
        return _gap(opened, prompt, target, contrast)
    return _text(opened, prompt, target, contrast, chat=chat, source=family == "encoder_decoder")


def _text(opened: Any, prompt: str, target: str | None, contrast: str | None, *, chat: bool, source: bool) -> Asked:
    """An answer that is written, behind the prompt or from a source."""
    model, tokenizer = opened.model, opened.tokenizer
    ids = _source_ids(tokenizer, prompt, model) if source else _prompt_ids(tokenizer, prompt, chat)

    def ids_of(text: str) -> list[int]:
        # Behind a chat marker, or at a target's start, the answer stands as it is; behind a text with a space between.
        glue = "" if chat or source or text[:1].isspace() else " "
        return list(tokenizer.encode(glue + text))

    if target is not None:
        target_ids = ids_of(target)
    else:
        target_ids = written(model, tokenizer, ids) if source else greedy(model, tokenizer, ids)
    contrast_ids = None if contrast is None else ids_of(contrast)
    said = tokenizer.decode(target_ids, skip_special=False)
    return Asked(model, ids, target_ids, contrast_ids, reader_for(model, tokenizer.special), said, contrast)


def _gap(opened: Any, prompt: str, target: str | None, contrast: str | None) -> Asked:
    """An encoder: the gaps of the prompt are filled."""
    from groundup.finetune.framing import frame

    model, tokenizer = opened.model, opened.tokenizer
    pieces = re.split(re.escape(GAP), prompt)
    if len(pieces) < 2:
        raise UsageError(
            "An encoder fills gaps, and the prompt has none.", repair=f"Write {GAP} where the answer belongs."
        )
    ids: list[int] = []
    for number, piece in enumerate(pieces):
        ids += ([tokenizer.special[MASK]] if number else []) + list(tokenizer.encode(piece))
    framed, _ = frame(tokenizer, "bert", ids, model.config.context_length)

    def ids_of(text: str) -> list[int]:
        glue = "" if tokenizer.kind == "wordpiece" or pieces[0][-1:] != " " else " "
        return list(tokenizer.encode(glue + text.strip()))

    if target is None:
        with torch.no_grad():
            logits_TV = model.logits(model(torch.tensor([framed], device=_device(model))))[0].float()
        logits_TV[:, sorted(tokenizer.special.values())] = float("-inf")
        gaps = [place for place, token in enumerate(framed) if token == tokenizer.special[MASK]]
        target_ids = logits_TV[gaps].argmax(-1).tolist()
    else:
        target_ids = ids_of(target)
    contrast_ids = None if contrast is None else ids_of(contrast)
    read = reader_for(model, tokenizer.special)
    return Asked(model, framed, target_ids, contrast_ids, read, tokenizer.decode(target_ids), contrast)


def _label(opened: Any, prompt: str, target: str | None, contrast: str | None) -> Asked:
    """A classifier: why this label (and not that)?"""
    from groundup.finetune.classify import encode
    from groundup.finetune.heads import open_head

    headed, facts = open_head(opened, "classify")
    labels = [str(label) for label in facts["labels"]]
    (ids,), _ = encode(opened.tokenizer, [prompt], opened.config.context_length, opened.config.family)
    for label in (target, contrast):
        if label is not None and label not in labels:
            raise UsageError(f"'{label}' is none of the classifier's labels.", repair=near(label, labels))
    if target is None:
        ids_BT = torch.tensor([ids], device=_device(headed))
        with torch.inference_mode():
            target = labels[int(headed(ids_BT, torch.ones_like(ids_BT, dtype=torch.bool))[0].argmax())]
    contrast_ids = None if contrast is None else [labels.index(contrast)]
    return Asked(headed, ids, [labels.index(target)], contrast_ids, label_reader(headed), target, contrast)


def _is_classifier(opened: Any) -> bool:
    from groundup.generate.purpose import kind_of

    folder = getattr(opened, "folder", None)
    return folder is not None and (folder / "config.json").is_file() and kind_of(folder) == "classify"


def _prompt_ids(tokenizer: Any, prompt: str, chat: bool) -> list[int]:
    if chat:
        from groundup.tokenizer.chat import render

        return list(render(tokenizer, [{"role": "user", "content": prompt}], add_generation_prompt=True).ids)
    border = [tokenizer.special[END_OF_TEXT]] if END_OF_TEXT in tokenizer.special else []
    return border + list(tokenizer.encode(prompt.rstrip()))


def _source_ids(tokenizer: Any, prompt: str, model: Any) -> list[int]:
    from groundup.finetune.framing import frame

    ids = list(tokenizer.encode(prompt))
    return frame(tokenizer, "encoder_decoder", ids, model.config.context_length)[0] if tokenizer.is_foreign else ids


@torch.no_grad()
def greedy(model: Any, tokenizer: Any, prompt_ids: Sequence[int], *, most: int = TARGET_TOKENS) -> list[int]:
    """What the model says itself: the likeliest tokens up to an end token, a new line or `most`; at least one."""
    ends = {tokenizer.special[name] for name in (END_OF_TURN, END_OF_TEXT) if name in tokenizer.special}
    ids = list(prompt_ids)
    said: list[int] = []
    while len(said) < most and len(ids) < model.config.context_length:
        hidden_BTD = model(torch.tensor([ids], device=_device(model)))
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


@torch.no_grad()
def written(model: Any, tokenizer: Any, source_ids: Sequence[int]) -> list[int]:
    """What an encoder-decoder writes itself, greedily, up to TARGET_TOKENS; at least one."""
    from groundup.model.beam import greedy as write

    end_id = tokenizer.special[END_OF_TURN]
    source_BS = torch.tensor([list(source_ids)], device=_device(model))
    made = write(model, source_BS, start_id=tokenizer.special[PAD], end_id=end_id, limit=TARGET_TOKENS)
    return list(made[0].ids) or [end_id]


def _device(model: Any) -> torch.device:
    return next(model.parameters()).device
