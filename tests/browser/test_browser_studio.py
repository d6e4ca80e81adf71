"""The studio in a real browser: every view, by click and by keyboard, light, dark and on a phone."""

from __future__ import annotations

import fcntl
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fabricated_run import curve, fabricate
from toy_speaker import ANSWER

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
Studio = Callable[..., str]

CONTRAST = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest("noscript, svg, style")) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${walker.currentNode.textContent.trim().slice(0, 40)} ${ratio.toFixed(2)}`);
  }
  return poor;
}"""

NAMELESS = """() => [...document.querySelectorAll("button, a, input, select, textarea, iframe, [role=img], [role=button]")]
  .filter((element) => element.checkVisibility())
  .filter((element) => !(element.textContent.trim() || element.ariaLabel || element.title || element.labels?.length))
  .map((element) => element.outerHTML.slice(0, 80))"""


def check_looks(page: Any) -> None:
    """Readable contrast, a name for every control, nothing wider than the window."""
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 390), ("dark", 600)])
def test_every_view_is_readable_in_every_light_and_width(
    open_page: Open, studio: Studio, scheme: str, width: int
) -> None:
    address = studio()
    page = open_page(f"{address}/", scheme=scheme, width=width)
    page.get_by_role("link", name="demo", exact=True).wait_for()
    check_looks(page)
    page.goto(f"{address}/#/run/demo")
    page.locator(".chart polyline").first.wait_for()
    page.locator("iframe").wait_for()
    check_looks(page)
    page.goto(f"{address}/#/chat")
    page.locator(".opener").first.wait_for()
    check_looks(page)
    page.locator(".opener").first.click()
    page.get_by_role("button", name="Where from").click()
    page.locator(".documents li").first.wait_for()
    check_looks(page)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 390)])
def test_the_report_is_readable_as_a_file(open_page: Open, tmp_path: Path, scheme: str, width: int) -> None:
    from groundup.report import write

    page = open_page(write(fabricate(tmp_path / "demo", count=150)).as_uri(), scheme=scheme, width=width)
    for summary in page.locator("summary").all():
        summary.click()
    check_looks(page)
    assert page.locator("h2").all_inner_texts()[0] == "One document's journey"


def test_home_shows_runs_with_three_scores(open_page: Open, studio: Studio) -> None:
    page = open_page(studio())
    page.locator(".run").first.wait_for()
    assert page.locator(".run .state").inner_text() == "ready"
    assert page.locator(".scores dd").all_inner_texts() == ["0.72", "0.93", "0.61"]


def test_an_empty_home_starts_the_demo_with_one_click(
    open_page: Open, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundup.serve import jobs

    begun: list[list[str]] = []

    def start(command: list[str], **rest: Any) -> Any:
        begun.append(command)
        return real(["sleep", "30"], start_new_session=True)

    real = jobs.subprocess.Popen
    monkeypatch.setattr(jobs.subprocess, "Popen", start)
    page = open_page(studio(tmp_path / "runs"))
    page.get_by_role("button", name="Run the demo").wait_for()
    assert page.locator("#command").inner_text() == "groundup run demo"
    page.get_by_role("button", name="Run the demo").click()
    page.get_by_role("heading", name="demo").wait_for()
    page.locator(".state.running").wait_for()
    page.get_by_role("button", name="Save and stop").click()
    page.locator(".state.running").wait_for(state="detached")
    assert begun[0][1:5] == ["-m", "groundup", "run", "demo"]


def test_an_answer_streams_and_its_words_lead_to_documents(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/chat")
    page.get_by_label("Your message").fill("Hello!")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Where from").click()
    page.locator(".documents li").first.wait_for()
    assert page.locator(".turn.assistant .text").inner_text() == ANSWER
    marks = page.locator(".turn.assistant mark")
    assert "early in the morning." in marks.first.inner_text()
    marks.last.focus()
    page.keyboard.press("Enter")
    assert marks.last.inner_text().strip() == page.locator("blockquote").inner_text()
    assert page.locator(".excerpt mark").first.inner_text().strip() == page.locator("blockquote").inner_text()
    assert "CC0-1.0" in page.locator(".documents li").first.inner_text()
    assert page.locator("#command").inner_text().startswith("groundup explain demo --sources --text 'Mira")


def test_stop_keeps_what_was_said(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio(pause=0.2)}/#/chat")
    page.locator(".opener").first.click()
    page.wait_for_function("() => document.querySelector('.writing')?.textContent.length > 5")
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    said = page.locator(".turn.assistant .text").inner_text()
    assert said and said != ANSWER and ANSWER.startswith(said)


def test_a_reload_keeps_the_conversation(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/chat")
    page.get_by_label("Your message").fill("say kept for later")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#/chat/*")
    page.reload()
    page.get_by_text("kept for later", exact=True).wait_for()
    assert page.locator(".turn").count() == 2


PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "</textarea><b onmouseover=alert(1)>x",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_model_says_stays_text(open_page: Open, studio: Studio, payload: str) -> None:
    page = open_page(f"{studio()}/#/chat")
    page.get_by_label("Your message").fill(f"say {payload}")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Where from").click()
    page.locator(".side h2", has_text="Where from").wait_for()
    assert page.locator(".turn.assistant .text").inner_text() == payload
    assert page.locator(".talk :is(script, img, svg, iframe, b)").count() == 0


def test_reloads_during_a_run_lose_no_event(open_page: Open, studio: Studio, tmp_path: Path) -> None:
    folder = fabricate(
        tmp_path / "runs" / "live", count=120, without=("4_pretrain", "5_finetune/chat", "6_evaluate"), name="live"
    )
    events = folder / "events.jsonl"
    rows = [{"kind": "stage", "stage": "pretrain", "state": "started"}]
    rows += [{"kind": "step", **row} for row in curve(260) if "bits_per_byte" not in row]
    events.write_text("", encoding="utf-8")
    random_ = random.Random(1)
    address = studio(tmp_path / "runs")
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page = open_page(f"{address}/#/run/live")
        told = 0
        for _ in range(50):
            count = random_.randint(1, 3)
            with open(events, "a", encoding="utf-8") as file:
                file.writelines(json.dumps({"time": 1.0, **row}) + "\n" for row in rows[told : told + count])
            told += count
            page.reload()
        with open(events, "a", encoding="utf-8") as file:
            file.writelines(json.dumps({"time": 1.0, **row}) + "\n" for row in rows[told:])
        expected = len([row for row in rows if row["kind"] == "step"])
        page.wait_for_function(
            "(count) => document.querySelector('.curve.faint')?.getAttribute('points').split(' ').length === count",
            arg=expected,
        )
