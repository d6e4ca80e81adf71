"""groundup chat MODEL"""

from __future__ import annotations

import argparse
import sys

from groundup.cli.output import add_seed, console_of
from groundup.core.errors import UsageError

HELP = """Talk to a model in the terminal. An empty line or Ctrl-D ends; /new forgets the conversation.

Input from a pipe is read line by line, each line one turn; answers go to stdout."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--system", default="", help="a system prompt")
    parser.add_argument("--max-tokens", type=int, default=128, help="the longest answer, in tokens")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is always the likeliest word")
    parser.add_argument("--device", default="auto")
    add_seed(parser)


def run(options: argparse.Namespace) -> int:
    import json

    from groundup.api import load
    from groundup.collect.samples.small_talk import OPENERS
    from groundup.generate.purpose import demand_writer
    from groundup.generate.sampling import Sampling
    from groundup.pipeline import find_model

    console = console_of(options)
    demand_writer(find_model(options.model), "chat")
    model = load(options.model, device=options.device)
    sampling = Sampling(max_tokens=options.max_tokens, temperature=options.temperature, seed=options.seed)
    start = [{"role": "system", "content": options.system}] if options.system else []
    messages = list(start)
    console.note(f"{model.folder}: {model.bundle.model.num_parameters():,} parameters. An empty line ends.")
    console.note("try: " + "   ".join(OPENERS))
    while line := _ask("you: ").strip():
        if line == "/new":
            messages = list(start)
            continue
        messages.append({"role": "user", "content": line})
        try:
            _, left_out = model.engine.chat_prompt(messages, sampling)
        except UsageError as error:  # one message too long for the model: the conversation goes on without it
            console.note(str(error))
            messages.pop()
            continue
        made = model.engine.chat(messages, sampling)
        if left_out:
            console.note(f"({left_out} old turns no longer fit the model's context)")
        print(json.dumps({"answer": made.text, "finish": made.finish}) if options.json else made.text, flush=True)
        messages.append({"role": "assistant", "content": made.text})
    return 0


def _ask(prompt: str) -> str:
    """One line; the empty text at the end of the input."""
    if sys.stdin.isatty():
        try:
            return input(prompt)
        except EOFError:
            return ""
    return sys.stdin.readline()
