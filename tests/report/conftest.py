"""The fabricated run stands beside these tests; other rooms' tests use it too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
