"""The page docs/licences.md: the licence of every dependency, read from the metadata of the installed packages.

`scripts/reference.py` writes it together with the other generated pages.
"""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
# What was read to make the files with learned numbers that the package ships. A test asks for a row per file.
MADE_OF = [
    [
        "`language/names.safetensors.zst` (finds names in texts)",
        "sentences of our own; names, streets and firms invented by Faker; sentences of the presidio-research set, the "
        "places of names filled anew; books, for common words",
        "MIT; MIT; public domain",
    ],
    [
        "`apps/writing/english.safetensors.zst` (corrects English)",
        "books and articles of the US government, spoiled by rules of our own; it holds counts and weights, no text",
        "public domain; CC0-1.0",
    ],
]


def licences_page() -> str:
    """Licence of every dependency that is installed here: the core's with all they need, then each extra's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core: dict[str, tuple[str, str]] = {}
    for requirement in project["dependencies"]:
        gather(requirement, core)
    parts = [
        "<!-- Written by scripts/reference.py from the metadata of the installed packages. -->",
        "# Licences",
        "groundup itself is under Apache-2.0 (see LICENSE). Below: what it stands on, as each package states it in its "
        "own metadata. No dependency is under the AGPL; a test looks at every installed package.",
        "## What the shipped files were made of",
        "All text, tables and sample documents in the package are ours. Two files hold numbers learned from the work of others:",
        table(["file", "learned from", "licence"], MADE_OF),
        "Rows of benchmarks are not shipped: each task's table says where they come from and under which licence.",
        "## The core and all it needs",
        licence_table(core),
        "## The extras, and what each adds",
    ]
    for extra, requirements in project["optional-dependencies"].items():
        added: dict[str, tuple[str, str]] = {}
        for requirement in requirements:
            gather(requirement, added)
        own = {name: value for name, value in added.items() if name not in core and name != "groundup"}
        parts += [f"### `{extra}`", licence_table(own) if own else "Nothing that the core does not hold."]
    return "\n\n".join(parts) + "\n"


def gather(requirement: str, found: dict[str, tuple[str, str]]) -> None:
    """Add a requirement and all that it needs here: name -> (version, licence)."""
    wanted = Requirement(requirement)
    name = re.sub(r"[-_.]+", "-", wanted.name).lower()
    if name in found or name == "groundup" or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
        return
    try:
        found[name] = (metadata.version(name), licence_of(name))
    except metadata.PackageNotFoundError:
        found[name] = ("not installed here", "see its own page")
        return
    for inner in metadata.requires(name) or []:
        gather(inner, found)


def licence_of(name: str) -> str:
    """The licence of an installed package in its own words: expression, classifiers, the field's or its file's first line."""
    about = metadata.metadata(name)
    expression = about.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [line.split("::")[-1].strip() for line in about.get_all("Classifier") or []
                   if line.startswith("License ::")]  # fmt: skip
    stated = [line for line in classifiers if line != "OSI Approved"]
    files = [file for file in metadata.files(name) or [] if file.name.startswith("LICENSE")]
    found = "; ".join(stated) or about.get("License") or (files and files[0].read_text().strip())
    return str(found or "not stated").split("\n")[0][:80]


def licence_table(found: dict[str, tuple[str, str]]) -> str:
    """A row per package."""
    return table(["package", "version here", "licence"], [[name, *found[name]] for name in sorted(found)])


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])
