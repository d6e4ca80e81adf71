"""Reinforcement with verifiable rewards, by Group Relative Policy Optimization (Shao et al. 2024).

Each question is answered several times at temperature 1; rules give each answer a reward (see `rewards`); an answer's
advantage is its reward against those of its own group,

    advantage = (reward - mean of the group) / (standard deviation of the group + 1e-4)
    loss      = - advantage * log p(answer), over all tokens of the step alike (Yu et al. 2025, DAPO)

and, with `kl` above 0, `kl` times the distance to the model it started from (the k3 estimate of Schulman 2020). Every
answer is used for one update, while the model is still the one that gave it: the ratio of the paper is then 1 and its
clip never acts, so both are left out. Groups in which all rewards are equal teach nothing.

Legend: B answers, T inputs of a row, N tokens that count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.core.randomness import numpy_random, seed_for
from groundup.finetune.prefer import Row, answer_logprobs, rows_batch
from groundup.finetune.prompts import question_of
from groundup.finetune.rewards import reward_of, target_of
from groundup.model import bundle as bundles
from groundup.tokenizer.chat import render
from groundup.tokenizer.special import END, PAD
from groundup.train.objectives import Loss

EPSILON = 1e-4  # of the standard deviation (trl); keeps a group of nearly equal rewards quiet


@dataclass(frozen=True)
class Question:
    """What is asked, as ids ready for the assistant's turn, and the example that tells what is right."""

    ids: list[int]
    example: Example


def question_from(tokenizer: Any, example: Example, template: str | None) -> Question:
    """The question of an example; its own conversation up to the last turn, or the template's words."""
    messages = example.messages
    if messages:
        asked = list(messages[:-1] if messages[-1].get("role") == "assistant" else messages)
    else:
        asked = [{"role": "user", "content": question_of(example, template)}]
    return Question(list(render(tokenizer, asked, add_generation_prompt=True).ids), example)


def is_askable(example: Example) -> bool:
    """Whether there is something to ask and something right to say."""
    asked = bool(example.messages) or bool(example.text or example.question)
    return asked and bool(target_of(example))


def advantages(rewards_QA: np.ndarray) -> np.ndarray:
    """(questions, answers) -> the same shape: each reward against its group's."""
    centred_QA = rewards_QA - rewards_QA.mean(1, keepdims=True)
    return centred_QA / (rewards_QA.std(1, keepdims=True) + EPSILON)


