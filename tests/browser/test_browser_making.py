"""Make, runs, Look inside and Trust in a real browser: the recipe's form, a run held and let go, two runs, heads and vectors,
a release with its waiver; the window in another site's page; 200 % zoom; an accessibility check of every page."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fabricated_run import fabricate
from port import on_a_port
from test_browser_studio import check_looks
from toy_speaker import ToySpeaker

from groundup.core.files import write_json
from groundup.serve import jobs
from groundup.serve.api import create_app
from groundup.serve.keys import make_key, read_keys

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
Studio = Callable[..., str]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Runs that are begun here are stand-ins that sleep; their commands are noted."""
    begun: list[list[str]] = []
    sleep = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(130)"

    def popen(command: list[str], **rest: Any) -> Any:
        begun.append(command)
        return real([sys.executable, "-c", sleep], start_new_session=True)

    real = jobs.subprocess.Popen
    monkeypatch.setattr(jobs.subprocess, "Popen", popen)
    return begun


def test_the_recipe_is_a_form_first_and_toml_second(
    open_page: Open, studio: Studio, tmp_path: Path, monkeypatch: Any, started: list[list[str]]
) -> None:
    monkeypatch.setattr("groundup.budget.training_speed", lambda config, options, **_: 2e9 / config.width**2)
    monkeypatch.setattr("groundup.budget.text_speed", lambda: 1.0)
    manual = tmp_path / "kettle.md"
    manual.write_text("The kettle boils one litre of water in three minutes.\n" * 20, encoding="utf-8")
    page = open_page(f"{studio(tmp_path / 'runs')}/#/make")
    page.get_by_label("Its name").fill("kettles")
    page.locator("input[type=file]").first.set_input_files(manual)
    page.get_by_role("button", name="Take out kettle.md").wait_for()
    page.get_by_role("button", name="Look and plan").click()
    page.get_by_text("The recipe: see and change everything").click()
    form = page.locator(".recipe-form")
    form.locator("summary", has_text="[pretrain]").click()
    check_looks(page)
    steps = form.locator("details", has_text="[pretrain]").get_by_label("steps", exact=False).first
    steps.fill("7")
    steps.blur()
    assert page.get_by_role("button", name="Start").is_disabled()
    page.get_by_role("button", name="TOML").click()
    text = page.get_by_label("The recipe as TOML")
    text.wait_for()
    assert "steps = 7" in text.input_value() and page.get_by_role("button", name="Start").is_enabled()
    text.fill(text.input_value().replace("steps = 7", "stepps = 7"))
    page.get_by_role("button", name="Plan anew").click()
    page.get_by_text("unknown key 'pretrain.stepps'").wait_for()
    text.fill(text.input_value().replace("stepps = 7", "steps = 9"))
    page.get_by_role("button", name="Plan anew").click()
    page.get_by_role("button", name="Plan anew").wait_for(state="hidden")
    page.get_by_role("button", name="Start").click()
    page.locator(".state.running").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.locator(".state.paused").wait_for()
    page.get_by_role("button", name="Resume").click()
    page.locator(".state.running").wait_for()
    page.get_by_role("button", name="Save and stop").click()
    page.locator(".state.running").wait_for(state="detached")
    assert started[0][3] == "run" and started[0][4].endswith("kettles/recipe.toml")
    assert "steps = 9" in Path(started[0][4]).read_text()


def test_two_runs_are_compared_in_one_picture(open_page: Open, studio: Studio, tmp_path: Path) -> None:
    for name in ("demo", "other"):
        fabricate(tmp_path / "runs" / name, count=120, name=name)
    page = open_page(f"{studio(tmp_path / 'runs')}/#/run/demo")
    page.locator(".funnel li").first.wait_for()
    page.get_by_label("Compare with another run").select_option("other")
    page.locator(".curve.s1").first.wait_for()
    page.locator("table.numbers td").first.wait_for()
    assert page.locator("#command").inner_text() == "groundup compare demo other"
    assert "0.72" in page.locator("table.numbers").inner_text()
    page.get_by_text("Not tested against each other").wait_for()  # a fabricated run lacks most items
    check_looks(page)


