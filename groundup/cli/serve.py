"""groundup serve MODEL"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import console_of

HELP = """An OpenAI-compatible server for one model: /v1/chat/completions, /v1/completions, /v1/models.

Listens on this machine only. The studio's pages and runs are not served; for those: groundup studio MODEL"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)


def run(options: argparse.Namespace) -> int:
    from groundup.pipeline import RUNS, find_model
    from groundup.serve.api import serve

    find_model(options.model)  # an unknown name stops here, with the names there are
    console_of(options).note(f"serving {options.model}: http://{options.host}:{options.port}/v1   (Ctrl-C ends)")
    serve(Path(RUNS), model=options.model, host=options.host, port=options.port, studio=False)
    return 0
