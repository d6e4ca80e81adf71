"""Renews tests/golden_tiny.json: ``python -m tests.golden`` (read test_the_golden_tiny_run first: it is about versions)."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from groundup.core.manifest import read_manifest
from groundup.pipeline import run
from tests.test_story import GOLDEN_STAGES, stable_content

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        folder = run("tiny", stages=["tokenizer"], out=Path(temporary) / "tiny").folder
        golden = {
            name: {"version": read_manifest(folder / name).stage_version, "content": stable_content(folder / name)}
            for name in GOLDEN_STAGES
        }
    (Path(__file__).parent / "golden_tiny.json").write_text(json.dumps(golden, indent=2) + "\n")