def test_heads_vectors_and_the_architecture_are_drawn(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/inside")
    page.locator(".head canvas").nth(1).wait_for()
    page.get_by_role("button", name="head 2").click()
    page.locator(".head[aria-pressed=true]", has_text="head 2").wait_for()
    page.get_by_label("Token to look at").get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    page.locator(".bars.narrow li").first.wait_for()
    assert page.locator(".vectors li .name").all_inner_texts() == ["embedded", "after layer 1", "after layer 2"]
    drawn = "(one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(Boolean)"
    assert all(canvas.evaluate(drawn) for canvas in page.locator("canvas").all())


def test_examples_won_and_lost_and_a_release_with_its_waiver(
    open_page: Open, studio: Studio, tmp_path: Path, started: list[list[str]]
) -> None:
    folder = fabricate(tmp_path / "runs" / "bad", count=120, without=("8_release",), name="bad")
    gate = {"passed": False, "state": "closed", "broken": ["pronoun_gap"], "limits": {"pronoun_gap": 0.1}}
    write_json(
        folder / "7_audit" / "gate.json", {**gate, "reasons": {"pronoun_gap": "pronoun_gap is 0.4, the limit is 0.1"}}
    )
    page = open_page(f"{studio(tmp_path / 'runs')}/#/trust")
    page.get_by_text("Gate closed.").wait_for()
    page.get_by_role("button", name="won").click()
    page.locator(".documents dd").first.wait_for()
    check_looks(page)
    page.get_by_text("Release it all the same").click()
    page.get_by_label("pronoun_gap is 0.4").fill("Anna accepts it: a toy")
    page.get_by_role("button", name="Release with this waiver").click()
    page.locator(".state.running").wait_for()
    assert 'audit.waive.pronoun_gap="Anna accepts it: a toy"' in started[0]
    page.get_by_role("button", name="Save and stop").click()
    page.locator(".state.running").wait_for(state="detached")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def shop_page(folder: Path) -> Iterator[str]:
    """A site of its own origin that serves a folder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_one_line_in_another_sites_page_opens_the_support_chat(open_page: Open, tmp_path: Path) -> None:
    key = make_key(tmp_path / "keys.json", "website", "chat")
    app = create_app(tmp_path / "runs", open_speaker=ToySpeaker, keys=read_keys(tmp_path / "keys.json"))
    (tmp_path / "shop").mkdir()
    with on_a_port(app) as address, shop_page(tmp_path / "shop") as shop:
        line = f'<iframe src="{address}/studio/embed/support#{key}" title="Ask us"></iframe>'
        (tmp_path / "shop" / "index.html").write_text(
            f'<html><link rel="icon" href="data:,"><body>{line}</body></html>'
        )
        page = open_page(f"{shop}/index.html")
        window = page.frame_locator("iframe")
        window.get_by_label("Your message").fill("Where is my order?")
        window.get_by_role("button", name="Send").click()
        window.locator(".turn.assistant .text").wait_for()
        assert window.locator(".turn.assistant .text").inner_text()
        # The same key from the page's own script, and a key that may do everything is refused there.
        ask = """async ([address, key]) => {
          const headers = {"content-type": "application/json", authorization: `Bearer ${key}`};
          const reply = await fetch(`${address}/v1/models`, {headers});
          return reply.status;
        }"""
        assert page.evaluate(ask, [address, key]) == 200


PAGES = ["", "chat", "make", "work/search", "work/writing", "inside", "trust", "run/demo", "compare/demo/demo"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_the_accessibility_check(open_page: Open, studio: Studio, scheme: str) -> None:
    """axe-core's rules of WCAG 2.1 A and AA; nothing serious or critical is let through."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed (pip install axe-playwright-python)"
    )
    address = studio()
    page = open_page(f"{address}/", scheme=scheme)
    for name in PAGES:
        page.goto(f"{address}/#/{name}")
        page.locator("main h1").first.wait_for()
        page.wait_for_load_state("networkidle")
        found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
        serious = [
            (name, one["id"], [node["html"][:120] for node in one["nodes"][:3]])
            for one in found.response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []


def test_at_200_percent_nothing_is_cut_off(open_page: Open, studio: Studio) -> None:
    """A window of 1280 pixels at 200 % has room for 640 (WCAG 1.4.4, 1.4.10 asks for 320)."""
    address = studio()
    for width in (640, 320):
        page = open_page(f"{address}/", width=width)
        for name in PAGES:
            page.goto(f"{address}/#/{name}")
            page.locator("main h1").first.wait_for()
            page.wait_for_load_state("networkidle")
            over = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            assert over[0] <= over[1], (name, width, over)
