"""Errors meant for people: each says the rule, what came, where, and the likely repair.

`assert` and ordinary exceptions are for our own slips; these are for everything a user, a file or a machine
can do wrong. The command line prints them without a traceback and exits with `exit_code`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GroundupError(Exception):
    """Something went wrong that the user can understand and repair (exit code 1)."""

    exit_code = 1

    def __init__(self, message: str, *, repair: str = "") -> None:
        self.message = message
        self.repair = repair
        super().__init__(f"{message}\n  {repair}" if repair else message)


class UsageError(GroundupError):
    """The command was called in a way it does not understand (exit code 2)."""

    exit_code = 2


class RecipeError(GroundupError):
    """A recipe holds an unknown table, name or key, or a value outside its rule (exit code 2)."""

    exit_code = 2


class DataError(GroundupError):
    """Documents, examples or tokens that cannot be used as they are."""


class ArtifactError(GroundupError):
    """A stage's folder, shard, checkpoint or model folder is missing, damaged or from another recipe."""


class MissingExtra(GroundupError):
    """An optional library is needed; the message names the command that installs it."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the library '{library}', which is not installed.",
            repair=f"Install it with: pip install 'groundup[{extra}]'",
        )


class Interrupted(GroundupError):
    """Stopped on request, after saving (exit code 130)."""

    exit_code = 130


def near(name: str, allowed: Iterable[str]) -> str:
    """A sentence naming the allowed names, the nearest first: ``Did you mean 'depth'? Allowed: ...``."""
    names = sorted(allowed)
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    guess = f"Did you mean '{matches[0]}'? " if matches else ""
    return f"{guess}Allowed: {', '.join(names) if names else '(nothing)'}."
