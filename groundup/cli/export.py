"""groundup export MODEL FORMAT"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

from groundup.cli.output import show
from groundup.core.errors import UsageError

HELP = """Write a model for other programs.

  groundup export demo hf --out FOLDER      a Hugging Face folder: opens in transformers and vLLM as it is
  groundup export demo gguf --out FOLDER    one file for llama.cpp, and a Modelfile for Ollama

gguf kinds (--kind): f32 is exact, f16 half of it, q8_0 a quarter, q4_0 about a seventh."""

FORMATS = ("hf", "gguf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument("--kind", choices=("f32", "f16", "q8_0", "q4_0"), help="of numbers, for gguf (default f16)")


def run(options: argparse.Namespace) -> int:
    from groundup.core.files import sync_folder
    from groundup.model.bundle import load_config
    from groundup.pipeline import find_model

    if options.kind and options.format != "gguf":
        raise UsageError(f"--kind is for gguf; {options.format} is written as it was trained.")
    folder = find_model(options.model)
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise UsageError(f"{options.out} exists and is not empty.", repair="Choose another folder with --out.")
    if options.format == "gguf":  # what cannot be exported is said before the work
        from groundup.model.convert.gguf import demand_exportable

        demand_exportable(folder, load_config(folder))
    fill: Callable[[Path, Path, argparse.Namespace], None] = {"hf": _fill_hf, "gguf": _fill_gguf}[options.format]
    # Under another name until it is whole: whoever finds FOLDER finds all of it.
    unfinished = options.out.with_name(f".{options.out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    fill(folder, unfinished, options)
    if options.out.exists():
        options.out.rmdir()
    unfinished.rename(options.out)
    sync_folder(options.out.parent)
    files = sorted(options.out.iterdir())
    size = sum(path.stat().st_size for path in files)
    value = {"folder": str(options.out), "files": [path.name for path in files], "bytes": size}
    show(options, value, f"wrote {options.out}: {len(files)} files, {size / 1e6:.1f} MB")
    return 0


def _fill_hf(folder: Path, place: Path, options: argparse.Namespace) -> None:
    from groundup.model.bundle import load

    load(folder, device="cpu")  # a damaged model is not exported
    for path in sorted(folder.iterdir()):
        if path.is_file() and not _is_ours(path):
            shutil.copyfile(path, place / path.name)


def _fill_gguf(folder: Path, place: Path, options: argparse.Namespace) -> None:
    from groundup.core.files import write_bytes
    from groundup.model.bundle import load
    from groundup.model.convert.gguf import modelfile, write_gguf

    bundle = load(folder, device="cpu")
    kind = options.kind or "f16"
    name = options.out.name if options.out.name not in ("", ".", "..") else "model"
    file = f"{name}-{kind}.gguf"
    write_gguf(bundle, place / file, kind, name=name)
    write_bytes(place / "Modelfile", modelfile(bundle, file).encode("utf-8"))


def _is_ours(path: Path) -> bool:
    """Our bookkeeping, which tells nothing outside of its run."""
    return path.name.startswith(".") or path.name == "manifest.json"
