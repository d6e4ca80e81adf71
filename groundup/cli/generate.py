"""groundup generate MODEL"""

from __future__ import annotations

import argparse
import sys

from groundup.cli.output import add_seed, show

HELP = """Continue a prompt (from --prompt or standard input) and print the text."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--prompt", help="the text to continue (default: standard input)")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--temperature", type=float, default=0.8, help="0 is always the likeliest word")
    parser.add_argument("--top-k", type=int, default=0, help="sample among the k likeliest (0: all)")
    parser.add_argument("--top-p", type=float, default=1.0, help="sample among the likeliest that make up this share")
    parser.add_argument("--stop", action="append", default=[], help="end before this text (repeat for more)")
    parser.add_argument("--device", default="auto")
    add_seed(parser)


def run(options: argparse.Namespace) -> int:
    from groundup.api import load
    from groundup.generate.sampling import Sampling

    prompt = options.prompt if options.prompt is not None else sys.stdin.read().removesuffix("\n")
    model = load(options.model, device=options.device)
    sampling = Sampling(
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        stop=tuple(options.stop),
        seed=options.seed,
    )
    ids = [model.tokenizer.special["<|endoftext|>"], *model.tokenizer.encode(prompt)]
    made = model.engine.generate([ids], sampling)[0]
    show(
        options,
        {"prompt": prompt, "text": made.text, "finish": made.finish, "tokens": len(made.ids)},
        prompt + made.text,
    )
    return 0
