"""A real Chromium on the studio. Skipped, and counted with its reason, where Chromium or playwright is missing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "report"), str(TESTS / "serve"), str(TESTS / "browser")]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# No sandbox: tests run as root in containers. The rest keeps the browser from calling home.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# For a module, not the session: playwright keeps an event loop in this thread, and other tests bring their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (groundup[browser])")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page at an address; at the end no request left this machine and no script failed."""
    requests: list[str] = []
    complaints: list[str] = []
    contexts: list[Any] = []

    def open_at(address: str, *, scheme: str = "light", width: int = 1200) -> Any:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.set_default_timeout(30_000)  # of a machine that does much else at the same time
        page.goto(address)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert [url for url in requests if not url.startswith(("http://127.0.0.1:", "file:", "data:", "about:"))] == []
    # The browser itself reports refusals: 401 makes the page ask for a key, 400 says what is wrong with an input.
    assert [text for text in complaints if "status of 401" not in text and "status of 400" not in text] == []


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts a studio over a runs folder with a toy model; returns its address."""
    from fabricated_run import fabricate
    from port import on_a_port
    from toy_speaker import ToySpeaker

    from groundup.report import write
    from groundup.serve.api import create_app

    full = tmp_path_factory.mktemp("studio") / "runs"
    write(fabricate(full / "demo", count=150))
    closing = []

    def start(folder: Path = full, pause: float = 0.0) -> str:
        server = on_a_port(create_app(folder, open_speaker=lambda model: ToySpeaker(model, pause)))
        closing.append(server)
        return server.__enter__()

    yield start
    for server in closing:
        server.__exit__(None, None, None)
