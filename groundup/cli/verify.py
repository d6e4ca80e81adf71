"""groundup verify FOLDER"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import show

HELP = (
    """Check that nothing changed since it was made: hashes every file of a run or stage folder against its manifest."""
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="a run name, a run folder or a stage folder")


def run(options: argparse.Namespace) -> int:
    from groundup.core.errors import UsageError
    from groundup.core.manifest import check_outputs, read_manifest

    place = Path(options.folder)
    if not place.exists():
        place = Path("runs") / options.folder
    manifests = [path for path in sorted(place.rglob("manifest.json")) if not _hidden(path.relative_to(place))]
    if not manifests:
        raise UsageError(f"Nothing to verify in {options.folder}: no manifest there.")
    found, problems = {}, 0
    for path in manifests:
        name = str(path.parent.relative_to(place)) if path.parent != place else place.name
        found[name] = check_outputs(path.parent, read_manifest(path.parent))
        problems += len(found[name])
    lines = [
        f"{'ok' if not wrong else 'CHANGED':<8} {name}" + "".join(f"\n         {item}" for item in wrong)
        for name, wrong in found.items()
    ]
    show(options, found, "\n".join(lines))
    return 1 if problems else 0


def _hidden(path: Path) -> bool:
    """Checkpoints and superseded stages: not part of what was made."""
    return any(part.startswith(".") for part in path.parts)
