"""groundup studio [MODEL]"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import console_of

HELP = """Everything in the browser: make a model, watch it learn, talk to it, ask where an answer comes from.

Listens on this machine only (127.0.0.1) unless --host says otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", nargs="?", help="the model to open the chat with")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="the folder of runs (default runs)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--apps-url", default="", metavar="URL", help="an OpenAI-compatible server with a bigger model")
    parser.add_argument("--apps-model", default="groundup", metavar="NAME", help="the name of that model there")


def run(options: argparse.Namespace) -> int:
    from groundup.serve.api import serve

    console = console_of(options)
    console.note(f"studio: http://{options.host}:{options.port}/   (Ctrl-C ends)")
    bigger = {"apps_url": options.apps_url, "apps_model": options.apps_model} if options.apps_url else {}
    serve(options.runs, model=options.model, host=options.host, port=options.port, **bigger)
    return 0
