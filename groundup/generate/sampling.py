"""From logits to the next token: penalties, bias, temperature, top-k, top-p, min-p, and a draw that a seed decides.

Each rule is a small function on logits_BV, one row a request; its setting is one number or a column (B, 1) of them.
They are applied in the order of `Sampler.__call__` (penalties, bias, temperature, top-k, top-p, min-p: the order of
vLLM and Hugging Face, so that the same settings mean the same here).

A request draws one uniform number a token from its own generator, seeded by `Sampling.seed`: its text does not depend
on who else is in the batch (up to the last bits of floating point, which a near-tie can turn).

Legend: B rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from groundup.core.errors import UsageError
from groundup.core.randomness import seed_for
from groundup.generate.watermark import Watermark

Setting = float | Tensor  # one number, or a column (B, 1)
NEVER = float("-inf")


@dataclass(frozen=True)
class Sampling:
    """How to choose tokens, and when to stop. The defaults are greedy: the same prompt gives the same text.

    temperature 0 is greedy; top_k 0, top_p 1, min_p 0, penalties 1/0/0 switch their rule off.
    """

    max_tokens: int = 128  # new tokens at most; taste: a long paragraph of a small model
    temperature: float = 0.0
    top_k: int = 0  # only the k most probable
    top_p: float = 1.0  # the smallest set that holds this share (Holtzman et al. 2020, arXiv:1904.09751)
    min_p: float = 0.0  # at least this share of the best one's probability (Nguyen et al. 2024, arXiv:2407.01082)
    repetition_penalty: float = 1.0  # over prompt and answer (Keskar et al. 2019, arXiv:1909.05858)
    presence_penalty: float = 0.0  # once for each token already in the answer (OpenAI's API)
    frequency_penalty: float = 0.0  # as often as it is in the answer (OpenAI's API)
    logit_bias: Mapping[int, float] = field(default_factory=dict)  # token id -> added to its logit
    stop: tuple[str, ...] = ()  # the text ends before the first of these
    seed: int = 0
    n: int = 1  # answers per prompt; each has its own random stream
    top_logprobs: int = 0  # keep this many alternatives per token
    guess: int = 0  # tokens looked up ahead in the text so far (see lookup); 0: none. Changes speed, never the text
    ignore_end: bool = False  # go on after the end token (benchmarks)
    watermark: Watermark | None = None  # mark the text by a key (see watermark)

    def __post_init__(self) -> None:
        rules = [
            ("max_tokens", self.max_tokens >= 0, "0 or more"),
            ("temperature", 0 <= self.temperature <= 100, "between 0 and 100"),
            ("top_k", self.top_k >= 0, "0 (off) or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("min_p", 0 <= self.min_p <= 1, "between 0 and 1"),
            ("repetition_penalty", 0 < self.repetition_penalty <= 100, "above 0 and at most 100"),
            ("presence_penalty", abs(self.presence_penalty) <= 2, "between -2 and 2"),
            ("frequency_penalty", abs(self.frequency_penalty) <= 2, "between -2 and 2"),
            ("n", self.n >= 1, "1 or more"),
            ("guess", 0 <= self.guess <= 32, "between 0 and 32"),
            ("top_logprobs", 0 <= self.top_logprobs <= 20, "between 0 and 20"),
            ("stop", all(self.stop), "without empty strings"),
        ]
        for name, holds, rule in rules:
            if not holds:
                raise UsageError(f"{name} must be {rule}; came: {getattr(self, name)}.")

    @property
    def uses_counts(self) -> bool:
        """True when a penalty looks at the tokens so far."""
        return self.repetition_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0


def penalise_repetition(logits_BV: Tensor, seen_BV: Tensor, penalty: Setting) -> Tensor:
    """Divide positive and multiply negative logits of tokens seen in prompt or answer (CTRL, section 4.1)."""
    weaker_BV = torch.where(logits_BV > 0, logits_BV / penalty, logits_BV * penalty)
    return torch.where(seen_BV, weaker_BV, logits_BV)


def penalise_presence(logits_BV: Tensor, counts_BV: Tensor, penalty: Setting) -> Tensor:
    """Subtract `penalty` once from every token that is in the answer."""
    return logits_BV - penalty * (counts_BV > 0)


def penalise_frequency(logits_BV: Tensor, counts_BV: Tensor, penalty: Setting) -> Tensor:
    """Subtract `penalty` from a token as often as it is in the answer."""
    return logits_BV - penalty * counts_BV


def apply_temperature(logits_BV: Tensor, temperature: Setting) -> Tensor:
    """Divide by the temperature; a greedy row (0) is left as it is: its choice is the argmax."""
    temperature_B1 = torch.as_tensor(temperature, dtype=logits_BV.dtype, device=logits_BV.device)
    return logits_BV / torch.where(temperature_B1 > 0, temperature_B1, 1.0)


def keep_top_k(logits_BV: Tensor, k: int | Tensor) -> Tensor:
    """Only the k best logits of a row (ties with the k-th stay too); 0 keeps all."""
    size = logits_BV.shape[-1]
    k_B1 = torch.as_tensor(k, device=logits_BV.device).reshape(-1, 1).expand(logits_BV.shape[0], 1)
    k_B1 = torch.where(k_B1 <= 0, size, k_B1.clamp(max=size))
    best = logits_BV.topk(int(k_B1.max()), dim=-1).values
    threshold_B1 = best.gather(-1, k_B1 - 1)
    return logits_BV.masked_fill(logits_BV < threshold_B1, NEVER)


def keep_top_p(logits_BV: Tensor, p: Setting) -> Tensor:
    """The smallest set of best tokens whose probabilities sum to at least p; always at least one."""
    sorted_BV, order_BV = logits_BV.sort(dim=-1, descending=True, stable=True)
    probability_BV = sorted_BV.softmax(-1)
    before_BV = probability_BV.cumsum(-1) - probability_BV
    keep_BV = before_BV < p
    keep_BV[:, 0] = True
    cut_BV = torch.empty_like(keep_BV).scatter_(-1, order_BV, ~keep_BV)
    return logits_BV.masked_fill(cut_BV, NEVER)


def keep_min_p(logits_BV: Tensor, share: Setting) -> Tensor:
    """Tokens whose probability is at least `share` of the best one's."""
    share_B1 = torch.as_tensor(share, dtype=logits_BV.dtype, device=logits_BV.device)
    threshold_B1 = logits_BV.max(-1, keepdim=True).values + share_B1.log()
    return logits_BV.masked_fill(logits_BV < threshold_B1, NEVER)


