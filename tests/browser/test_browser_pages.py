"""Make, Work, Look inside and Trust in a real browser: by click, by keyboard, light, dark and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_browser_studio import check_looks

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
Studio = Callable[..., str]

MANUAL = "# The kettle\n\nThe kettle boils one litre of water in three minutes. Descale it every month with vinegar.\n"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_every_page_is_readable(open_page: Open, studio: Studio, scheme: str, width: int) -> None:
    address = studio()
    page = open_page(f"{address}/#/make", scheme=scheme, width=width)
    page.get_by_role("button", name="Look and plan").wait_for()
    check_looks(page)
    page.goto(f"{address}/#/work/search")
    page.locator(".opener").first.click()
    page.locator(".page mark").wait_for()
    check_looks(page)
    page.goto(f"{address}/#/inside")
    page.locator(".bars li").first.wait_for()
    page.locator(".documents li").first.wait_for()
    check_looks(page)
    page.goto(f"{address}/#/trust")
    page.locator(".score-list li").first.wait_for()
    check_looks(page)


def test_the_three_doors_of_home_open(open_page: Open, studio: Studio) -> None:
    page = open_page(studio())
    for name, heading in (
        ("Talk to a model", "Talk to demo"),
        ("Make one from my documents", "Make a model from your documents"),
        ("Put it to work", "Put it to work"),
    ):
        page.get_by_role("link", name=name).click()
        page.get_by_role("heading", name=heading).wait_for()
        page.get_by_role("link", name="groundup", exact=True).click()


def test_dropped_files_become_a_plan(open_page: Open, studio: Studio, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("groundup.budget.training_speed", lambda config, options, **_: 2e9 / config.width**2)
    manual = tmp_path / "kettle.md"
    manual.write_text(MANUAL, encoding="utf-8")
    page = open_page(f"{studio(tmp_path / 'runs')}/#/make")
    page.get_by_role("button", name="Look and plan").click()
    page.get_by_text("Drop some files first").wait_for()
    page.get_by_label("Its name").fill("kettles")
    page.locator("input[type=file]").first.set_input_files(manual)
    page.get_by_role("button", name="Take out kettle.md").wait_for()
    page.get_by_label("What is it for?").fill("Kettle questions")
    page.get_by_role("button", name="Look and plan").click()
    page.get_by_role("heading", name="The plan").wait_for()
    check_looks(page)
    assert "1, " in page.locator(".facts dd").first.inner_text()
    page.get_by_text("The recipe: see and change everything").click()
    page.get_by_role("button", name="TOML").click()
    assert 'purpose = "Kettle questions"' in page.get_by_label("The recipe as TOML").input_value()
    assert page.locator("#command").inner_text().startswith("groundup new ")
    assert page.get_by_role("button", name="Start").is_enabled()


def test_an_answer_cites_a_document_that_opens_by_keyboard(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/work/search")
    page.locator(".opener").first.click()
    page.locator(".citation").first.focus()
    page.keyboard.press("Enter")
    page.locator(".page mark").wait_for()
    cited = page.locator(".citation span").first.inner_text()
    assert " ".join(page.locator(".page mark").inner_text().split()) == " ".join(cited.split())
    assert page.locator("#command").inner_text() == "groundup app search"


def test_an_application_remembers_and_lists_what_it_did(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/work/support")
    page.locator(".opener").first.click()
    page.locator(".actions-list code").first.wait_for()
    page.get_by_label("Ask Customer service").fill("And the next thing?")
    page.keyboard.press("Enter")
    page.locator(".turn.assistant .text").nth(1).wait_for()


def test_uploaded_files_are_searched(open_page: Open, studio: Studio, tmp_path: Path) -> None:
    manual = tmp_path / "kettle.md"
    manual.write_text(MANUAL, encoding="utf-8")
    page = open_page(f"{studio(tmp_path / 'runs')}/#/work/search")
    page.get_by_text("Search your own files").click()
    page.locator("input[type=file]").first.set_input_files(manual)
    page.get_by_text("your 1 documents").wait_for()
    page.get_by_label("Ask Search").fill("descale kettle")
    page.keyboard.press("Enter")
    page.locator(".citation b").first.wait_for()
    assert page.locator(".citation b").first.inner_text() == "kettle.md"


def test_sliders_change_what_may_come(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/inside")
    bars = page.get_by_label("Next tokens")
    bars.locator("li").nth(1).wait_for()
    assert bars.locator(".amount").all_inner_texts() == ["50.0 %", "50.0 %"]
    page.locator("input[name=temperature]").focus()
    page.keyboard.press("Home")
    bars.locator("li.out").wait_for()
    assert bars.locator(".amount").all_inner_texts() == ["100.0 %", "0 %"]
    page.get_by_label("A sentence").nth(1).fill("one two three")
    tokens = page.get_by_role("list", name="Tokens", exact=True).locator("b")
    tokens.filter(has_text="three").wait_for()
    assert tokens.all_inner_texts() == ["one", "two", "three"]


def test_dropped_documents_are_shown_with_their_reason(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/inside")
    page.get_by_role("button", name="Dropped").click()
    page.locator(".reason").first.wait_for()
    page.get_by_label("Reason").select_option(index=1)
    wanted = page.locator("select[aria-label=Reason] option").nth(1).get_attribute("value").split("/")[1]
    page.locator("#command", has_text=wanted).wait_for()
    kinds = set(page.locator(".reason b").all_inner_texts())
    assert len(kinds) == 1 and wanted.replace("_", " ") in kinds.pop()
    page.get_by_label("Reason").select_option("")
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Before").wait_for()
    assert page.locator("#command").inner_text().startswith("groundup show demo --dropped")


def test_trust_says_what_is_at_chance_and_whether_the_gate_is_open(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/trust")
    page.get_by_text("At chance.").wait_for()
    page.get_by_text("Gate closed.").wait_for()


MARKDOWN = (
    "# Title\n\n- **bold** item\n- `code`\n\n```\nx < 1\n```\n\n[site](https://example.org) [bad](javascript:alert(1))"
)


def test_markdown_is_shown_and_can_do_nothing(open_page: Open, studio: Studio) -> None:
    page = open_page(f"{studio()}/#/chat")
    page.get_by_label("Your message").fill(f"say {MARKDOWN}")
    page.keyboard.press("Enter")
    page.locator(".turn.assistant .text pre").wait_for()
    text = page.locator(".turn.assistant .text")
    assert text.locator("strong").inner_text() == "bold" and text.locator("pre").inner_text() == "x < 1"
    assert [link.get_attribute("href") for link in text.locator("a").all()] == ["https://example.org"]
    assert "[bad](javascript:alert(1))" in text.inner_text()


def test_a_studio_on_a_network_asks_for_a_key_once(open_page: Open, studio: Studio, tmp_path: Path) -> None:
    from port import on_a_port
    from toy_speaker import ToySpeaker

    from groundup.serve.api import create_app
    from groundup.serve.keys import make_key, read_keys

    key = make_key(tmp_path / "keys.json", "me")
    app = create_app(tmp_path / "runs", open_speaker=ToySpeaker, keys=read_keys(tmp_path / "keys.json"))
    with on_a_port(app) as address:
        page = open_page("about:blank")
        page.goto(address)
        page.get_by_label("Key").fill(key)
        page.get_by_role("button", name="Open").click()
        page.get_by_role("link", name="Make one from my documents").wait_for()
        page.reload()
        page.get_by_role("link", name="Make one from my documents").wait_for()
