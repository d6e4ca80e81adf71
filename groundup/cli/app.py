"""groundup app NAME [TEXT]"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from groundup.cli.output import columns, console_of, show

HELP = """Use an application: search, support, writing, tutor or health. All work without training, on samples of their own.

  groundup app search "how long may a return take"       one question
  groundup app search --folder my_documents              your own documents; asks in the terminal
  groundup app support                                   a conversation; an empty line ends it
  groundup app writing "She dont like it."               corrections
  groundup app writing --do draft --with topic="the move" --with tone=friendly
  groundup app health --actions                          what it does, and what each thing asks for
  groundup app support --rows rows.jsonl                 what the recipe of the same name is tuned on
  groundup app support --export support.json             its data; --import takes it back
  groundup app tutor --evaluate --data FOLDER            measure it (FOLDER: public test data)
  groundup app search --card                             what was measured, and what it cannot do
  groundup app search TEXT --set encoder=minilm          an option of the application
  groundup app search TEXT --url http://127.0.0.1:8000/v1 --model NAME    with a bigger model behind it

Input from a pipe is read line by line, each line one turn of the conversation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("text", metavar="TEXT", nargs="?", help="one question (default: ask in the terminal)")
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="search: your documents; others: the folder that keeps the application's data "
        "(default: samples, in memory)",
    )
    parser.add_argument("--do", metavar="ACTION", help="carry out one action; --actions lists them")
    parser.add_argument(
        "--with",
        dest="values",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value of the action; KEY=@FILE reads it from a file",
    )
    parser.add_argument("--actions", action="store_true", help="list what the application does")
    parser.add_argument("--evaluate", action="store_true", help="measure it")
    parser.add_argument("--card", action="store_true", help="what was measured and what it cannot do, as Markdown")
    parser.add_argument(
        "--set", dest="options", action="append", default=[], metavar="KEY=VALUE", help="an option of the application"
    )
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="public test data for --evaluate (or GROUNDUP_REAL_DATA)"
    )
    parser.add_argument("--export", type=Path, metavar="FILE", help="write its data as JSON")
    parser.add_argument(
        "--rows", type=Path, metavar="FILE", help="write rows to tune a model on (with --data: public ones)"
    )
    parser.add_argument("--import", dest="take", type=Path, metavar="FILE", help="take in data that --export wrote")
    parser.add_argument("--url", default="", help="an OpenAI-compatible server with a bigger model")
    parser.add_argument("--model", default="groundup", help="the name of the model there")


def run(options: argparse.Namespace) -> int:
    from groundup.apps.base import names
    from groundup.core.errors import DataError, UsageError, near

    if options.name not in names():
        raise UsageError(f"Unknown application '{options.name}'.", repair=near(options.name, names()))
    if options.folder is not None and not options.folder.exists():
        raise DataError(f"{options.folder} does not exist.")
    console = console_of(options)
    with closing(_open(options, console)) as app:
        if options.take is not None:
            console.note(f"{options.take}: {app.import_data(_read(options.take))} taken in")
        if options.evaluate:
            return _evaluate(app, options)
        if options.card:
            from groundup.apps.card import facts, measured, section

            show(options, {**facts(app.name), "scores": measured(app.name), "limits": app.limits}, section(app))
            return 0
        if options.actions:
            return _list_actions(app, options)
        if options.rows is not None:
            from groundup.apps.rows import write

            console.note(f"{options.rows}: {write(app, options.rows, _data(options)):,} rows")
            return 0
        if options.export is not None:
            return _export(app, options, console)
        if options.do is not None:
            from groundup.apps.base import do

            _say(do(app, options.do, _values(options.values)), options)
        elif options.text is not None or options.take is None:
            _talk(app, options, console)
    return 0


def _talk(app: Any, options: argparse.Namespace, console: Any) -> None:
    if options.text is None:
        console.note(f"{app.name}: {app.purpose} An empty line ends.")
        console.note("try: " + "   ".join(one.splitlines()[0] for one in app.examples()))
    state: Any = None
    for text in [options.text] if options.text is not None else _turns():
        answer = app.ask(text, state)
        state = answer.state
        _say(answer, options)


