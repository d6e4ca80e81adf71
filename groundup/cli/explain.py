"""groundup explain MODEL"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from groundup.cli.output import show

HELP = """Where does a text come from? The spans of it that stand word for word in the training text, with their documents.

  groundup explain demo --sources --text "..."
  groundup explain demo --sources --prompt "Who are you?"      asks the model, then explains its answer"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--sources", action="store_true", required=True, help="which training documents")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--text", help="the text to explain")
    group.add_argument("--prompt", help="ask the model this, and explain its answer")
    parser.add_argument("--min-length", type=int, default=6, help="shortest span, in tokens")


def run(options: argparse.Namespace) -> int:
    from groundup.api import load

    model = load(options.model)
    text = options.text if options.text is not None else model.chat(options.prompt)
    spans = model.explain(text, min_length=options.min_length)
    lines = [f"answer: {text}", ""] if options.prompt else []
    for span in spans:
        times = "once" if span.count == 1 else f"{span.count:,} times"
        lines.append(f'"{span.text.strip()}"  stands {times} in the training text')
        for document in span.documents[:3]:
            licence = f", {document.licence}" if document.licence else ""
            lines.append(f"    {document.source}: {document.path}{licence}")
    if not spans:
        lines.append(f"No span of {options.min_length} or more tokens of this stands in the training text.")
    show(options, {"text": text, "spans": [asdict(span) for span in spans]}, "\n".join(lines))
    return 0
