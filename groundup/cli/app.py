"""groundup app NAME [TEXT]"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from groundup.cli.output import console_of

HELP = """Use an application: support, tutor or search. They work without any training, on sample data of their own.

  groundup app search "how long may a return take"       one question
  groundup app search --folder my_documents              your own documents; asks in the terminal
  groundup app support                                   a conversation; an empty line ends it

Input from a pipe is read line by line, each line one turn of the conversation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("text", metavar="TEXT", nargs="?", help="one question (default: ask in the terminal)")
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="search: your documents; others: the folder that keeps the application's data (default: samples, in memory)",
    )


def run(options: argparse.Namespace) -> int:
    import json

    from groundup.apps.base import names
    from groundup.core.errors import DataError, UsageError, near
    from groundup.core.manifest import as_plain

    if options.name not in names():
        raise UsageError(f"Unknown application '{options.name}'.", repair=near(options.name, names()))
    if options.folder is not None and not options.folder.exists():
        raise DataError(f"{options.folder} does not exist.")
    console = console_of(options)
    with closing(_open(options.name, options.folder, console)) as app:
        if options.text is None:
            console.note(f"{app.name}: {app.purpose} An empty line ends.")
        state: Any = None
        for text in [options.text] if options.text is not None else _turns():
            answer = app.ask(text, state)
            state = answer.state
            print(
                json.dumps(as_plain(plain(answer)), ensure_ascii=False) if options.json else words(answer), flush=True
            )
    return 0


def _open(name: str, folder: Path | None, console: Any) -> Any:
    """The application; search over the user's own documents indexes them first, in memory."""
    from groundup.apps.base import open_app
    from groundup.apps.search.app import SearchApp
    from groundup.core.errors import DataError

    if name != "search" or folder is None:
        app = open_app(name, folder)
        console.note("try: " + "   ".join(app.examples()))
        return app
    search = SearchApp(documents=folder)
    console.note(f"{folder}: {search.indexed}")
    if search.search.index.num_documents() == 0:
        raise DataError(f"{folder} holds no document that can be read here.", repair="Name a folder of text, or a run.")
    return search


def _turns() -> Iterator[str]:
    """Lines until an empty one or the end of the input."""
    while True:
        if sys.stdin.isatty():
            try:
                line = input("you: ")
            except EOFError:
                return
        else:
            line = sys.stdin.readline()
        if not line.strip():
            return
        yield line.strip()


def plain(answer: Any) -> dict[str, Any]:
    """An answer as JSON values."""
    return {**vars(answer), "citations": [vars(citation) for citation in answer.citations]}


def words(answer: Any) -> str:
    """An answer as a person reads it: the text, what it rests on, what was done."""
    lines = [answer.text]
    for citation in answer.citations:
        quoted = " ".join(citation.text.split())
        lines.append(f"  [{citation.path}, characters {citation.start} to {citation.end}] {quoted[:160]}")
    for action in answer.actions:
        arguments = ", ".join(f"{key}={value}" for key, value in dict(action.get("arguments", {})).items())
        lines.append(f"  {'did' if action.get('done') else 'would do'}: {action.get('tool')}({arguments})")
    return "\n".join(lines)