def _open(options: argparse.Namespace, console: Any) -> Any:
    """The application; search over the user's own documents indexes them first, in memory."""
    from groundup.apps.base import open_app
    from groundup.apps.base import settings as settings_of
    from groundup.core.errors import DataError

    given = _values(options.options)
    if options.url:
        given |= {"generator_url": options.url, "generator_model": options.model}
    settings = settings_of(options.name, **given) if given else {}
    if options.name != "search" or options.folder is None:
        return open_app(options.name, options.folder, **settings)
    search = open_app("search", None, documents=options.folder, **settings)
    indexed: Any = search
    console.note(f"{options.folder}: {indexed.indexed}")
    if indexed.search.index.num_documents() == 0:
        raise DataError(
            f"{options.folder} holds no document that can be read here.", repair="Name a folder of text, or a run."
        )
    return search


def _evaluate(app: Any, options: argparse.Namespace) -> int:
    scores = app.evaluate(_data(options))
    rows = [
        (
            s.task,
            s.metric,
            f"{s.value:.3f}",
            f"{s.low:.3f} to {s.high:.3f}",
            s.n,
            "-" if s.baseline is None else f"{s.baseline:.3f} {s.baseline_name}",
        )
        for s in scores
    ]
    head = ("task", "metric", "value", "95 % interval", "n", "baseline")
    show(options, [vars(score) for score in scores], columns(rows, head=head))
    return 0


def _data(options: argparse.Namespace) -> Path | None:
    """The folder of public data that was named."""
    named = os.environ.get("GROUNDUP_REAL_DATA")
    return options.data or (Path(named) if named else None)


def _list_actions(app: Any, options: argparse.Namespace) -> int:
    rows = [(one.name, one.title, ", ".join(field.name for field in one.fields)) for one in app.actions()]
    value = [
        {"name": one.name, "title": one.title, "fields": [vars(field) for field in one.fields]} for one in app.actions()
    ]
    show(options, value, columns(rows, head=("action", "what it does", "values")))
    return 0


def _export(app: Any, options: argparse.Namespace, console: Any) -> int:
    from groundup.core.files import write_json

    write_json(options.export, {"app": app.name, "format": 1, "data": app.export_data()})
    console.note(f"{options.export}: written")
    return 0


def _read(path: Path) -> dict[str, Any]:
    """The data of an exported file."""
    from groundup.core.errors import DataError
    from groundup.core.files import read_json

    value = read_json(path)
    if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
        raise DataError(f"{path} is not a file that --export wrote.")
    data: dict[str, Any] = value["data"]
    return data


def _values(pairs: list[str]) -> dict[str, str]:
    """KEY=VALUE pairs; @FILE is read."""
    from groundup.core.errors import DataError, UsageError

    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"'{pair}' is not KEY=VALUE.")
        if value.startswith("@"):
            try:
                value = Path(value[1:]).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise DataError(f"{value[1:]} cannot be read: {error}.") from None
        values[key] = value
    return values


def _say(answer: Any, options: argparse.Namespace) -> None:
    from groundup.core.manifest import as_plain

    print(json.dumps(as_plain(plain(answer)), ensure_ascii=False) if options.json else words(answer), flush=True)


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
    """An answer as a person reads it: the text, what it rests on, what was done, what is suggested."""
    lines = [answer.text]
    for citation in answer.citations:
        quoted = " ".join(citation.text.split())
        lines.append(f"  [{citation.path}, characters {citation.start} to {citation.end}] {quoted[:160]}")
    for action in answer.actions:
        arguments = ", ".join(f"{key}={value}" for key, value in dict(action.get("arguments", {})).items())
        lines.append(f"  {'did' if action.get('done') else 'would do'}: {action.get('tool')}({arguments})")
    for edit in answer.edits:
        lines.append(f"  {edit['before'] or '(nothing)'} -> {edit['after'].strip() or '(nothing)'}: {edit['reason']}")
    for row in answer.rows:
        lines.append("  " + ", ".join(f"{key}: {value}" for key, value in row.items()))
    return "\n".join(lines)
