"""The wheel holds what is ours and all that a run needs, and works where the repository is not."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGEST_WHEEL_BYTES = 3_000_000
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed: pip install 'groundup[test]'"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"groundup"}
    assert not [name for name in names if name.endswith((".pyc", ".so", ".ipynb", ".bin", ".png", ".parquet"))]
    assert wheel.stat().st_size < LARGEST_WHEEL_BYTES


def test_the_wheel_holds_every_file_of_the_package(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("groundup/")}
    here = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "groundup").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == here
    for needed in ("recipes/demo.toml", "serve/studio/index.html", "evaluate/tasks/piqa.toml", "py.typed"):
        assert f"groundup/{needed}" in packed


def test_the_wheel_states_licence_python_and_command(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (meta,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    assert "License-Expression: Apache-2.0" in meta and "Requires-Python: >=3.11" in meta
    assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())
    (entries,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/entry_points.txt"))
    assert "groundup = groundup.cli.main:main" in entries


def test_the_sdist_can_be_built_and_tested_again(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version in sdist.name
    assert {"pyproject.toml", "README.md", "LICENSE", "groundup/__init__.py", "tests/conftest.py"} <= names
    assert not [name for name in names if name.startswith(("runs/", ".venv", "site/"))]


@pytest.mark.slow
def test_an_installed_wheel_makes_a_model_away_from_the_repository(built: Path, tmp_path: Path) -> None:
    """A new environment: our wheel, and of this one only the other packages (what pip would have brought)."""
    place = tmp_path / "env"
    venv.create(place, with_pip=False)
    (packages,) = place.glob("lib/python*/site-packages")
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(packages)
    # A path in a .pth file is searched, but the .pth files in it are not obeyed: not our own editable install.
    (packages / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    python = place / "bin" / "python"
    home = tmp_path / "somewhere else"
    home.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "OMP_NUM_THREADS": "1"}

    def groundup(*arguments: str, code: int = 0) -> str:
        command = [str(python), "-m", "groundup", *arguments]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == code, done.stderr[-2000:]
        return done.stdout

    where = subprocess.run(
        [str(python), "-c", "import groundup; print(groundup.__file__)"], cwd=home, env=environment, capture_output=True
    )
    assert str(packages) in where.stdout.decode()
    groundup("run", "tiny", "--quiet")
    assert json.loads(groundup("verify", "tiny", "--json"))
    assert groundup("generate", "tiny", "--prompt", "Once", "--quiet")
    assert "torch" in json.loads(groundup("doctor", "--json"))
    assert "studio" in groundup("studio", "--help")
    studio = subprocess.Popen(
        [str(python), "-m", "groundup", "studio", "tiny", "--port", "18765"],
        cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        page = b""
        for _ in range(300):
            try:
                page = urllib.request.urlopen("http://127.0.0.1:18765/", timeout=5).read()
                break
            except OSError:
                assert studio.poll() is None
                time.sleep(0.2)
        assert b"<title>" in page
    finally:
        studio.terminate()
        studio.wait(timeout=30)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("GROUNDUP_PACKAGE_INDEX"), reason="GROUNDUP_PACKAGE_INDEX=1 allows downloads")
def test_the_lowest_declared_versions_and_the_oldest_torch_make_a_model(built: Path, tmp_path: Path) -> None:
    """Needs a package index, hence asked for: GROUNDUP_PACKAGE_INDEX=1 make test-all."""
    place = tmp_path / "env"
    venv.create(place, with_pip=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "--prefer-binary"]
    (wheel,) = built.glob("*.whl")
    subprocess.run([*pip, "-c", str(ROOT / "constraints" / "lowest.txt"), str(wheel)], check=True, timeout=1800)
    done = subprocess.run(
        [str(place / "bin" / "groundup"), "run", "tiny", "--quiet"],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
