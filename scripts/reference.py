"""Writes the generated pages of the documentation; `make docs` calls it, tests/test_docs.py checks that they are fresh.

    docs/reference/command.md           every verb of the command with its arguments
    docs/reference/recipe.md            every key of a recipe: type, default, meaning
    docs/reference/recipe.schema.json   the same as a JSON schema, for editors
    docs/reference/names.md             every registered name: what may stand in a recipe
    docs/reference/http.md              every address of the server and the studio
    docs/licences.md                    the licence of every dependency, from the installed packages

    python scripts/reference.py              writes them (docs/licences.md too)
    python scripts/reference.py --check      exits 1 and names the stale ones

Pages do not depend on the width of a terminal or the version of argparse. docs/licences.md depends on what is
installed, so `--check` leaves it alone.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import io
import json
import sys
import textwrap
import tokenize
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
GENERATED = "<!-- Written by scripts/reference.py; change the code it reads, then run: make docs -->"


def pages() -> dict[Path, str]:
    """Path -> text of every page whose content follows from this repository alone."""
    return {
        REFERENCE / "command.md": command_page(),
        REFERENCE / "recipe.md": recipe_page(),
        REFERENCE / "recipe.schema.json": schema_page(),
        REFERENCE / "names.md": names_page(),
        REFERENCE / "http.md": http_page(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or with --check say which are stale."""
    parser = argparse.ArgumentParser(description="Write the generated pages of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args(arguments).check
    stale = []
    wanted = pages()
    if not check:
        from licences import licences_page  # beside this file

        wanted[ROOT / "docs" / "licences.md"] = licences_page()
    for path, text in wanted.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"{'stale' if check else 'written'}: {', '.join(stale)}", file=sys.stderr)
    return 1 if check and stale else 0


# ---- the command


def parser_of(verb: str) -> argparse.ArgumentParser:
    """The parser of one verb, as groundup.cli.main builds it."""
    module = importlib.import_module(f"groundup.cli.{verb}")
    parser = argparse.ArgumentParser(prog=f"groundup {verb}", description=module.HELP, allow_abbrev=False)
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress and notes on stderr")
    return parser


def command_page() -> str:
    """The help screen, then one section a verb."""
    from groundup.cli.main import screen, verbs

    parts = [GENERATED, "# The command", "```text\n" + screen() + "\n```"]
    parts.append(
        "Exit codes: 0 done, 1 failure, 2 usage, 130 interrupted. Results go to stdout, progress and notes to stderr. "
        "`--json` (the result as JSON) and `--quiet` (no progress, no notes) are understood by every verb."
    )
    for verb in verbs():
        parser = parser_of(verb)
        call, _ = verbs()[verb]
        words = (parser.description or "").strip()
        parts += [f"## groundup {call}", prose(words), table(["argument", "default", "meaning"], arguments_of(parser))]
    return "\n\n".join(part for part in parts if part) + "\n"


def prose(words: str) -> str:
    """A help text as Markdown: indented paragraphs are commands, the others are joined to lines."""
    parts = []
    for block in words.split("\n\n"):
        indented = all(line.startswith("  ") for line in block.split("\n"))
        parts.append("```sh\n" + textwrap.dedent(block) + "\n```" if indented else " ".join(block.split()))
    return "\n\n".join(parts)


def arguments_of(parser: argparse.ArgumentParser) -> list[list[str]]:
    """A row per argument, without --help, --json and --quiet, which all verbs share."""
    rows = []
    for action in parser._actions:
        if action.dest in ("help", "json", "quiet"):
            continue
        takes = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
        name = ", ".join(action.option_strings) + takes if action.option_strings else str(action.metavar or action.dest)
        shown = action.default is not None and action.default not in ("", []) and action.nargs != 0
        default = str(action.default) if shown else "required" if action.required and action.nargs != "*" else ""
        rows.append([f"`{name}`", default, action.help or ""])
    return rows


# ---- the recipe


def recipe_page() -> str:
    """A section per table of the recipe, in story order."""
    from groundup.stages import Recipe

    parts = [
        GENERATED,
        "# The recipe",
        "One TOML file tells the story of one model. Every line has a default; the shortest valid recipe has a name and "
        "one source. An unknown table, name or key stops the run before any work, with the line and the nearest name. "
        "Editors can use [recipe.schema.json](recipe.schema.json).",
        "## The top of the file",
        options_table(Recipe, skip_tables=True),
    ]
    for name, info in Recipe.model_fields.items():
        for title, options in tables_of(name, info.annotation):
            parts += [f"## {title}", first_paragraph(options), options_table(options, skip_tables=True)]
    return "\n\n".join(part for part in parts if part) + "\n"


