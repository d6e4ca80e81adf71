"""samples:python: the running Python's own standard library: real documentation, docstrings and source code.

Three kinds of documents, told apart by `path`:
- ``topics/NAME``       the language reference that `help()` shows ("topics/assert")
- ``doc/MODULE``        the docstrings of one module, its classes and functions, in order
- ``source/PATH.py``    one source file as it is, meta ``{"format": "python"}``

Files are read and parsed, never imported. The licence of all of it is the Python Software Foundation's (PSF-2.0).
What is there depends on the Python version, so two machines may see different documents.
"""

from __future__ import annotations

import ast
import sysconfig
import tokenize
from collections.abc import Iterator
from pathlib import Path

from groundup.core.document import Document
from groundup.core.example import Example
from groundup.core.randomness import seed_for

LICENCE = "PSF-2.0"
MIN_DOCSTRINGS = 200  # characters: a module that says less is no document

# Tests and vendored or generated parts: not what a reader of the library would call its text.
SKIPPED_FOLDERS = {"site-packages", "dist-packages", "test", "tests", "idlelib", "__pycache__", "lib2to3", "turtledemo",
                   "pydoc_data", "_vendor", "_bundled", "encodings"}  # fmt: skip


def documents(name: str, count: int = 0, seed: int = 1, licence: str = "") -> Iterator[Document]:
    """Up to `count` documents (0: all) in an order that the seed decides."""
    places = [(kind, place) for kind, place in _places()]
    places.sort(key=lambda item: seed_for(seed, "python", *item))
    made = 0
    for kind, place in places:
        if count and made >= count:
            return
        text = _text(kind, place)
        if text:
            made += 1
            yield _document(kind, place, text, name, licence or LICENCE)


def examples(name: str, count: int, seed: int) -> dict[str, Iterator[Example]]:
    """None: this sample comes without gold answers."""
    return {}


def library_folder() -> Path:
    """Where this Python keeps its standard library."""
    return Path(sysconfig.get_paths()["stdlib"])


def _places() -> Iterator[tuple[str, str]]:
    """(kind, place) of everything that may become a document, in a fixed order."""
    folder = library_folder()
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder)
        if not SKIPPED_FOLDERS & set(place.parts[:-1]):
            yield "source", place.as_posix()
            yield "doc", place.as_posix()
    for topic in sorted(_topics()):
        yield "topics", topic


def _document(kind: str, place: str, text: str, name: str, licence: str) -> Document:
    if kind == "source":
        return Document(text, name, f"source/{place}", licence, meta={"format": "python"})
    path = f"topics/{place}" if kind == "topics" else f"doc/{_module_name(place)}"
    return Document(text, name, path, licence, language="en")


def _text(kind: str, place: str) -> str:
    if kind == "topics":
        return _topics()[place].strip()
    source = _read(library_folder() / place)
    return source if kind == "source" else _docstrings(source, _module_name(place))


def _read(path: Path) -> str:
    """The source as text, in the encoding that the file declares; "" where it cannot be read."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ""


def _docstrings(source: str, module: str) -> str:
    """The docstrings of a module, each under the name of what it documents; "" where there is little."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    parts = []
    for node, name in _documented(tree, module):
        text = ast.get_docstring(node)
        if text:
            parts.append(f"{name}\n\n{text}")
    joined = "\n\n".join(parts)
    return joined if len(joined) >= MIN_DOCSTRINGS else ""


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _documented(node: Documented, name: str) -> Iterator[tuple[Documented, str]]:
    yield node, name
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _documented(child, f"{name}.{child.name}")


def _module_name(place: str) -> str:
    parts = place.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _topics() -> dict[str, str]:
    """The texts behind `help("assert")`; some builds of Python come without them."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        return {}
    return dict(topics)
