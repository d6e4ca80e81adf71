"""What a model folder is for, before it is opened: does it continue texts, and if not, what is used instead?"""

from __future__ import annotations

from pathlib import Path

from groundup.core.errors import UsageError
from groundup.core.files import read_json
from groundup.model.bundle import CONFIG, load_config

CLASSIFIER = "ForSequenceClassification"  # the end of transformers' class names of models with a head of labels
OWN = "groundup"  # our own facts in config.json
HEAD_FACTS = "head.json"  # every other head of ours lies beside the weights: see finetune.heads
HEADS = {"classify": "classifier", "reward": "reward model", "qa": "span reader", "tag": "tagger"}


def demand_writer(folder: Path, verb: str) -> None:
    """UsageError for a model that does not continue texts, with what to use instead. verb: what was wanted."""
    config = load_config(folder)
    name = folder.name if folder.name not in ("model", "8_release") else folder.parent.name
    if kind := kind_of(folder):
        what = HEADS.get(kind, "reader")
        asked = ' --question "..."' if kind in ("qa", "reward") else ""
        raise UsageError(
            f"'{verb}' continues texts, and '{name}' is a {what}: it reads them.",
            repair=f'Let it read one: groundup generate {folder} --text "..."{asked}',
        )
    if config.family == "bert":
        raise UsageError(
            f"'{verb}' continues texts, and '{name}' is an encoder (bert): it reads a text and fills its gaps.",
            repair=f'Fill a gap: groundup generate {folder} --fill "A word is [MASK]." Or compare texts: --text A --text B',
        )
    if config.family == "encoder_decoder":
        raise UsageError(
            f"'{verb}' continues texts, and '{name}' is an encoder-decoder: it reads one text and writes another.",
            repair=f'Let it write: groundup generate {folder} --source "The text to read."',
        )


def kind_of(folder: Path) -> str:
    """A key of HEADS, or "" for a folder that holds a language model alone (or no model)."""
    if (folder / HEAD_FACTS).is_file():
        return str(read_json(folder / HEAD_FACTS).get("kind", ""))
    if not (folder / CONFIG).is_file():
        return ""
    config = read_json(folder / CONFIG)
    names = config.get("architectures") or [""]
    if not str(names[0]).endswith(CLASSIFIER):
        return ""
    return str((config.get(OWN) or {}).get("kind", "classify"))