def draw(logits_BV: Tensor, uniform_B: Tensor) -> Tensor:
    """Token ids (B,): the inverse of each row's cumulative probability at `uniform_B` in [0, 1)."""
    cumulative_BV = logits_BV.double().softmax(-1).cumsum(-1)
    target_B1 = (uniform_B.double() * cumulative_BV[:, -1])[:, None]
    # right=True: the first token whose cumulative probability exceeds the target, so never one of probability 0.
    return torch.searchsorted(cumulative_BV, target_B1, right=True)[:, 0].clamp(max=logits_BV.shape[-1] - 1)


class Draws:
    """One request's own stream of uniform numbers. answer: which of its n answers."""

    def __init__(self, seed: int, answer: int = 0) -> None:
        self._generator = torch.Generator().manual_seed(seed_for(seed, "sampling", answer))

    def next(self) -> float:
        """A number in [0, 1)."""
        return float(torch.rand((), generator=self._generator, dtype=torch.float64))


class Sampler:
    """The settings of the rows of one batch as columns; `__call__` gives each row its next token.

    A rule runs only when some row uses it. allowed_BV (constrained decoding): False forbids a token.
    """

    def __init__(self, rows: Sequence[Sampling], device: torch.device | str = "cpu") -> None:
        self.rows = list(rows)
        self.device = torch.device(device)
        self.all_greedy = all(row.temperature == 0 for row in rows)
        self.any_counts = any(row.uses_counts for row in rows)
        self._columns: dict[str, Tensor] = {}
        for name, off in (
            ("temperature", 1.0),
            ("top_k", 0),
            ("top_p", 1.0),
            ("min_p", 0.0),
            ("repetition_penalty", 1.0),
            ("presence_penalty", 0.0),
            ("frequency_penalty", 0.0),
        ):
            values = [getattr(row, name) for row in rows]
            if any(value != off for value in values):
                dtype = torch.long if name == "top_k" else torch.float32
                self._columns[name] = torch.tensor(values, dtype=dtype, device=self.device)[:, None]

    def __call__(
        self,
        logits_BV: Tensor,
        draws: Sequence[Draws],
        *,
        seen_BV: Tensor | None = None,
        counts_BV: Tensor | None = None,
        allowed_BV: Tensor | None = None,
    ) -> Tensor:
        """Next token ids (B,). seen_BV, counts_BV: tokens of prompt and answer, needed when a penalty is used."""
        logits_BV = self.adjust(logits_BV.float(), seen_BV, counts_BV, allowed_BV)
        best_B = logits_BV.argmax(-1)
        if self.all_greedy:
            return best_B
        column = self._columns
        if "temperature" in column:
            logits_BV = apply_temperature(logits_BV, column["temperature"])
        if "top_k" in column:
            logits_BV = keep_top_k(logits_BV, column["top_k"])
        if "top_p" in column:
            logits_BV = keep_top_p(logits_BV, column["top_p"])
        if "min_p" in column:
            logits_BV = keep_min_p(logits_BV, column["min_p"])
        uniform = [one.next() if row.temperature > 0 else 0.0 for one, row in zip(draws, self.rows, strict=True)]
        drawn_B = draw(logits_BV, torch.tensor(uniform, dtype=torch.float64, device=self.device))
        greedy_B = torch.tensor([row.temperature == 0 for row in self.rows], device=self.device)
        return torch.where(greedy_B, best_B, drawn_B)

    def adjust(
        self,
        logits_BV: Tensor,
        seen_BV: Tensor | None = None,
        counts_BV: Tensor | None = None,
        allowed_BV: Tensor | None = None,
    ) -> Tensor:
        """The rules that change a greedy choice too: penalties, bias, and what is allowed at all."""
        column = self._columns
        if self.any_counts:
            if seen_BV is None or counts_BV is None:
                raise ValueError("penalties need seen_BV and counts_BV")
            if "repetition_penalty" in column:
                logits_BV = penalise_repetition(logits_BV, seen_BV, column["repetition_penalty"])
            if "presence_penalty" in column:
                logits_BV = penalise_presence(logits_BV, counts_BV, column["presence_penalty"])
            if "frequency_penalty" in column:
                logits_BV = penalise_frequency(logits_BV, counts_BV, column["frequency_penalty"])
        if any(row.logit_bias for row in self.rows):
            logits_BV = logits_BV.clone()
            for number, row in enumerate(self.rows):
                for token, bias in row.logit_bias.items():
                    if not 0 <= token < logits_BV.shape[-1]:
                        raise UsageError(
                            f"logit_bias names token {token}; the vocabulary has {logits_BV.shape[-1]} tokens."
                        )
                    logits_BV[number, token] += bias
        if allowed_BV is not None:
            logits_BV = logits_BV.masked_fill(~allowed_BV, NEVER)
        return logits_BV
