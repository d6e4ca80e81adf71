"""``make bench``: every benchmark in turn, each one table. Those that need real text read the folder GROUNDUP_REAL_DATA names.

Speed is quoted as a ratio against the peer in the same run; absolute figures belong to the machine they were taken on.
"""

from __future__ import annotations

import os
import subprocess
import sys

BENCHMARKS = (
    "data",
    "language",
    "privacy",
    "toxicity",
    "tokenizer",
    "trace",
    "search",
    "apps",
    "train",
    "plan",
    "private_training",
    "evaluate",
    "generate",
    "serve",
)
NEEDS_DATA = ("data", "language", "privacy", "toxicity", "tokenizer", "trace", "apps")


def main() -> int:
    """Run them as separate processes, so that one leaves no warm caches to the next."""
    folder = os.environ.get("GROUNDUP_REAL_DATA", "")
    failed = 0
    for name in BENCHMARKS:
        if name in NEEDS_DATA and not folder:
            print(f"{name}: skipped, GROUNDUP_REAL_DATA names no folder of real text", file=sys.stderr)
            continue
        arguments = ["--data", folder] if name in NEEDS_DATA else []
        print(f"# {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments]).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
