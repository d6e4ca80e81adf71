"""``python -m groundup.clean.worker``: a process that cleans shards. A task a line in (JSON), an answer a line out.

It ends with its input, so no worker outlives the process that started it by more than one shard.
"""

from __future__ import annotations

import json
import sys

from groundup.clean.engine import work
from groundup.core.registry import load_other_packages


def main() -> None:
    """Do the tasks on standard input until it ends."""
    load_other_packages()
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
