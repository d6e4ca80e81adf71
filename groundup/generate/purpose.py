"""What a model folder is for, before it is opened: does it continue texts, and if not, what is used instead?"""

from __future__ import annotations

from pathlib import Path

from groundup.core.errors import UsageError
from groundup.core.files import read_json
from groundup.model.bundle import CONFIG, load_config

CLASSIFIER = "ForSequenceClassification"  # how transformers names it
OTHER_HEADS = "head.json"  # a head of ours beside the weights (spans, tags): see finetune.heads


def demand_writer(folder: Path, verb: str) -> None:
    """UsageError for a model that does not continue texts, with what to use instead. verb: what was wanted."""
    config = load_config(folder)
    name = folder.name if folder.name not in ("model", "8_release") else folder.parent.name
    if config.family == "bert":
        raise UsageError(
            f"'{verb}' continues texts, and '{name}' is an encoder (bert): it reads a text and fills its gaps.",
            repair=f'Fill a gap: groundup generate {folder} --fill "A word is [MASK]."',
        )
    if config.family == "encoder_decoder":
        raise UsageError(
            f"'{verb}' continues texts, and '{name}' is an encoder-decoder: it reads one text and writes another.",
            repair=f'Let it write: groundup generate {folder} --source "The text to read."',
        )
    architectures = read_json(folder / CONFIG).get("architectures") or [""]
    if str(architectures[0]).endswith(CLASSIFIER):
        raise UsageError(
            f"'{verb}' continues texts, and '{name}' is a classifier: it gives a text a label.",
            repair="In Python: groundup.finetune.Classifier.load(FOLDER).predict([TEXT]). Or name the model of an "
            "earlier step of its run.",
        )
    if (folder / OTHER_HEADS).is_file():
        raise UsageError(
            f"'{verb}' continues texts, and '{name}' was tuned to mark spans in them.",
            repair="Use it through its own step (groundup.finetune), or name the model of an earlier step of its run.",
        )
