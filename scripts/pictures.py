"""The README's pictures, made from the real studio over a real run: python scripts/pictures.py [RUN]

Starts a studio on a free port, asks the model a question in Chromium, opens a document the answer's words stand in, and
writes docs/pictures/answer.png (palette of 128 colours, under 200 kB). Needs Chromium, playwright and Pillow.
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
from pathlib import Path
from typing import Any

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
LARGEST_BYTES = 200_000
QUESTION = "Tell me a story."


def main() -> int:
    """Make the pictures; 1 when the answer's words stand in no document, or a picture is too large."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", default=Path("runs/demo"), help="a run folder (default runs/demo)")
    parser.add_argument("--question", default=QUESTION)
    parser.add_argument("--out", type=Path, default=PICTURES)
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = options.run.resolve()
    command = [sys.executable, "-m", "groundup", "studio", run.name, "--runs", str(run.parent), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        picture = answer_with_its_source(f"http://127.0.0.1:{port}", options.question)
    finally:
        server.terminate()
        server.wait(timeout=20)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "answer.png"
    path.write_bytes(small(picture))
    print(f"{path}: {path.stat().st_size:,} bytes")
    return 0 if path.stat().st_size < LARGEST_BYTES else 1


def wait_for(port: int, seconds: float = 60) -> None:
    """Return when something listens on the port; TimeoutError after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"the studio did not start within {seconds:.0f} s")


def answer_with_its_source(address: str, question: str) -> bytes:
    """A PNG of an answer with one of its training documents open beside it."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page: Any = browser.new_page(viewport={"width": 1240, "height": 760}, color_scheme="light")
        page.set_default_timeout(60_000)
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
        browser.close()
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