class Rollouts:
    """An endless, resumable stream of batches: the model as it is now answers the next questions.

    State: questions asked so far. What is drawn follows from seed, place and weights, so a continued run goes on with
    the same answers.
    """

    def __init__(self, bundle: bundles.Bundle, questions: Sequence[Question], options: Any, seed: int) -> None:
        self._bundle, self._questions, self._seed = bundle, questions, seed
        self._how, self._num = options.reinforce, max(1, options.batch_size // options.reinforce.answers)
        self._place = 0

    def next(self) -> dict[str, Tensor]:
        """ids_BT, targets_BT, advantage_B, reward_B, and length_B of the answers."""
        asked = [self._question_at(self._place + offset) for offset in range(self._num)]
        found = answers_to(self._bundle, asked, self._how, seed_for(self._seed, "rollout", self._place))
        self._place += self._num
        rewards_QA = np.array([[one.reward for one in group] for group in found])
        rows = [
            Row([*question.ids, *one.ids], len(question.ids))
            for question, group in zip(asked, found, strict=True)
            for one in group
        ]
        batch = rows_batch(rows, self._bundle.tokenizer.special.get(PAD, 0))
        batch["advantage_B"] = torch.from_numpy(advantages(rewards_QA).reshape(-1)).float()
        batch["reward_B"] = torch.from_numpy(rewards_QA.reshape(-1)).float()
        return batch

    def state(self) -> dict[str, Any]:
        """The place in the questions."""
        return {"place": self._place}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._place = int(state["place"])

    def _question_at(self, place: int) -> Question:
        epoch, index = divmod(place, len(self._questions))
        order = numpy_random(self._seed, "order of questions", epoch).permutation(len(self._questions))
        return self._questions[int(order[index])]


@dataclass(frozen=True)
class Answered:
    """One answer. ids: with its end token, where it ended by itself."""

    ids: list[int]
    text: str
    reward: float


def answers_to(bundle: bundles.Bundle, asked: Sequence[Question], how: Any, seed: int) -> list[list[Answered]]:
    """A group of `how.answers` answers to each question, drawn at `how.temperature`, with their rewards."""
    from groundup.generate import Engine, Sampling

    was_training = bundle.model.training
    sampling = [
        Sampling(
            max_tokens=how.max_tokens, temperature=how.temperature, n=how.answers, seed=seed_for(seed, number) >> 1
        )
        for number in range(len(asked))
    ]
    made = iter(Engine(bundle).generate([question.ids for question in asked], sampling))
    bundle.model.train(was_training)
    end = bundle.tokenizer.special.get(END)
    groups = []
    for question in asked:
        group = []
        for one in (next(made) for _ in range(how.answers)):
            ended = one.finish == "stop"
            ids = [*one.ids, end] if ended and end is not None else list(one.ids)
            value = reward_of(question.example, one.text, how.rewards, ended=ended, pattern=how.pattern)
            group.append(Answered(ids, one.text, value))
        groups.append(group)
    return groups


@dataclass(frozen=True)
class GroupRelative:
    """The objective. count is the number of answer tokens. reference: the model it started from, where kl > 0."""

    kl: float = 0.0
    reference: Any = None

    def __call__(self, module: Any, batch: Mapping[str, Tensor]) -> Loss:
        logprob_N, row_N = answer_logprobs(module, batch)
        loss = -(batch["advantage_B"][row_N] * logprob_N).sum()
        parts = {
            "reward": float(batch["reward_B"].mean()),
            "length": len(row_N) / len(batch["reward_B"]),
            "telling": float((batch["advantage_B"] != 0).float().mean()),
        }
        if self.reference is not None:
            with torch.no_grad():
                before_N, _ = answer_logprobs(self.reference, batch)
            apart_N = before_N - logprob_N
            distance_N = torch.exp(apart_N) - apart_N - 1
            loss = loss + self.kl * distance_N.sum()
            parts["kl"] = float(distance_N.detach().mean()) if len(distance_N) else 0.0
        return Loss(loss, len(row_N), parts)


def greedily(bundle: bundles.Bundle, questions: Sequence[Question], how: Any) -> np.ndarray:
    """(questions,) The rewards of held-out questions answered once, always with the likeliest token."""
    greedy = how.model_copy(update={"answers": 1, "temperature": 0.0})
    return np.array([group[0].reward for group in answers_to(bundle, questions, greedy, 0)])


def solved(reward_Q: np.ndarray, how: Any) -> np.ndarray:
    """(questions,) 1.0 where the reward is the highest possible, else 0.0."""
    best = sum(weight for weight in how.rewards.values() if weight > 0)
    return (reward_Q >= best - 1e-9).astype(float)


def look(bundle: bundles.Bundle, questions: Sequence[Question], how: Any) -> dict[str, float]:
    """Held-out questions answered greedily: the mean reward, and the share solved."""
    reward_Q = greedily(bundle, questions, how)
    return {"reward": float(reward_Q.mean()), "solved": float(solved(reward_Q, how).mean())}


def check_lengths(questions: Sequence[Question], limit: int, max_tokens: int) -> tuple[list[Question], int]:
    """The questions that leave room for an answer, and how many do not. DataError when none does."""
    kept = [question for question in questions if len(question.ids) + max_tokens <= limit]
    if not kept:
        raise DataError(
            f"No question leaves room for an answer of {max_tokens} tokens: the model reads {limit:,}.",
            repair="Lower reinforce.max_tokens, or give the model a longer context_length.",
        )
    return kept, len(questions) - len(kept)
