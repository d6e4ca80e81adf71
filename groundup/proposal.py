"""From a folder of documents to a recipe for a model of them: what `groundup new` and the studio's Make page propose.

found = look(folder)                                    what is there: documents, kinds, languages, problems
text = recipe_text(name_of(folder), folder, "30m", "answers about our manuals", found)
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from groundup.collect.base import Problem
from groundup.collect.files import documents_of
from groundup.collect.options import SourceOptions
from groundup.language.identify import identify

LIMIT = 3000  # documents looked at: seconds, and enough to see what a folder holds; taste
IDENTIFIED = 200  # documents whose language is identified; taste
SMALL_CHARACTERS = 3_000_000  # below this a vocabulary of 4,096 would hold pieces met too rarely; taste
SHOWN_PROBLEMS = 20
MOST_SOURCES = 12  # subfolders that become sources of their own; more would only be a long recipe


@dataclass(frozen=True)
class Found:
    """What a folder holds, as far as it was looked at. complete: the look reached its end."""

    documents: int
    characters: int
    kinds: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    problems: int = 0
    problem_samples: list[dict[str, str]] = field(default_factory=list)  # {path, problem, detail}
    complete: bool = True


def name_of(folder: Path) -> str:
    """A recipe name from a folder's name: lower-case letters, digits and '_'."""
    return re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_")[:40] or "library"


def look(folder: Path, *, limit: int = LIMIT) -> Found:
    """Read up to `limit` documents below a folder (or of one file). DataError when it does not exist."""
    problems: list[Problem] = []
    kinds: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    documents = characters = 0
    for item in documents_of("documents", SourceOptions.model_validate({"from": str(folder.absolute())})):
        if isinstance(item, Problem):
            problems.append(item)
            continue
        documents += 1
        characters += len(item.text)
        kinds[str(item.meta.get("kind", "prose"))] += 1
        if documents <= IDENTIFIED:
            languages[identify(item.text[:2000])[0]] += 1
        if documents >= limit:
            break
    samples = [{"path": one.path, "problem": one.problem, "detail": one.detail} for one in problems[:SHOWN_PROBLEMS]]
    return Found(
        documents,
        characters,
        dict(kinds.most_common()),
        dict(languages.most_common(5)),
        len(problems),
        samples,
        documents < limit,
    )


def sources_in(folder: Path) -> dict[str, Path]:
    """The sources a recipe should name: each subfolder, so that scores are told apart by it; else the folder as one."""
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")] if folder.is_dir() else []
    named = {name_of(path).replace("_", "-"): path for path in entries if path.is_dir() and any(path.iterdir())}
    if 2 <= len(entries) == len(named) <= MOST_SOURCES:
        return named
    return {"documents": folder}


def recipe_text(name: str, folder: Path, budget: str, purpose: str, found: Found) -> str:
    """The commented recipe."""
    amount = f"{found.documents:,} documents, {found.characters / 1e6:.1f} million characters"
    more = "" if found.complete else " in the part looked at"
    sources = "".join(
        f"[collect.{source}]\nfrom = {_quoted(str(place))}\n\n" for source, place in sources_in(folder).items()
    ).rstrip("\n")
    keep = [language for language in found.languages if language] or ["en"]
    return f"""# groundup run {name}.toml
# Written by `groundup new` from {amount}{more}.
# Kinds: {_counts(found.kinds)}. Languages: {_counts(found.languages)}. Files that could not be read: {found.problems}.
name    = "{name}"
seed    = 1
budget  = "{budget}"                 # the whole run; `groundup plan {name}.toml` shows how it is shared out
purpose = {_quoted(purpose)}

{sources}

[clean]
steps = ["text", "html", "boilerplate", "quality", "language", "duplicates", "privacy"]
language.keep  = {_quoted(keep)}
privacy.action = "mask"           # or "drop", "pseudonym"

[tokenizer]
vocabulary_size = {4096 if found.characters > SMALL_CHARACTERS else 2048}

# [model] depth = 6               # leave it out and the budget decides

[finetune.chat]                   # questions and answers from the documents' own structure
data = ["documents:sections", "documents:questions", "documents:abstracts", "samples:small_talk"]

[evaluate]
tasks = ["bits_per_byte", "small_talk"]
"""


def _counts(values: dict[str, int]) -> str:
    return ", ".join(f"{key or 'unknown'} {count:,}" for key, count in values.items()) or "none"


def _quoted(value: str | list[str]) -> str:
    """TOML's basic strings and arrays are JSON's, but that JSON leaves DEL as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
