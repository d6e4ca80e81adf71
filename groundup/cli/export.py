"""groundup export MODEL FORMAT"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from groundup.cli.output import show
from groundup.core.errors import UsageError

HELP = """Write a model for other programs.

  groundup export demo hf --out FOLDER      a Hugging Face folder: opens in transformers and vLLM as it is"""

FORMATS = ("hf",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")


def run(options: argparse.Namespace) -> int:
    from groundup.core.files import sync_folder
    from groundup.model.bundle import load
    from groundup.pipeline import find_model

    folder = find_model(options.model)
    load(folder, device="cpu")  # a damaged model is not exported
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise UsageError(f"{options.out} exists and is not empty.", repair="Choose another folder with --out.")
    # Under another name until it is whole: whoever finds FOLDER finds all of it.
    unfinished = options.out.with_name(f".{options.out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not _is_ours(path)]
    unfinished.mkdir(parents=True)
    for path in files:
        shutil.copyfile(path, unfinished / path.name)
    if options.out.exists():
        options.out.rmdir()
    unfinished.rename(options.out)
    sync_folder(options.out.parent)
    size = sum((options.out / path.name).stat().st_size for path in files)
    value = {"folder": str(options.out), "files": [path.name for path in files], "bytes": size}
    show(options, value, f"wrote {options.out}: {len(files)} files, {size / 1e6:.1f} MB")
    return 0


def _is_ours(path: Path) -> bool:
    """Our bookkeeping, which tells nothing outside of its run."""
    return path.name.startswith(".") or path.name == "manifest.json"
