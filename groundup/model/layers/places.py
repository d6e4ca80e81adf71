"""How a model knows where its tokens stand, by name: added to the embedding, turned into queries and keys, or added to
the attention scores. To add one: a subclass of Place, registered under its name.

B batch, T time (queries), S source time (keys), D width, H heads, K head size.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from groundup.core.registry import Registry
from groundup.model.config import ModelConfig
from groundup.model.layers.position import Rotary

places: Registry[Callable[..., Place]] = Registry("position")


class Place(nn.Module):
    """No position at all: the base of the others. bidirectional: tokens may look ahead (encoders)."""

    def __init__(self, config: ModelConfig, *, bidirectional: bool = False) -> None:
        super().__init__()

    def add(self, x_BTD: Tensor, positions_BT: Tensor) -> Tensor:
        """x with its position added. positions_BT: (B, T) or (1, T)."""
        return x_BTD

    def turn(self, positions_BT: Tensor, like: Tensor) -> tuple[Tensor, Tensor] | None:
        """(cos, sin) by which queries and keys turn, or None."""
        return None

    def scores(self, positions_BT: Tensor, num_keys: int) -> Tensor | None:
        """(B or 1, H, T, S) to add to the scores of keys at the positions 0 ... num_keys - 1, or None."""
        return None


places.register("none")(Place)


@places.register("rope")
class Rope(Place):
    """Rotary positions (Su et al. 2021)."""

    def __init__(self, config: ModelConfig, *, bidirectional: bool = False) -> None:
        super().__init__(config)
        self.rotary = Rotary.of(config)

    def turn(self, positions_BT: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        return self.rotary.at(positions_BT, like)


@places.register("learned")
class Learned(Place):
    """One learned vector for each place (GPT-2, BERT)."""

    def __init__(self, config: ModelConfig, *, bidirectional: bool = False) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.context_length, config.width)

    def add(self, x_BTD: Tensor, positions_BT: Tensor) -> Tensor:
        return x_BTD + self.embedding(positions_BT)


@places.register("sinusoidal")
class Sinusoidal(Place):
    """sin and cos of geometrically growing wavelengths (Vaswani et al. 2017, section 3.5): first all sines, then all
    cosines, as in the authors' own code."""

    wavelengths: Tensor

    def __init__(self, config: ModelConfig, *, bidirectional: bool = False) -> None:
        super().__init__(config)
        half = (config.width + 1) // 2
        self.width = config.width
        wavelengths = torch.exp(torch.arange(half) * (-math.log(10_000.0) / max(1, half - 1)))
        self.register_buffer("wavelengths", wavelengths, persistent=False)

    def add(self, x_BTD: Tensor, positions_BT: Tensor) -> Tensor:
        angles_BTF = positions_BT.unsqueeze(-1) * self.wavelengths
        signal_BTD = torch.cat((angles_BTF.sin(), angles_BTF.cos()), -1)[..., : self.width]
        return x_BTD + signal_BTD.to(x_BTD.dtype)


@places.register("alibi")
class Alibi(Place):
    """Scores fall linearly with distance, at a slope of its own for each head (Press et al. 2022): 2^(-8 h / H)."""

    slopes: Tensor

    def __init__(self, config: ModelConfig, *, bidirectional: bool = False) -> None:
        super().__init__(config)
        heads_H = torch.arange(1, config.num_heads + 1)
        self.register_buffer("slopes", 2.0 ** (-8.0 * heads_H / config.num_heads), persistent=False)

    def scores(self, positions_BT: Tensor, num_keys: int) -> Tensor:
        keys_S = torch.arange(num_keys, device=positions_BT.device)
        distance_BTS = (positions_BT.unsqueeze(-1) - keys_S).abs()
        return -self.slopes.view(1, -1, 1, 1) * distance_BTS.unsqueeze(1)


@places.register("relative")
class Relative(Place):
    """A learned number for each head and bucket of distances (Raffel et al. 2020): near ones exactly, then in
    logarithmic steps. Encoders spend half of the buckets on what lies ahead."""

    def __init__(self, config: ModelConfig, *, bidirectional: bool = False) -> None:
        super().__init__(config)
        self.bidirectional = bidirectional
        self.num_buckets, self.distance = config.relative_buckets, config.relative_distance
        self.embedding = nn.Embedding(config.relative_buckets, config.num_heads)

    def scores(self, positions_BT: Tensor, num_keys: int) -> Tensor:
        ahead_BTS = torch.arange(num_keys, device=positions_BT.device) - positions_BT.unsqueeze(-1)
        return self.embedding(self.bucket(ahead_BTS)).permute(0, 3, 1, 2)

    def bucket(self, ahead: Tensor) -> Tensor:
        """The bucket of key position - query position."""
        count, first = self.num_buckets, torch.zeros_like(ahead)
        if self.bidirectional:
            count //= 2
            first = (ahead > 0) * count
            distance = ahead.abs()
        else:
            distance = (-ahead).clamp_min(0)
        exact = count // 2
        # The logarithm in fp32, as the layout's own code takes it: a border case must fall into the same bucket.
        steps = torch.log(distance.clamp_min(1).float() / exact) / math.log(self.distance / exact) * (count - exact)
        far = (exact + steps.long()).clamp_max(count - 1)
        return first + torch.where(distance < exact, distance, far)
