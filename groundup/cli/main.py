"""The command `groundup`: one calm screen, one file a verb, errors without tracebacks.

Exit codes: 0 done, 1 failure, 2 usage, 130 interrupted. stdout holds the result, stderr progress and errors.
Nothing heavy is imported before a verb runs: help shows in a fraction of a second.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import json
import os
import sys
from collections.abc import Sequence

from groundup.core.errors import GroundupError, near

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Make": {
        "new": ("new FOLDER", "look at documents, write a recipe      try first: groundup run demo"),
        "plan": ("plan RECIPE", "check it; size, time, memory, cost before the start"),
        "run": ("run RECIPE [STAGE ...]", "collect clean tokenizer pretrain finetune evaluate audit release"),
        "sweep": ("sweep RECIPE", "try variations, keep what helps"),
    },
    "Use": {
        "chat": ("chat MODEL", "talk in the terminal"),
        "generate": ("generate MODEL", "continue a prompt, or fill a JSON schema"),
        "studio": ("studio [MODEL]", "everything in the browser"),
        "serve": ("serve MODEL", "OpenAI-compatible server"),
        "app": ("app NAME", "support, writing, tutor, health, search"),
    },
    "Look": {
        "show": ("show THING", "a run, model, corpus, tokenizer: state, scores, what was dropped"),
        "evaluate": ("evaluate MODEL", "tasks, or perplexity of any text (--text FILES)"),
        "compare": ("compare A B ...", "is the difference real?"),
        "audit": ("audit MODEL", "bias, truth, privacy"),
        "explain": ("explain MODEL", "which words, which layer, which training documents (--sources)"),
    },
    "Ship": {
        "export": ("export MODEL", "hf, gguf"),
        "forget": ("forget RUN ID ...", "train again without documents; a certificate says so"),
        "sign": ("sign THING", "seal a model folder or a text with your key"),
        "verify": ("verify THING", "nothing changed since it was made; who made it"),
        "doctor": ("doctor", "what this machine has and lacks"),
    },
}
HERE = os.path.dirname(__file__)


def verbs() -> dict[str, tuple[str, str]]:
    """The verbs that exist, in the order of the screen: those with a file here."""
    return {
        verb: lines
        for group in GROUPS.values()
        for verb, lines in group.items()
        if os.path.exists(os.path.join(HERE, f"{verb}.py"))
    }


def screen() -> str:
    """The help screen."""
    existing = verbs()
    lines = ["groundup: your documents in, a language model of your own out", ""]
    for group, members in GROUPS.items():
        shown = [lines_ for verb, lines_ in members.items() if verb in existing]
        for number, (call, words) in enumerate(shown):
            lines.append(f"{group if number == 0 else '':<10}{call:<18}{'' if len(call) < 18 else ' '}{words}")
    lines += [
        "",
        "MODEL: a run name, a run folder, or any model folder.   --json everywhere.   groundup VERB --help tells more.",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code. Errors for people are printed in two lines, others raised."""
    try:
        code = _main(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()  # here, not at the interpreter's end, where nobody could catch it
        return code
    except BrokenPipeError:  # `groundup ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _main(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help", "help"):
        print(screen())
        return 0
    if given[0] in ("-V", "--version"):
        from groundup import __version__

        print(f"groundup {__version__}")
        return 0
    verb, rest = given[0], given[1:]
    if verb not in verbs():
        print(f"groundup: no command '{verb}'. {near(verb, verbs())}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"groundup.cli.{verb}")
    parser = argparse.ArgumentParser(
        prog=f"groundup {verb}",
        description=module.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress and notes on stderr")
    try:
        options = parser.parse_intermixed_args(rest)  # options may stand between STAGE names
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return int(module.run(options))
    except GroundupError as error:
        return _tell(error, options.json)
    except KeyboardInterrupt:
        print("groundup: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            told = GroundupError(
                "The disk is full; nothing that was finished is lost.",
                repair="Free some space and run the same command again.",
            )
        elif error.filename is not None:  # a file of the user: no permission, a folder in the way, a name too long
            told = GroundupError(f"{error.filename}: {error.strerror}.")
        else:
            raise
        return _tell(told, options.json)


def _tell(error: GroundupError, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": {"message": error.message, "repair": error.repair, "type": type(error).__name__}}))
    print(f"groundup: {error}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
