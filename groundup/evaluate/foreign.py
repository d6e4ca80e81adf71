"""A language model in a layout that `model.convert` does not know, opened by transformers: for measuring only.

It offers what a `Subject` asks of an engine: `.score`, `.generate` (greedy), `.tokenizer`, `.context_length`. The
tokenizer files are read by our own `Tokenizer`, so that texts are cut and counted by the same code for every model.
Weights come from safetensors alone, and no code of the folder is run.

Legend: B rows, T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from groundup.core.errors import ArtifactError, GroundupError, MissingExtra
from groundup.generate.sampling import Sampling

BATCH_TOKENS = 4096  # tokens of one forward pass, padding included; as generate.scoring
LONGEST = 2048  # where the config names no length; taste


@dataclass(frozen=True)
class Scored:
    """As generate.scoring.Scored."""

    logprob: float
    num_tokens: int
    num_bytes: int
    is_greedy: bool
    token_logprobs: list[float]
    num_left_out: int = 0


@dataclass(frozen=True)
class Written:
    """One greedy answer."""

    ids: list[int]
    text: str
    finish: str


def open_foreign(folder: Path, device: str, *, because: GroundupError) -> ForeignEngine:
    """Open `folder` with transformers. because: why our own code could not; raised where transformers cannot either."""
    if not (folder / "config.json").is_file():
        raise because
    try:
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging
    except ImportError:
        raise MissingExtra("transformers", "hf", f"A model of this layout ({because.message})") from None
    from groundup.model.device import choose
    from groundup.tokenizer import Tokenizer

    if not (folder / "tokenizer.json").is_file():
        raise ArtifactError(
            f"{folder} holds no tokenizer.json.",
            repair="Save its tokenizer with transformers (a fast tokenizer), then it is there.",
        )
    logging.set_verbosity_error()
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, local_files_only=True, dtype=torch.float32
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ArtifactError(f"{because.message} Nor does transformers open it: {reason}") from None
    return ForeignEngine(model.to(choose(device)).eval(), Tokenizer.load(folder))


class ForeignEngine:
    """Any causal language model of transformers."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = model
        self.tokenizer = tokenizer
        named = (getattr(model.config, name, None) for name in ("max_position_embeddings", "n_positions", "n_ctx"))
        self.context_length: int = next((int(length) for length in named if length), LONGEST)

    def score(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Scored]:
        """Log-probabilities of continuations after contexts, rows of similar length together."""
        fitted = [_fit(list(context), list(ending), self.context_length) for context, ending in pairs]
        order = sorted(range(len(fitted)), key=lambda place: len(fitted[place][0]) + len(fitted[place][1]))
        found: dict[int, Scored] = {}
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and (end + 1 - start) * sum(map(len, fitted[order[end]][:2])) <= BATCH_TOKENS:
                end += 1
            places = order[start:end]
            found.update(zip(places, self._scored([fitted[place] for place in places]), strict=True))
            start = end
        return [found[place] for place in range(len(fitted))]

    @torch.inference_mode()
    def _scored(self, rows: Sequence[tuple[list[int], list[int], int]]) -> list[Scored]:
        ids = [(context + ending)[:-1] for context, ending, _ in rows]
        logits_BTV = self._logits(ids)
        results = []
        for number, (context, ending, left_out) in enumerate(rows):
            first = len(context) - 1
            logits_TV = logits_BTV[number, first : first + len(ending)].float()
            wanted_T = torch.tensor(ending, device=logits_TV.device)
            logprob_T = (logits_TV.gather(-1, wanted_T[:, None])[:, 0] - logits_TV.logsumexp(-1)).double()
            per_token = self.tokenizer.bytes_per_token  # a model's vocabulary may be padded beyond its tokenizer's
            num_bytes = int(sum(per_token[token] for token in ending if token < len(per_token)))
            is_greedy = bool((logits_TV.argmax(-1) == wanted_T).all())
            results.append(
                Scored(float(logprob_T.sum()), len(ending), num_bytes, is_greedy, logprob_T.tolist(), left_out)
            )
        return results

    @torch.inference_mode()
    def generate(self, prompts_ids: Sequence[Sequence[int]], sampling: Sampling | Sequence[Sampling]) -> list[Written]:
        """Greedy answers, one prompt at a time with transformers' own cache."""
        each = [sampling] * len(prompts_ids) if isinstance(sampling, Sampling) else list(sampling)
        return [self._write(list(ids), one) for ids, one in zip(prompts_ids, each, strict=True)]

    def _write(self, ids: list[int], sampling: Sampling) -> Written:
        ends = getattr(self.model.config, "eos_token_id", None)
        ends = set(ends if isinstance(ends, list) else [ends])
        cache, read, answer = None, ids, list[int]()
        while len(answer) < sampling.max_tokens and len(ids) + len(answer) < self.context_length:
            out = self.model(torch.tensor([read], device=self.model.device), past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            token = int(out.logits[0, -1].argmax())
            if token in ends:
                return Written(answer, self.tokenizer.decode(answer), "stop")
            answer.append(token)
            text = self.tokenizer.decode(answer)
            stops = [text.index(stop) for stop in sampling.stop if stop in text]
            if stops:
                return Written(answer, text[: min(stops)], "stop")
            read = [token]
        return Written(answer, self.tokenizer.decode(answer), "length")

    def _logits(self, rows: list[list[int]]) -> torch.Tensor:
        """(B, T, V), rows filled up behind their end, where nothing that counts looks."""
        longest = max(map(len, rows))
        ids_BT = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=self.model.device)
        real_BT = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=ids_BT.device)
        logits_BTV: torch.Tensor = self.model(ids_BT, attention_mask=real_BT, use_cache=False).logits
        return logits_BTV


def _fit(context: list[int], ending: list[int], context_length: int) -> tuple[list[int], list[int], int]:
    """The context cut from the left to what fits; how many tokens were cut."""
    room = max(1, context_length + 1 - len(ending))
    return context[-room:], ending, max(0, len(context) - room)
