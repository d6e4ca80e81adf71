"""Every application measured, one table: application, task, metric, ours with its interval, baseline, latency of one call.

    python -m benchmarks.apps --data FOLDER            FOLDER: the public test data; without it only what needs none
    python -m benchmarks.apps --only writing health

Latency: the median of the application's own example inputs, asked three times each, on one core, without a bigger model.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

from groundup.apps.base import names, open_app
from groundup.cli.output import columns

ROUNDS = 3


def latency_ms(name: str) -> float:
    """The median milliseconds of one answer."""
    app = open_app(name)
    times = []
    for _ in range(ROUNDS):
        for text in app.examples():
            start = time.perf_counter()
            app.ask(text)
            times.append(1000 * (time.perf_counter() - start))
    app.close()
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    data = given.data or (Path(os.environ["GROUNDUP_REAL_DATA"]) if os.environ.get("GROUNDUP_REAL_DATA") else None)
    rows = []
    for name in given.only or names():
        app = open_app(name)
        speed = f"{latency_ms(name):.1f}"
        for s in app.evaluate(data):
            baseline = "-" if s.baseline is None else f"{s.baseline:.3f} ({s.baseline_name})"
            rows.append((name, s.task, s.metric, f"{s.value:.3f}", f"{s.low:.3f}..{s.high:.3f}", s.n, baseline, speed))
        app.close()
    head = ("application", "task", "metric", "ours", "95 % interval", "n", "baseline", "ms a call")
    print(columns(rows, head=head))


if __name__ == "__main__":
    main()
