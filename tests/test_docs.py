"""The documentation says what is so: links lead somewhere, commands parse, code runs, generated pages are fresh.

Conventions of the pages, invisible to readers, on the line before a fenced block:

    <!-- needs: runs/demo -->       the block runs beside a finished run at this place (the tiny one)
    <!-- needs: my_documents -->    the block runs beside a folder of two small documents
    <!-- not a recipe -->           the TOML block is not part of a recipe
    <!-- not run -->                the Python block only shows a shape
    <!-- takes long -->             anywhere on a page: its Python runs with the slow tests

The Python blocks of one page run one after the other in one process, as a reader would type them.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
TAUGHT = [path for path in PAGES if "reference" not in path.parts and "decisions" not in path.parts]
SPINE_LINES = 4500
COMMENT = re.compile(r"<!-- (.+?) -->\s*$")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line it begins on, the convention before it."""

    language: str
    text: str
    line: int
    convention: str


def blocks_of(page: Path) -> list[Block]:
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opening = re.match(r"```(\w*)\s*$", lines[number])
        if opening:
            end = lines.index("```", number + 1)
            before = COMMENT.match(lines[number - 1]) if number else None
            text = "\n".join(lines[number + 1 : end])
            found.append(Block(opening[1], text, number + 2, before[1] if before else ""))
            number = end
        number += 1
    return found


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```\s*$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


# ---- links


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose_of(page), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(\s*([^)\s]+)\s*\)", prose_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in anchors_of(place)):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", TAUGHT, ids=name_of)
def test_files_of_the_house_named_in_a_page_exist(page: Path) -> None:
    named = re.findall(r"`((?:groundup|tests|scripts|benchmarks)/[\w./-]+)`", prose_of(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_are_plain_ascii(page: Path) -> None:
    assert page.read_text(encoding="utf-8").isascii()


# ---- commands


class Strict(ArgumentParser):
    """A parser that raises instead of leaving."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def parser_of(verb: str) -> ArgumentParser:
    """The parser of one verb, as groundup.cli.main builds it."""
    module = importlib.import_module(f"groundup.cli.{verb}")
    parser = Strict(prog=f"groundup {verb}", allow_abbrev=False)
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    return parser


def commands_of(page: Path) -> list[str]:
    """Every ``groundup ...`` shown: lines of shell blocks, and spans of code in the prose."""
    lines = [line for block in blocks_of(page) if block.language == "sh" for line in block.text.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose_of(page))
    return [line.strip() for line in lines if line.strip().startswith("groundup ")]


@pytest.mark.parametrize("page", TAUGHT, ids=name_of)
def test_every_command_shown_is_one_that_parses(page: Path) -> None:
    from groundup.cli.main import verbs

    for command in commands_of(page):
        words = shlex.split(re.split(r" \.\.\.| > ", command)[0], comments=True)[1:]
        if words == ["--version"]:
            continue
        assert words and words[0] in verbs(), f"{command}: no such verb"
        if len(words) == 1:
            continue  # only named: `groundup explain`
        try:
            parser_of(words[0]).parse_args(words[1:])
        except ValueError as error:
            only_named = "required" in str(error) and len(words) == 2 and words[1].startswith("--")
            assert only_named, f"{command}: {error}"  # `groundup explain --sources`


@pytest.mark.parametrize("page", TAUGHT, ids=name_of)
def test_recipes_and_values_set_in_commands_are_valid(page: Path) -> None:
    from groundup.stages import RECIPES, read_recipe

    for command in commands_of(page):
        words = shlex.split(command, comments=True)
        assignments = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
        if words[1] in ("run", "plan") and len(words) > 2 and (RECIPES / f"{words[2]}.toml").is_file():
            read_recipe(words[2], [each for each in assignments if "=" in each and "FOLDER" not in each])


# ---- code


def toml_blocks() -> list[tuple[Path, Block]]:
    return [(page, block) for page in TAUGHT for block in blocks_of(page) if block.language == "toml"]


@pytest.mark.parametrize(("page", "block"), toml_blocks(), ids=lambda item: getattr(item, "stem", ""))
def test_every_toml_block_is_part_of_a_valid_recipe(page: Path, block: Block) -> None:
    from groundup.stages import recipe_from_text

    if block.convention == "not a recipe":
        tomllib.loads(block.text)
        return
    rest = 'name = "shown"\n' + block.text
    if "[collect." not in rest:
        rest += '\n[collect.stories]\nfrom = "samples:stories"\n'
    recipe_from_text(rest, name_of(page))


def python_pages() -> list[Any]:
    """The pages with code that runs; those that take long are marked slow."""
    found = []
    for page in TAUGHT:
        if any(block.language == "python" and block.convention != "not run" for block in blocks_of(page)):
            takes_long = "<!-- takes long -->" in page.read_text(encoding="utf-8")
            found.append(pytest.param(page, id=name_of(page), marks=[pytest.mark.slow] if takes_long else []))
    return found


@pytest.mark.parametrize("page", python_pages())
def test_the_python_of_a_page_runs_as_it_stands(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    code = []
    for block in blocks_of(page):
        if block.language != "python" or block.convention == "not run":
            continue
        if block.convention.startswith("needs: "):
            lay_out(block.convention.removeprefix("needs: "), tmp_path, request)
        code.append(f"# {name_of(page)}, line {block.line}\n{block.text}\n")
    (tmp_path / "page.py").write_text("\n".join(code), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]


def lay_out(need: str, folder: Path, request: pytest.FixtureRequest) -> None:
    """Put what a block needs into its folder."""
    place = folder / need
    if place.exists():
        return
    if need.startswith("runs/"):
        shutil.copytree(request.getfixturevalue("tiny_run"), place)
    else:
        place.mkdir(parents=True)
        (place / "returns.md").write_text(
            "# Returns\n\nHow long may a return take? You may return goods within 30 days.\n"
        )
        (place / "visits.txt").write_text(
            "The house is open from nine to five. Please ring the bell at the garden gate.\n"
        )


# ---- the house


def drawing() -> list[list[str]]:
    """The floors of the tour's drawing, from the top."""
    (block,) = [block for block in blocks_of(DOCS / "tour.md") if re.match(r"14  cli", block.text)]
    floors = []
    for line in block.text.splitlines():
        match = re.match(r"\s*(\d+)  (\w+(?: \| \w+)*)  +\S", line)
        assert match, line
        floors.append(match[2].split(" | "))
    assert [int(line.split()[0]) for line in block.text.splitlines()] == list(range(len(floors) - 1, -1, -1))
    return floors


def test_the_drawing_of_the_house_is_the_contract_of_the_linter() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers"]
    contract = [[room.strip(" ()").removeprefix("groundup.") for room in floor.split("|")] for floor in layers]
    assert [sorted(floor) for floor in drawing()] == [sorted(floor) for floor in contract]


def test_every_room_stands_in_the_drawing() -> None:
    rooms = {path.parent.name for path in (ROOT / "groundup").glob("*/__init__.py")} - {"recipes"}
    assert rooms <= {room for floor in drawing() for room in floor}


def test_the_spine_can_be_read_in_an_evening() -> None:
    tour = (DOCS / "tour.md").read_text()
    stops = re.findall(r"^\*Read\*(.*?)(?=^\*See\*)", tour, flags=re.M | re.S)
    files = {name for stop in stops for name in re.findall(r"`(groundup/[\w/]+\.py)`", stop)}
    assert len(stops) >= 10 and len(files) >= 30
    assert sum(len((ROOT / name).read_text().splitlines()) for name in files) <= SPINE_LINES


def test_every_stage_has_its_page_and_says_what_goes_in_and_out() -> None:
    from groundup.stages import STAGES

    for stage in STAGES:
        text = (DOCS / "stages" / f"{stage.folder}.md").read_text()
        for part in (
            "**Goes in.**",
            "**Comes out.**",
            "```sh",
            "stage.py" if stage.name != "release" else "release.py",
        ):
            assert part in text, f"{stage.folder}.md lacks {part}"


# ---- generated pages


def test_the_generated_pages_are_fresh() -> None:
    # In its own process: other tests register parts of their own, which are not the house's.
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "reference.py"), "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, f"{done.stderr}Run: make docs"


def test_every_dependency_states_its_licence_and_none_is_agpl() -> None:
    page = (DOCS / "licences.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    for requirement in declared:
        name = re.sub(r"[-_.]+", "-", re.split(r"[<>=\[;! ]", requirement)[0]).lower()
        assert name == "groundup" or f"| {name} |" in page, f"{name} is not in docs/licences.md: run make docs"
    for package in metadata.distributions():
        about = package.metadata
        stated = " ".join([about.get("License-Expression") or "", *(about.get_all("Classifier") or [])])
        assert "AGPL" not in stated and "Affero" not in stated, about["Name"]
