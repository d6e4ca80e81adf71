"""groundup verify FOLDER"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import show

HELP = """Check that nothing changed since it was made.

  groundup verify demo                                    every file of a run or stage folder against its manifest
  groundup verify runs/demo/8_release --key my.key        also the seal of `groundup sign`: nothing changed, and it was you
  groundup verify answer.txt --key my.key                 the same for a text
  groundup verify answer.txt --watermark my.key --model demo     does the text carry the mark of this key?

Exit code 1 when something changed, or when no mark is found (p above 0.001)."""
FOUND_BELOW = 1e-3  # one text of a thousand without the mark is taken for a marked one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="THING", help="a run name, a run, stage or model folder, or a sealed file")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the key of its seal")
    parser.add_argument("--watermark", type=Path, metavar="FILE", help="look for the watermark of this key in a text")
    parser.add_argument("--model", metavar="MODEL", help="with --watermark: the model whose tokens the text is read in")


def run(options: argparse.Namespace) -> int:
    from groundup.core.errors import UsageError
    from groundup.pipeline import RUNS

    if (options.watermark is None) != (options.model is None):
        raise UsageError(
            "--watermark and --model go together.", repair="Name the key and the model that may have written it."
        )
    if options.watermark is not None:
        return _watermark(options)
    # A run is often named like the folder of documents beside it, which holds nothing to verify.
    for place in (Path(options.folder), RUNS / options.folder):
        found = _checked(place, options.key)
        if found:
            break
    else:
        raise UsageError(f"Nothing to verify in {options.folder}: no manifest there, and no seal.")
    lines = [
        f"{'ok' if not wrong else 'CHANGED':<8} {name}" + "".join(f"\n         {item}" for item in wrong)
        for name, wrong in found.items()
    ]
    show(options, found, "\n".join(lines))
    return 1 if any(found.values()) else 0


def _checked(place: Path, key_file: Path | None) -> dict[str, list[str]]:
    """Everything under `place` that has a manifest or a seal -> what is wrong with it."""
    from groundup.audit.signature import check, open_key, seal_of
    from groundup.core.errors import UsageError
    from groundup.core.manifest import check_outputs, read_manifest

    found = {}
    for path in sorted(place.rglob("manifest.json")):
        if not _hidden(path.relative_to(place)):
            name = str(path.parent.relative_to(place)) if path.parent != place else place.name
            found[name] = check_outputs(path.parent, read_manifest(path.parent))
    key = open_key(key_file) if key_file is not None else None
    sealed = [place] if place.exists() and seal_of(place).is_file() else []
    sealed += [
        path.parent for path in sorted(place.glob("*/**/signature.json")) if not _hidden(path.relative_to(place))
    ]
    for path in sealed:
        found[f"{path.relative_to(place) if path != place else place.name}, its seal"] = check(path, key)
    if key is not None and found and not sealed:
        raise UsageError(f"{place} carries no seal.", repair=f"Seal it with: groundup sign {place} --key {key_file}")
    return found


def _watermark(options: argparse.Namespace) -> int:
    from groundup.audit.signature import open_key
    from groundup.core.errors import UsageError
    from groundup.generate.watermark import Watermark
    from groundup.pipeline import find_model
    from groundup.tokenizer import Tokenizer

    text = Path(options.folder)
    if not text.is_file():
        raise UsageError(f"There is no file {text} to look for a watermark in.")
    tokenizer = Tokenizer.load(find_model(options.model))
    found = Watermark(open_key(options.watermark)).detect(tokenizer.encode(text.read_text(encoding="utf-8").strip()))
    verdict = "marked" if found.p < FOUND_BELOW else "no mark found"
    line = f"{verdict}: {found.green} of {found.scored} tokens green ({found.share:.0%}), p = {found.p:.2g}"
    show(options, {"marked": found.p < FOUND_BELOW, "green": found.green, "scored": found.scored, "p": found.p}, line)
    return 0 if found.p < FOUND_BELOW else 1


def _hidden(path: Path) -> bool:
    """Checkpoints and superseded stages: not part of what was made."""
    return any(part.startswith(".") for part in path.parts)
