"""What one objective brings to the stage: its batches, its loss, how it is looked at. One file an objective.

causal.py    predict the next token            gpt, custom, speedrun
masked.py    fill in hidden words              bert
denoise.py   write what was cut out (T5)       encoder_decoder
seq2seq.py   write the target of an example    encoder_decoder
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.core.console import Console
from groundup.core.errors import RecipeError
from groundup.model.config import ModelConfig
from groundup.pretrain.options import PretrainOptions
from groundup.train.loop import Batches, Validate
from groundup.train.objectives import Objective

# The objectives of a family, its usual one first.
OBJECTIVES = {
    "gpt": ("causal",),
    "custom": ("causal",),
    "speedrun": ("causal",),
    "bert": ("masked",),
    "encoder_decoder": ("denoise", "seq2seq"),
}

Rows = Callable[[Any, int], list[dict[str, Any]]]  # (module, step) -> [{"prompt", "text"}, ...]


@dataclass(frozen=True)
class Given:
    """What an objective may use. train, looked_at: token shards; settings: `steps` and `batch_size` are settled."""

    tokenizer: Any
    train: Any
    looked_at: Any
    config: ModelConfig
    settings: PretrainOptions
    seed: int
    inputs: Mapping[str, Path]
    output: Path
    samples: Rows | None  # the hook that lets a causal model write
    console: Console = field(default_factory=lambda: Console(quiet=True))


@dataclass(frozen=True)
class Lesson:
    """Handed to the training loop. sample: None shows nothing. begin, end: once, before and after (end in eval mode)."""

    batches: Batches
    objective: Objective
    validate: Validate
    sample: Rows | None = None
    begin: Callable[[Any], None] = lambda module: None
    end: Callable[[Any], None] = lambda module: None


def objective_of(settings: PretrainOptions, config: ModelConfig) -> str:
    """The recipe's objective, else the family's usual one. RecipeError when the two do not go together."""
    fitting = OBJECTIVES[config.family]
    wanted = settings.objective or fitting[0]
    if wanted not in fitting:
        raise RecipeError(
            f'pretrain.objective = "{wanted}" is not for the family "{config.family}".',
            repair=f"Take one of: {', '.join(fitting)}; or leave it out.",
        )
    return wanted


def special_id(tokenizer: Any, name: str) -> int:
    """The id of a special token, or a RecipeError: a tokenizer made elsewhere may lack it."""
    if name not in tokenizer.special:
        raise RecipeError(f"The tokenizer has no {name}, which this objective needs.", repair="Train one of ours.")
    return int(tokenizer.special[name])
