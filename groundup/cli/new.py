"""groundup new FOLDER"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

from groundup.cli.output import console_of, show

HELP = """Look at a folder of documents and write a recipe for a model of them, with comments on what was found."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="your documents: any mix of formats")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write it (default NAME.toml)")
    parser.add_argument("--budget", default="30m", help="time for the whole run (default 30m)")
    parser.add_argument("--purpose", default="", help="what the model is for, in a sentence")


def run(options: argparse.Namespace) -> int:
    from groundup.collect.options import SourceOptions
    from groundup.core.errors import DataError, UsageError
    from groundup.stages import parse_duration, recipe_from_text

    folder = options.folder
    if not folder.exists():
        raise DataError(f"{folder} does not exist.")
    if parse_duration(options.budget) is None:
        raise UsageError(f"--budget {options.budget} is not a time.", repair='Write it as "90s", "30m" or "2h".')
    name = re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_") or "library"
    target = options.out or Path(f"{name}.toml")
    if target.exists():
        raise UsageError(f"{target} exists.", repair="Choose another file with --out.")
    found = look(SourceOptions.model_validate({"from": str(folder.absolute())}), console_of(options))
    if not found["documents"]:
        raise DataError(f"{folder} holds no document that can be read: {found['problems'] or 'it is empty'}.")
    text = recipe_text(name, folder.absolute(), options.budget, options.purpose, found)
    recipe_from_text(text, str(target))  # what we write is valid, or we fail here
    target.write_text(text, encoding="utf-8")
    show(
        options,
        {"recipe": str(target), **found},
        f"wrote {target}\nnext: groundup plan {target}\n      groundup run {target}",
    )
    return 0


def look(source: object, console: object, *, limit: int = 3000) -> dict[str, object]:
    """Read up to `limit` documents: how many, how much text, which kinds and languages, what could not be read."""
    from groundup.collect.files import read
    from groundup.language.identify import identify

    problems: list[dict[str, str]] = []
    kinds: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    documents = characters = 0
    for document in read("look", source, problems.append):  # type: ignore[arg-type]
        documents += 1
        characters += len(document.text)
        kinds[str(document.meta.get("kind", "prose"))] += 1
        if documents <= 200:
            languages[identify(document.text[:2000])[0]] += 1
        if documents >= limit:
            break
    return {
        "documents": documents,
        "characters": characters,
        "kinds": dict(kinds.most_common()),
        "languages": dict(languages.most_common(5)),
        "problems": len(problems),
        "complete": documents < limit,
    }


def recipe_text(name: str, folder: Path, budget: str, purpose: str, found: dict[str, object]) -> str:
    """The commented recipe."""
    amount = f"{found['documents']:,} documents, {int(str(found['characters'])) / 1e6:.1f} million characters"
    more = "" if found["complete"] else " in the part looked at"
    languages = found["languages"]
    assert isinstance(languages, dict)
    keep = [language for language in languages if language] or ["en"]
    return f'''# groundup run {name}.toml
# Written by `groundup new` from {amount}{more}.
# Kinds: {_counts(found["kinds"])}. Languages: {_counts(languages)}. Files that could not be read: {found["problems"]}.
name    = "{name}"
seed    = 1
budget  = "{budget}"                 # the whole run; `groundup plan {name}.toml` shows how it is shared out
purpose = {_quoted(purpose)}

[collect.documents]
from = {_quoted(str(folder))}

[clean]
steps = ["text", "html", "boilerplate", "quality", "language", "duplicates", "privacy"]
language.keep  = {str(keep).replace("'", '"')}
privacy.action = "mask"           # or "drop", "pseudonym"

[tokenizer]
vocabulary_size = {4096 if int(str(found["characters"])) > 3_000_000 else 2048}

# [model] depth = 6               # leave it out and the budget decides

[finetune.chat]                   # questions and answers from the documents' own structure
data = ["documents:sections", "documents:questions", "documents:abstracts", "samples:small_talk"]

[evaluate]
tasks = ["bits_per_byte", "small_talk"]
'''


def _counts(values: object) -> str:
    assert isinstance(values, dict)
    return ", ".join(f"{key} {count:,}" for key, count in values.items()) or "none"


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
