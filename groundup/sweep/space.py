"""What is varied: axes, each one key of the recipe and the values it may take.

pretrain.learning_rate=1e-3,2e-3,5e-3      a list: grid, random, TPE, ablation, ladder
pretrain.learning_rate=1e-4..1e-2          a range; drawn evenly in its logarithm when it spans a factor of 10 or more
pretrain.batch_size=4..32                  whole numbers when both ends are
"""

from __future__ import annotations

import math
import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundup.core.errors import UsageError

LOG_FACTOR = 10  # from this ratio of its ends on a range is drawn in its logarithm; rates span decades (Bergstra 2012)


@dataclass(frozen=True)
class Axis:
    """One key and its values: a list (`values`), or a range from `low` to `high`."""

    key: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False

    @property
    def is_range(self) -> bool:
        """Whether any value between two ends may be drawn."""
        return not self.values

    def draw(self, source: random.Random) -> Any:
        """A value by chance."""
        return source.choice(self.values) if self.values else self.at(source.random())

    def at(self, share: float) -> Any:
        """The value at a share (0 to 1) of the range."""
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        return round(value) if self.whole else float(f"{value:.4g}")  # four digits: names stay readable

    def steps(self, count: int) -> list[Any]:
        """The list, or `count` values spread evenly over the range."""
        if self.values:
            return list(self.values)
        return list(dict.fromkeys(self.at(place / max(1, count - 1)) for place in range(count)))


def parse(texts: Sequence[str]) -> list[Axis]:
    """`--over` texts as axes. UsageError for one that cannot be read, or a key given twice."""
    axes: list[Axis] = []
    for text in texts:
        key, sign, values = text.partition("=")
        key = key.strip()
        if not sign or not key or not values.strip():
            raise UsageError(
                f"--over {text} does not say what to vary.",
                repair="Write: --over pretrain.learning_rate=1e-3,2e-3 or --over pretrain.learning_rate=1e-4..1e-2",
            )
        if any(axis.key == key for axis in axes):
            raise UsageError(f"--over names '{key}' twice.", repair="Give all its values at once, between commas.")
        axes.append(_range(key, values, text) if ".." in values else _list(key, values, text))
    return axes


def _range(key: str, values: str, text: str) -> Axis:
    ends = [_value(part) for part in values.split("..")]
    if len(ends) != 2 or any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends):
        raise UsageError(f"--over {text}: a range is two numbers, such as 1e-4..1e-2.")
    low, high = ends
    if not low < high:
        raise UsageError(f"--over {text}: the range must go from the smaller number to the larger one.")
    whole = isinstance(low, int) and isinstance(high, int)
    return Axis(key, (), float(low), float(high), whole, low > 0 and high / low >= LOG_FACTOR)


def _list(key: str, values: str, text: str) -> Axis:
    found = [_value(part) for part in _parts(values)]
    if len(set(map(repr, found))) != len(found):
        raise UsageError(f"--over {text}: a value stands twice.")
    return Axis(key, tuple(found))


def _parts(text: str) -> list[str]:
    """Between commas, but for those inside of brackets, braces and quotes."""
    parts, depth, quoted = [""], 0, ""
    for letter in text:
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter in "\"'":
            quoted = letter
        else:
            depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _value(text: str) -> Any:
    """As `--set` reads it: TOML, else a text."""
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
