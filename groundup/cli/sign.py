"""groundup sign THING --key FILE"""

from __future__ import annotations

import argparse
from pathlib import Path

from groundup.cli.output import show

HELP = """Seal a model folder or a text, so that one changed byte shows:

  groundup sign runs/demo/8_release --key my.key            writes signature.json into the folder
  groundup sign answer.txt --key my.key --model demo        writes answer.txt.signature.json, which names the model
  groundup verify runs/demo/8_release --key my.key          nothing changed, and it was you

The key is made when its file does not exist. Keep it; whoever has it can make your seal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("thing", metavar="THING", type=Path, help="a folder or a file")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="your key; made when it does not exist")
    parser.add_argument("--model", metavar="MODEL", help="for a text: the model that wrote it, named in the seal")
    parser.add_argument("--note", default="", metavar="TEXT", help="what else the seal should say")


def run(options: argparse.Namespace) -> int:
    from groundup.audit.signature import name_of, open_key, sign
    from groundup.core.stage import content_of
    from groundup.pipeline import find_model

    about: dict[str, str] = {"note": options.note} if options.note else {}
    if options.model:
        folder = find_model(options.model)
        about |= {"model": folder.resolve().name, "model_content": content_of(folder)}
    key = open_key(options.key, make=True)
    seal = sign(options.thing, key, about)
    show(options, {"seal": str(seal), "key": name_of(key), "about": about}, f"sealed: {seal}  (key {name_of(key)})")
    return 0
