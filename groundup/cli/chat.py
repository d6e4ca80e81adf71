"""groundup chat MODEL"""

from __future__ import annotations

import argparse
import sys

from groundup.cli.output import add_seed, console_of

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

    from groundup.collect.samples.small_talk import OPENERS
    from groundup.generate.engine import Engine
    from groundup.generate.sampling import Sampling
    from groundup.model.bundle import load
    from groundup.pipeline import find_model

    console = console_of(options)
    folder = find_model(options.model)
    engine = Engine(load(folder, device=options.device))
    sampling = Sampling(max_tokens=options.max_tokens, temperature=options.temperature, seed=options.seed)
    start = [{"role": "system", "content": options.system}] if options.system else []
    messages = list(start)
    console.note(f"{folder}: {engine.bundle.model.num_parameters():,} parameters. An empty line ends.")
    console.note("try: " + "   ".join(OPENERS[:3]))
    while True:
        line = _ask("you: ")
        if not line.strip():
            return 0
        if line.strip() == "/new":
            messages = list(start)
            continue
        messages.append({"role": "user", "content": line.strip()})
        messages = _fit(engine, messages, len(start), options.max_tokens)
        made = engine.chat(messages, sampling)
        if options.json:
            print(json.dumps({"answer": made.text, "finish": made.finish}), flush=True)
        else:
            print(made.text, flush=True)
        messages.append({"role": "assistant", "content": made.text})


def _ask(prompt: str) -> str:
    if sys.stdin.isatty():
        try:
            return input(prompt)
        except EOFError:
            return ""
    return sys.stdin.readline()


def _fit(engine: object, messages: list[dict[str, str]], kept: int, max_tokens: int) -> list[dict[str, str]]:
    """Forget the oldest turns when the conversation no longer fits the model's context; the newest is always kept."""
    from groundup.generate.engine import Engine
    from groundup.tokenizer.chat import render

    assert isinstance(engine, Engine)
    room = engine.bundle.config.context_length - min(max_tokens, engine.bundle.config.context_length // 4)
    while len(messages) > kept + 1:
        ids = render(engine.bundle.tokenizer, messages, add_generation_prompt=True).ids
        if len(ids) <= room:
            break
        del messages[kept : kept + 2]
    return messages
