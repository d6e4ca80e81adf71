"""Activation checkpointing (Chen et al. 2016): keep only what enters each layer, compute the rest again in backward.

Memory for activations falls from that of all layers to that of one (and the streams between), for a third more work.
"""

from __future__ import annotations

import functools
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute_layers(module: nn.Module) -> int:
    """Make every layer of every list of layers forget what it computed; returns how many. Values stay the same bits."""
    found = 0
    for parent in module.modules():
        if isinstance(parent, nn.ModuleList) and not _inside_a_layer(module, parent):
            for layer in parent:
                layer.forward = functools.partial(_again, layer, layer.forward)
                found += 1
    return found


def restore_layers(module: nn.Module) -> None:
    """As if `recompute_layers` had not been called."""
    for layer in module.modules():
        if isinstance(layer.__dict__.get("forward"), functools.partial):
            del layer.forward


def _again(layer: nn.Module, forward: Any, *inputs: Any, **named: Any) -> Any:
    if not layer.training:
        return forward(*inputs, **named)
    return checkpoint(forward, *inputs, use_reentrant=False, **named)


def _inside_a_layer(module: nn.Module, wanted: nn.ModuleList) -> bool:
    """Experts are a list inside of a layer: the layer as a whole is enough."""
    return any(
        other is not wanted and isinstance(other, nn.ModuleList) and any(wanted is inner for inner in other.modules())
        for other in module.modules()
    )
