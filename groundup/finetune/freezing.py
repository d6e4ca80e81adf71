"""Layer freezing: the lower part of a model stays as it is, the upper part learns (Howard and Ruder 2018).

`freeze = n`: the embeddings and the first n blocks do not move. Less to compute and to forget; the last blocks and the
head carry the task. An output matrix tied to the embedding is frozen with it.
"""

from __future__ import annotations

from typing import Any

from groundup.core.errors import RecipeError


def frozen(model: Any, num_blocks: int) -> Any:
    """The model itself, its embeddings and first `num_blocks` blocks set not to learn (0: all learn).

    An encoder-decoder freezes its encoder's blocks. RecipeError when the model has not so many blocks.
    """
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    if num_blocks == 0:
        return model
    blocks = model.encoder.blocks if hasattr(model, "encoder") else model.blocks
    if num_blocks > len(blocks):
        raise RecipeError(
            f"freeze = {num_blocks}, but the model has {len(blocks)} blocks.",
            repair=f"Give at most {len(blocks)}; then only what stands above the blocks learns.",
        )
    for name, parameter in model.named_parameters():
        if "embedding" in name:
            parameter.requires_grad_(False)
    for block in list(blocks)[:num_blocks]:
        block.requires_grad_(False)
    return model
