"""The studio in Chromium: when something is seen first, how many bytes and requests a page takes, reloads in a row.

    python -m benchmarks.studio --runs runs

First paint is the browser's own entry (first-contentful-paint), the median of five loads without a cache; aim: below 1 s.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PAGES = ("", "chat", "make", "work/search", "inside", "trust")
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
SIZE = "() => performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)"
COUNT = "() => performance.getEntriesByType('resource').length"
LOADS = 5


def main() -> int:
    """Print one row a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "groundup", "studio", "--runs", str(options.runs), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        with sync_playwright() as started:
            browser = started.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox"]
            )
            rows = [measure(browser, f"http://127.0.0.1:{port}/#/{name}", name or "home") for name in PAGES]
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=20)
    print(f"{'page':14}{'first paint ms':>16}{'slowest ms':>12}{'kB':>8}{'requests':>10}")
    for row in rows:
        print(f"{row['page']:14}{row['median']:16.0f}{row['slowest']:12.0f}{row['kB']:8.0f}{row['requests']:10d}")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1))
    return 0


def measure(browser: Any, address: str, name: str) -> dict[str, Any]:
    """The page loaded LOADS times, each time by a browser that has seen nothing."""
    paints: list[float] = []
    size = count = 0
    for _ in range(LOADS):
        context = browser.new_context(viewport={"width": 1200, "height": 800})
        page = context.new_page()
        page.goto(address)
        page.wait_for_function(PAINT)
        paints.append(page.evaluate(PAINT))
        page.wait_for_load_state("networkidle")
        size, count = page.evaluate(SIZE), page.evaluate(COUNT)
        context.close()
    return {
        "page": name,
        "median": statistics.median(paints),
        "slowest": max(paints),
        "kB": size / 1000,
        "requests": count,
    }


def wait_for(port: int, seconds: float = 120) -> None:
    """Return when something listens on the port."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"the studio did not start within {seconds:.0f} s")


if __name__ == "__main__":
    raise SystemExit(main())
