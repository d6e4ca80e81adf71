"""How models lie on disk: one file a layout, each a module with the same names.

    MODEL_TYPE                 what its config.json calls itself
    fits(config)               can it hold this config?
    to_hf(config, special)     config.json; special: token name -> id
    from_hf(values, name)      the config of such a config.json; ArtifactError for what we do not compute
    export(weights, config)    our tensors by their names
    take(weights, config)      their tensors by our names; unknown ones keep theirs

The first layout that fits a config is written; `native` fits all, and only we open it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from groundup.core.errors import ArtifactError

if TYPE_CHECKING:
    from groundup.model.config import ModelConfig

LAYOUTS = ("qwen3", "bert", "modernbert", "t5", "gpt2", "llama", "mistral", "smollm3", "olmo2", "native")


def layout_for(config: ModelConfig) -> Any:
    """The layout to write a config in."""
    return next(layout for layout in map(_layout, LAYOUTS) if layout.fits(config))


def layout_named(model_type: object, name: str) -> Any:
    """The layout whose config.json has this `model_type`; name: the file, for the message."""
    for layout in map(_layout, LAYOUTS):
        if model_type == layout.MODEL_TYPE:
            return layout
    known = ", ".join(_layout(layout).MODEL_TYPE for layout in LAYOUTS)
    raise ArtifactError(
        f"{name}: model_type is '{model_type}'; this version opens: {known}.",
        repair="Convert the model to one of these layouts, or start from another one.",
    )


def _layout(name: str) -> Any:
    return import_module(f"groundup.model.convert.{name}")
