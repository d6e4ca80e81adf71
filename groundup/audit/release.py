"""Stage 8: what leaves the house: the last model, its card, nothing else, and only through an open gate.

    run(options, inputs, output, context) -> counts

inputs: the finished stages by name (`collect` ... `pretrain`, `finetune.STEP`, `evaluate`, `audit`); `model`, a model
folder, decides which model where it is given. output: the model folder with README.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.audit.card import card
from groundup.audit.gate import demand_open, read_gate
from groundup.audit.options import ReleaseOptions
from groundup.core.errors import ArtifactError, DataError
from groundup.core.files import write_bytes
from groundup.core.recipe import read_toml
from groundup.core.stage import Context
from groundup.evaluate.subject import is_chat

WANTED, TEMPLATE = "config.json", "chat_template.jinja"


def run(options: ReleaseOptions, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Copy the model and write its card. Raises GroundupError when the gate is closed or was never decided."""
    if "audit" not in inputs:
        raise DataError(
            "A release needs an audit: nobody has looked at this model.", repair="Run the stage 'audit' first."
        )
    demand_open(read_gate(inputs["audit"] / "gate.json"))
    model = model_of(inputs)
    # Copies, not links: whoever edits the release must not edit the run.
    # A base model is not to be asked as if it could chat: its template stays behind.
    left = {"manifest.json", "README.md"} | (set() if is_chat(model) else {TEMPLATE})
    names = []
    for path in sorted(model.rglob("*")):
        name = path.relative_to(model)
        if path.is_file() and not any(part.startswith(".") for part in name.parts) and name.name not in left:
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, output / name)
            names.append(name.as_posix())
    title, purpose = _about(output)
    text = card(title, purpose, inputs, model, options)
    write_bytes(output / "README.md", text.encode("utf-8"))
    size = sum((output / name).stat().st_size for name in names)
    context.console.note(f"release: {len(names)} files, {size / 1e6:.1f} MB, in {output}")
    return {"files": len(names) + 1, "bytes": size, "formats": list(options.formats)}


def model_of(inputs: Mapping[str, Path]) -> Path:
    """The model folder to release: `model`, else the last tuning step's, else pretraining's."""
    tuned = [name for name in inputs if name.startswith("finetune")]
    for name in (["model"] if "model" in inputs else []) + tuned[::-1] + ["pretrain"]:
        if name not in inputs:
            continue
        for place in (inputs[name] / "model", inputs[name]):
            if (place / WANTED).is_file():
                return place
    raise ArtifactError(
        f"No model to release among {', '.join(inputs) or 'no inputs'}.",
        repair="Run pretrain (and finetune) first.",
    )


def _about(output: Path) -> tuple[str, str]:
    """The run's name and purpose, from the recipe beside the stages' folders; the folder's name without one."""
    recipe = output.resolve().parent / "recipe.toml"
    values = read_toml(recipe)[0] if recipe.is_file() else {}
    return str(values.get("name", output.resolve().name)), str(values.get("purpose", ""))
