"""The wheel holds what is ours and all that a run needs, and works where the repository is not."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
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
LARGEST_WHEEL_BYTES = 4_000_000  # 2.7 MB in November 2026: code 1.1, two small models 1.5
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
    for needed in (
        "recipes/demo.toml",
        "serve/studio/index.html",
        "serve/studio/style.css",
        "evaluate/tasks/piqa.toml",
        "language/names.safetensors.zst",
        "apps/writing/english.safetensors.zst",
        "py.typed",
    ):
        assert f"groundup/{needed}" in packed
    for kind in ("apps/health/passages/*.md", "recipes/*.toml", "serve/studio/*.js", "**/*.txt"):
        assert any(Path(name).match(f"groundup/{kind}") for name in packed), f"no {kind}"
    # Code, tables and texts, pages, two small models: a new kind of file is looked at before it is shipped.
    kinds = {".py", ".toml", ".md", ".txt", ".json", ".html", ".js", ".css", ".svg", ".zst", ".typed"}
    assert {Path(name).suffix for name in packed} <= kinds


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
    facts = json.loads(groundup("doctor", "--json"))
    assert "torch" in facts and facts["groundup"]["found"] in wheel.name
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


def interpreter(version: str) -> str:
    """The Python of this version, or the test is skipped."""
    for name in (sys.executable, shutil.which(f"python{version}")):
        if name:
            asked = subprocess.run(
                [name, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True
            )
            if asked.stdout.decode().strip() == version:
                return name
    pytest.skip(f"Python {version} is not on this machine")


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("GROUNDUP_PACKAGE_INDEX"), reason="GROUNDUP_PACKAGE_INDEX=1 allows downloads")
@pytest.mark.parametrize(
    ("version", "constraints"),
    [("3.11", "lowest.txt"), ("3.12", "cpu.txt"), ("3.13", "")],
    ids=["lowest-versions", "shipped-torch", "newest-versions"],
)
def test_pip_installs_the_wheel_and_it_makes_a_model(
    version: str, constraints: str, built: Path, tmp_path: Path
) -> None:
    """Every end of the declared ranges. Needs a package index and up to 5 GB, hence asked for:
    ``GROUNDUP_PACKAGE_INDEX=1 make test-all``."""
    place = tmp_path / "env"
    subprocess.run([interpreter(version), "-m", "venv", str(place)], check=True, timeout=600)
    (wheel,) = built.glob("*.whl")
    limits = ["-c", str(ROOT / "constraints" / constraints)] if constraints else []
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "--prefer-binary", "--no-compile", *limits]
    subprocess.run([*pip, str(wheel)], check=True, timeout=3000)
    environment = {"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    for arguments in (["run", "tiny", "--quiet"], ["verify", "tiny"], ["doctor"]):
        command = [str(place / "bin" / "groundup"), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr[-2000:]
