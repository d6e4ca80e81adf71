"""Pages written from what a run left behind: `write(run_folder)` makes report.html.

Reads files only (manifests, Parquet, JSON): no model is loaded, torch is never imported.
    page.py      the front door: which sections, in which order
    read.py      a run folder's files, each optional
    markup.py    tags that escape what they hold
    charts.py    SVG: curves, intervals, bars
    journey.py   one document's way through all stages
    sections/    the rest, one idea a file
"""

from __future__ import annotations

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(__name__, {"write": ".page"})
