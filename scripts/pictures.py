"""The pictures of README and documentation, made from the real studio and report: python scripts/pictures.py [RUN]

answer.png: starts a studio on a free port, asks the model a question in Chromium, opens a document the answer's words
stand in. report.png: the beginning of the run's report. Both have a palette of 128 colours and stay under 200 kB. Needs
Chromium, playwright and Pillow.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
LARGEST_BYTES = 200_000
# A story of the demo's world (its generator, seed 5) that no training document tells: the answer's words must come from others.
QUESTION = """Erica lived in Pinehaven and worked as a secretary. Because of the big family, she wanted to borrow a square \
broom. She walked to the jetty one Tuesday in May with her classmate Jose. On the way they saw a tortoise under a bush. \
What Erica hoped came true, and what Erica feared came to nothing. At first Erica was afraid about it, but in the end she \
felt happy about it.

Summarize the story."""


def main() -> int:
    """Make the pictures; 1 when one is too large. Stops when the answer's words stand in no document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", default=Path("runs/demo"), help="a run folder (default runs/demo)")
    parser.add_argument("--question", default=QUESTION)
    parser.add_argument("--out", type=Path, default=PICTURES)
    options = parser.parse_args()
    run = options.run.resolve()
    with browser() as page:
        with studio_of(run) as address:
            made = {"answer.png": answer_with_its_source(page, address, options.question)}
        made["report.png"] = report_of(page, run)
    options.out.mkdir(parents=True, exist_ok=True)
    sizes = []
    for name, picture in made.items():
        path = options.out / name
        path.write_bytes(small(picture))
        sizes.append(path.stat().st_size)
        print(f"{path}: {sizes[-1]:,} bytes")
    return 0 if max(sizes) < LARGEST_BYTES else 1


@contextmanager
def browser() -> Iterator[Any]:
    """A page in Chromium, in light colours."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page: Any = opened.new_page(viewport={"width": 1240, "height": 760}, color_scheme="light")
        page.set_default_timeout(60_000)
        yield page
        opened.close()


@contextmanager
def studio_of(run: Path) -> Iterator[str]:
    """The address of a studio that opens with this run's model."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "groundup", "studio", run.name, "--runs", str(run.parent), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(port: int, seconds: float = 60) -> None:
    """Return when something listens on the port; TimeoutError after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"the studio did not start within {seconds:.0f} s")


def answer_with_its_source(page: Any, address: str, question: str) -> bytes:
    """A PNG of an answer with one of its training documents open beside it."""
    page.goto(f"{address}/#/chat")
    page.get_by_label("Your message").fill(question)
    page.keyboard.press("Enter")
    page.locator(".turn.assistant .tools").wait_for()
    page.get_by_role("button", name="Where from").click()
    page.locator(".side .panel-head, .side .problem").first.wait_for()
    if not page.locator(".documents li").count():
        raise SystemExit(f"No document holds these words: {page.locator('.turn.assistant .text').inner_text()}")
    longest = max(page.locator(".turn.assistant mark").all(), key=lambda mark: len(mark.inner_text()))
    longest.click()
    page.mouse.move(0, 0)
    picture: bytes = page.screenshot()
    said = re.sub(r"\s+", " ", page.locator(".turn.assistant .text").inner_text())
    print(f"asked: {question}\nsaid: {said}")
    return picture


def report_of(page: Any, run: Path) -> bytes:
    """A PNG of the beginning of the report."""
    page.goto((run / "report.html").as_uri())
    page.locator("h1").first.wait_for()
    picture: bytes = page.screenshot()
    return picture


def small(picture: bytes) -> bytes:
    """The picture with a palette: flat colours and text lose nothing to see."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