def tables_of(name: str, annotation: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """(heading, options class) of a table and, after it, of the tables inside it."""
    from groundup.finetune.options import FinetuneOptions, StepOptions

    found = options_in(annotation)
    if found is None:
        return
    if typing.get_origin(annotation) is dict:
        yield f"`[{name}.NAME]`", found
        return
    yield f"`[{name}]`", found
    if found is FinetuneOptions:
        yield f"`[{name}.NAME]`", StepOptions
    for field, info in found.model_fields.items():
        yield from tables_of(f"{name}.{info.alias or field}", info.annotation)


def options_in(annotation: Any) -> type[BaseModel] | None:
    """The options class in an annotation such as ``Table``, ``Table | None`` or ``dict[str, Table]``; else None."""
    for choice in (annotation, *typing.get_args(annotation)):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None


def options_table(options: type[BaseModel], *, skip_tables: bool) -> str:
    """Key, type, default and meaning of every field."""
    comments = comments_of(options)
    rows = []
    for name, info in options.model_fields.items():
        if skip_tables and options_in(info.annotation) is not None:
            continue
        meaning = [text for text in (info.description, comments.get(name)) if text]
        rows.append([f"`{info.alias or name}`", type_of(info), default_of(info), sentences(meaning)])
    return table(["key", "type", "default", "meaning and origin"], rows)


def sentences(parts: list[str]) -> str:
    """Texts one after the other, each begun with a capital and ended with a stop where another follows."""
    joined = parts[0] if parts else ""
    for part in parts[1:]:
        joined += (" " if joined.endswith(".") else ". ") + part[:1].upper() + part[1:]
    return joined


def comments_of(options: type[BaseModel]) -> dict[str, str]:
    """Field -> the comment that stands above it and behind it, from the class and its bases."""
    found: dict[str, str] = {}
    for cls in reversed(options.__mro__):
        if cls in (object, BaseModel) or not cls.__module__.startswith("groundup."):
            continue
        source = textwrap.dedent(inspect.getsource(cls))
        comments = {
            token.start[0]: (token.string.lstrip("# ").rstrip(), token.line.lstrip().startswith("#"))
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT
        }
        for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            lines = []
            above = node.lineno - 1
            while above in comments and comments[above][1]:
                lines.insert(0, comments[above][0])
                above -= 1
            last = node.end_lineno or node.lineno
            lines += [comments[line][0] for line in range(node.lineno, last + 1) if line in comments]
            text = " ".join(line for line in lines if line and not line.startswith(("noqa", "type:", "fmt:")))
            if text:
                found[node.target.id] = text
    return found


def type_of(info: FieldInfo) -> str:
    """The type in a recipe's words."""
    words = in_words(info.annotation)
    low = next((f"from {item.ge}" for item in info.metadata if getattr(item, "ge", None) is not None), "")
    low = low or next((f"above {item.gt}" for item in info.metadata if getattr(item, "gt", None) is not None), "")
    high = next((f"to {item.le}" for item in info.metadata if getattr(item, "le", None) is not None), "")
    high = high or next((f"below {item.lt}" for item in info.metadata if getattr(item, "lt", None) is not None), "")
    return " ".join(part for part in (words, low, high) if part)


def in_words(annotation: Any) -> str:
    """``int | None`` -> "whole number"; ``Literal["a", "b"]`` -> "a" or "b"."""
    names = {int: "whole number", float: "number", str: "text", bool: "true or false", Path: "path"}
    if annotation in names:
        return names[annotation]
    origin, choices = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(json.dumps(choice) for choice in choices)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(in_words(choice) for choice in choices if choice is not type(None))
    if origin in (list, tuple):
        inner = [choice for choice in choices if choice is not Ellipsis]
        if origin is tuple and Ellipsis not in choices:
            return f"{len(inner)} times {in_words(inner[0])}"
        return f"list of {in_words(inner[0])}" if inner else "list"
    if origin is dict:
        return f"table: {in_words(choices[0])} = {in_words(choices[1])}"
    return getattr(annotation, "__name__", str(annotation))


def default_of(info: FieldInfo) -> str:
    """The default as TOML; empty where there is none and the house decides."""
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return ""
    return f"`{toml(value)}`"


def toml(value: Any) -> str:
    """One value as it would be written in a recipe."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(str(value)) if isinstance(value, str | Path) else str(value)


def first_paragraph(cls: type) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())


def schema_page() -> str:
    """The JSON schema of a recipe."""
    from groundup.stages import Recipe

    schema = Recipe.model_json_schema(by_alias=True)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=1) + "\n"


# ---- names


def names_page() -> str:
    """Every registered name and where a recipe or command uses it."""
    parts = [
        GENERATED,
        "# Registered names",
        "What may stand where. A name that is misspelt stops the run with this list and the nearest name.",
    ]
    for title, use, names in name_lists():
        parts += [f"## {title}", use, ", ".join(f"`{name}`" for name in names)]
    return "\n\n".join(parts) + "\n"


def name_lists() -> Iterator[tuple[str, str, Iterable[str]]]:
    """(kind, where it is used, names)."""
    from groundup.apps.base import names as apps
    from groundup.audit.options import FINDINGS
    from groundup.audit.options import FORMATS as RELEASE_FORMATS
    from groundup.clean import filters
    from groundup.clean.base import step_names
    from groundup.clean.filters.measure import FILTERS
    from groundup.collect import formats
    from groundup.collect.base import FORMATS
    from groundup.collect.samples import EFFECTS, SAMPLES
    from groundup.evaluate.catalogue import task_names
    from groundup.finetune.data import DERIVED
    from groundup.finetune.options import StepOptions
    from groundup.model.families import families
    from groundup.model.layers.feedforward import feedforwards
    from groundup.model.layers.norm import norms
    from groundup.model.layers.places import places
    from groundup.stages import NAMES, RECIPES
    from groundup.tokenizer.options import TokenizerOptions
    from groundup.train.options import OptimizerOptions

    filters.load()
    formats.load()
    yield "Recipes", "`groundup run NAME`", sorted(path.stem for path in RECIPES.glob("*.toml"))
    yield "Stages", "`groundup run RECIPE STAGE ...`", NAMES
    yield "Samples", '`[collect.NAME] from = "samples:NAME"`', SAMPLES
    yield "Planted effects", '`[collect.NAME] plant = ["NAME"]` (samples only)', EFFECTS
    yield (
        "File formats",
        "`[collect.NAME] from = FOLDER`: suffixes that are read",
        [name or "(none)" for name in sorted(FORMATS)],
    )
    yield "Clean steps", '`[clean] steps = ["NAME"]`', step_names()
    yield "Quality filters", '`[clean] quality.filters = ["NAME"]`', FILTERS
    yield "Tokenizer kinds", '`[tokenizer] kind = "NAME"`', choices_of(TokenizerOptions, "kind")
    yield "Model families", '`[model] family = "NAME"`', families
    yield "Norms", '`[model] norm = "NAME"` (family custom, encoder_decoder)', norms
    yield "Positions", '`[model] position = "NAME"` (family custom, encoder_decoder)', places
    yield "Feed-forwards", '`[model] feedforward = "NAME"` (family custom, encoder_decoder)', feedforwards
    yield "Tuning methods", '`[finetune.STEP] method = "NAME"`', choices_of(StepOptions, "method")
    yield "Optimizers", '`[pretrain] optimizer = "NAME"`', choices_of(OptimizerOptions, "optimizer")
    yield "Schedules", '`[pretrain] schedule = "NAME"`', choices_of(OptimizerOptions, "schedule")
    yield "Derived examples", '`[finetune.STEP] data = ["documents:NAME"]`', DERIVED
    yield "Evaluation tasks", '`[evaluate] tasks = ["NAME"]`', task_names()
    yield "Audit checks", '`[audit] checks = ["NAME"]`', FINDINGS
    findings = [finding for made in FINDINGS.values() for finding in made]
    yield "Findings", "`[audit] limits = { NAME = 0.1 }`", findings
    yield "Release formats", '`[release] formats = ["NAME"]`', RELEASE_FORMATS
    yield "Applications", "`groundup app NAME`", apps()


def choices_of(options: type[BaseModel], field: str) -> tuple[str, ...]:
    """The words that a field allows."""
    return typing.get_args(options.model_fields[field].annotation)


# ---- addresses


def http_page() -> str:
    """Method, address and meaning of every route, from the server's own schema."""
    import tempfile

    from groundup.serve.api import create_app

    with tempfile.TemporaryDirectory() as folder:
        paths = create_app(Path(folder)).openapi()["paths"]
    rows = []
    for address, methods in sorted(paths.items()):
        for method, about in methods.items():
            words = " ".join((about.get("description") or "").split("\n\n")[0].split())
            rows.append([f"`{method.upper()} {address}`", words])
    groups = {
        "For programs: the OpenAI-compatible addresses": lambda row: " /v1/" in row[0],
        "For the studio's pages": lambda row: " /api/" in row[0],
        "Pages and probes": lambda row: " /v1/" not in row[0] and " /api/" not in row[0],
    }
    parts = [
        GENERATED,
        "# Addresses",
        "What `groundup serve MODEL` (the first table and the probes) and `groundup studio` (all of it) answer. The exact "
        "fields stand in the schema that a running server gives at `/openapi.json`.",
    ]
    for title, belongs in groups.items():
        parts += [f"## {title}", table(["address", "meaning"], [row for row in rows if belongs(row)])]
    return "\n\n".join(parts) + "\n"


# ---- shared


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; empty when there are no rows."""
    if not rows:
        return ""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *cells]]
    return "\n".join(line.replace("  |", " |") for line in lines)


if __name__ == "__main__":
    sys.exit(main())
