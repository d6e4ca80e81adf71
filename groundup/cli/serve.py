"""groundup serve MODEL"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import console_of
from groundup.core.errors import UsageError

HELP = """An OpenAI-compatible server: /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models.

Listens on this machine only, and serves the models that are named and nothing else; for pages and runs: groundup studio.
For others to reach it, make a key first; --host then asks everybody for one:

  groundup serve demo --new-key website --role chat --requests-per-minute 20
  groundup serve demo --host 0.0.0.0"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from groundup.serve.keys import add_arguments as add_key_arguments

    parser.add_argument("models", metavar="MODEL", nargs="+", help="one model or several")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument(
        "--adapter", action="append", default=[], metavar="NAME=FOLDER", help="a LoRA adapter of the first model"
    )
    parser.add_argument("--weights", choices=("fp32", "bf16", "int8", "int4"), default="fp32")
    parser.add_argument("--guess", type=int, default=0, metavar="N", help="look up N tokens ahead in the text so far")
    parser.add_argument("--deadline", type=float, default=600.0, metavar="SECONDS", help="an answer ends after so long")
    parser.add_argument("--policy", metavar="FILE", default="", help="refuse and hide what this policy file names")
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="ask everybody for one of its keys")
    parser.add_argument("--new-key", metavar="NAME", help="make a key, print it once, and stop")
    add_key_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from groundup.serve.keys import default_file, make_and_tell

    limits = (options.requests_per_minute, options.tokens_per_minute, options.at_once)
    if options.new_key:
        make_and_tell(options.key_file or default_file(), options.new_key, options)
        return 0
    if any(limits) or options.role != "all":
        raise UsageError("--role and limits belong to a new key.", repair="Add --new-key NAME.")
    return _serve(options)


def _serve(options: argparse.Namespace) -> int:
    from groundup.generate.purpose import demand_writer
    from groundup.pipeline import RUNS, find_model
    from groundup.serve.api import serve

    console = console_of(options)
    for model in options.models:  # an unknown name stops here, with the names there are
        demand_writer(find_model(model), "serve")
    if options.weights in ("int8", "int4"):
        _tell_loss(options, console)
    names = ", ".join(options.models)
    console.note(f"serving {names}: http://{options.host}:{options.port}/v1   (Ctrl-C ends)")
    serve(
        Path(RUNS),
        model=options.models if len(options.models) > 1 else options.models[0],
        host=options.host,
        port=options.port,
        studio=False,
        key_file=options.key_file,
        adapters=_adapters(options.adapter),
        weights=options.weights,
        guess_tokens=options.guess,
        deadline_seconds=options.deadline,
        policy=options.policy,
    )
    return 0


def _adapters(given: list[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for one in given:
        name, equals, folder = one.partition("=")
        if not equals or not name or name in found:
            raise UsageError(f"--adapter {one}: an adapter is named once, as NAME=FOLDER.")
        place = Path(folder)
        found[name] = place / "adapter" if (place / "adapter").is_dir() else place
    return found


def _tell_loss(options: argparse.Namespace, console: object) -> None:
    """What rounded weights cost, in bits per byte, where the run's held-out text is at hand."""
    from groundup.cli.precision import loss_of

    console.note(loss_of(options.models[0], options.weights))  # type: ignore[attr-defined]
