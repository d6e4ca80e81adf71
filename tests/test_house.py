"""The house keeps its walls: light imports, rooms alike, no pickle, no code from data, no drawers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "groundup"
SOURCES = sorted(HOUSE.rglob("*.py"))
ROOMS = sorted(path.name for path in HOUSE.iterdir() if (path / "__init__.py").is_file())


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}\nprint(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_nothing_large() -> None:
    loaded = modules_after("import groundup")
    assert not loaded & {"torch", "numpy", "pyarrow", "pydantic", "fastapi", "transformers", "tokenizers"}


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "recipes"])
def test_the_table_of_contents_of_a_room_is_light(room: str) -> None:
    assert not modules_after(f"import groundup.{room}") & {"torch", "pyarrow", "fastapi", "tokenizers"}


def test_the_recipe_is_read_without_torch() -> None:
    assert "torch" not in modules_after("from groundup.stages import read_recipe; read_recipe('demo')")


def test_help_is_shown_before_anything_large_is_loaded() -> None:
    # Its time is measured by benchmarks/; here: what would make it slow is not there.
    loaded = modules_after(
        "from groundup.cli.main import main; import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()): main([])"
    )
    assert not loaded & {"torch", "numpy", "pydantic", "rich", "fastapi"}


def test_the_ten_public_names_are_there() -> None:
    import groundup

    assert len(groundup.__all__) == 10
    assert all(getattr(groundup, name) is not None for name in groundup.__all__)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_no_pickle_no_eval_no_shell(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            assert not {"pickle", "marshal", "shelve", "dill", "joblib"} & {name.split(".")[0] for name in names}
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name):
                assert called.id not in ("eval", "exec"), f"line {node.lineno}"
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
                assert (called.value.id, called.attr) not in (("torch", "load"), ("torch", "save"), ("os", "system"))
            for keyword in node.keywords:
                is_true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
                assert not (keyword.arg == "shell" and is_true), f"line {node.lineno}"


def test_no_drawers_and_no_names_of_the_standard_library() -> None:
    stems = {path.stem for path in SOURCES}
    assert not stems & {"utils", "helpers", "common", "manager", "misc"}
    shadowing = stems & set(sys.stdlib_module_names) - {"__init__", "__main__"}
    # Inside packages these are reached as groundup.x.y only; names that a script could shadow are refused.
    assert not shadowing & {"tokenize", "types", "io", "csv", "json", "random", "code", "logging", "token", "inspect"}


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path.relative_to(HOUSE)) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_source_is_ascii_where_it_can_be() -> None:
    # Text processing needs the characters it is about, in data tables; the language rooms and samples hold them.
    allowed = ("language", "samples", "clean", "search", "serve", "report", "apps")
    odd = [
        str(path.relative_to(HOUSE))
        for path in SOURCES
        if not path.read_text(encoding="utf-8").isascii() and not set(path.relative_to(HOUSE).parts) & set(allowed)
    ]
    assert odd == []
