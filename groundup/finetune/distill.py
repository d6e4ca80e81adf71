"""Distillation: a small model learns from a larger one.

logits      at every word the assistant says, the student's probabilities are drawn to the teacher's (Hinton et al. 2015):
            share * T^2 * KL(teacher || student), both softened by the temperature T, + (1 - share) * the usual loss.
            Both must have the same tokens.
generated   the teacher answers the questions, and its answers replace the data's (Kim and Rush 2016). Any two models.

Legend: B rows, T time, N places that are learned, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from groundup.core.errors import ArtifactError, UsageError
from groundup.core.example import Example
from groundup.finetune.options import DistillOptions
from groundup.finetune.prompts import messages_of
from groundup.model import bundle as bundles
from groundup.train.objectives import IGNORE, Loss, softcap_of

ANSWER_TOKENS = 128  # of a generated answer; taste


def open_teacher(options: DistillOptions, student: bundles.Bundle, device: str) -> bundles.Bundle:
    """The teacher's model, frozen. ArtifactError when it writes no text, or (for "logits") has other tokens."""
    teacher = bundles.load(Path(options.teacher).expanduser(), device=device)
    if teacher.tokenizer is None or teacher.config.family not in ("gpt", "custom", "speedrun"):
        raise ArtifactError(f"{options.teacher} cannot teach: it holds no model that writes text.")
    if options.how == "logits" and not same_tokens(teacher.tokenizer, student.tokenizer):
        raise ArtifactError(
            f"The tokenizer of the teacher in {options.teacher} is another one than the student's.",
            repair='Its probabilities are of other tokens. Take its answers instead: distill.how = "generated"',
        )
    if options.how == "logits" and teacher.config.context_length < student.config.context_length:
        raise ArtifactError(
            f"The teacher reads {teacher.config.context_length:,} tokens, the student {student.config.context_length:,}.",
            repair='Take its answers instead: distill.how = "generated"',
        )
    teacher.model.eval().requires_grad_(False)
    return teacher


def same_tokens(one: Any, other: Any) -> bool:
    """Whether two tokenizers give every id the same meaning."""
    if one.vocabulary_size != other.vocabulary_size or one.special != other.special:
        return False
    return all(one.token_bytes(place) == other.token_bytes(place) for place in range(one.vocabulary_size))


@dataclass(frozen=True)
class Distilled:
    """The objective. teacher: a frozen module with the student's vocabulary."""

    teacher: Any
    share: float
    temperature: float

    def __call__(self, module: Any, batch: Mapping[str, Tensor]) -> Loss:
        learned_BT = batch["targets_BT"] != IGNORE
        targets_N = batch["targets_BT"][learned_BT]
        student_NV = _logits(module, batch, learned_BT)
        with torch.no_grad():
            teacher_NV = _logits(self.teacher, batch, learned_BT)
        data = F.cross_entropy(student_NV, targets_N, reduction="sum")
        soft = F.kl_div(
            F.log_softmax(student_NV / self.temperature, -1),
            F.log_softmax(teacher_NV / self.temperature, -1),
            reduction="sum",
            log_target=True,
        )
        count = len(targets_N)
        loss = self.share * self.temperature**2 * soft + (1 - self.share) * data
        parts = {"distance": float(soft.detach()) / max(1, count), "data_loss": float(data.detach()) / max(1, count)}
        return Loss(loss, count, parts)


def _logits(module: Any, batch: Mapping[str, Tensor], learned_BT: Tensor) -> Tensor:
    hidden_ND = module(batch["ids_BT"], documents_BT=batch.get("documents_BT"))[learned_BT]
    logits_NV = F.linear(hidden_ND, module.output_weight.to(hidden_ND.dtype)).float()
    cap = softcap_of(module)
    return cap * torch.tanh(logits_NV / cap) if cap else logits_NV


def answered_by(teacher: bundles.Bundle, examples: Sequence[Example], template: str | None) -> list[Example]:
    """The examples with the teacher's greedy answers; those whose question does not fit the teacher are left out."""
    from groundup.generate import Engine, Sampling

    engine = Engine(teacher)
    sampling = Sampling(max_tokens=ANSWER_TOKENS)
    kept: list[tuple[Example, list[dict[str, Any]]]] = []
    prompts = []
    for example in examples:
        messages = messages_of(example, template)
        last = max(place for place, turn in enumerate(messages) if turn["role"] == "assistant")
        try:
            prompts.append(engine.chat_prompt(messages[:last], sampling)[0])
        except UsageError:
            continue
        kept.append((example, messages[:last]))
    made = engine.generate(prompts, sampling)
    return [
        replace(example, task="chat", messages=[*asked, {"role": "assistant", "content": one.text.strip()}])
        for (example, asked), one in zip(kept, made, strict=True)
        if one.text.strip()
    ]
