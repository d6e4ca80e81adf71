"""The five applications as somebody uses them who has read nothing: from Home by clicks to a finished task in each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_browser_studio import check_looks

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
Studio = Callable[..., str]


def work(page: Any, tab: str) -> None:
    """From Home through the door to an application's tab."""
    page.get_by_role("link", name="Put it to work").click()
    page.locator("nav[aria-label=Applications]").get_by_role("link", name=tab, exact=True).click()
    page.locator("nav[aria-label=Applications] [aria-current]", has_text=tab).wait_for()


def form(page: Any, action: str, **values: str) -> str:
    """Choose an action, fill its fields by their labels, press its button; what it says."""
    page.locator(".work-actions .openers").get_by_role("button", name=action, exact=True).click()
    body = page.locator(".action-body")
    for label, value in values.items():
        named = re.compile(rf"^{re.escape(label.replace('_', ' '))}$")
        field = body.locator("label", has=page.locator("span", has_text=named)).locator("input, select, textarea")
        if field.evaluate("(element) => element.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    body.get_by_role("button", name=action, exact=True).click()
    page.locator(".result :is(.text, .editor, .problem)").first.wait_for()
    said: str = page.locator(".result").inner_text()
    return said


def test_search_finds_and_shows_the_place(open_page: Open, studio: Studio) -> None:
    page = open_page(studio())
    work(page, "Search")
    page.get_by_role("button", name="How long do I have to return a lamp?").click()
    page.locator(".page mark").wait_for()
    assert "30 days" in page.locator(".turn.assistant .text").inner_text()
    assert "30 days" in page.locator(".page mark").inner_text()
    assert "passages" in form(page, "Find passages", Question_or_words="gift wrapping")


def test_a_customer_cancels_and_the_team_answers_what_nobody_could(
    open_page: Open, studio: Studio, tmp_path: Path
) -> None:
    address = studio(tmp_path / "runs")
    page = open_page(address)
    work(page, "Customer service")
    for message, said in (
        ("please cancel order GU-1001", "e-mail"),
        ("bruno.bauer@example.com", "GU-1001"),
        ("yes", "is cancelled"),
        ("do you rent out ladders?", ""),
    ):
        count = page.locator(".turn.assistant .text").count()
        page.get_by_label("Ask Customer service").fill(message)
        page.keyboard.press("Enter")
        page.locator(".turn.assistant .text").nth(count).wait_for()
        assert said in page.locator(".turn.assistant .text").nth(count).inner_text()
    assert "ladders" in form(page, "Unanswered questions")
    form(page, "Give the right answer", Question="do you rent out ladders?", Answer="Yes, for 5 euro a day.")
    assert "5 euro" in form(page, "Try a question", Question="do you rent out ladders?")
    again = open_page(f"{studio(tmp_path / 'runs')}/#/work/support")  # opened another day: the answer is still there
    assert "5 euro" in form(again, "Try a question", Question="do you rent out ladders?")


def test_a_text_is_corrected_change_by_change(open_page: Open, studio: Studio) -> None:
    page = open_page(studio())
    work(page, "Writing")
    form(page, "Correct", Text="I recieved the the letter.")
    assert page.locator(".editor ins").all_inner_texts() == ["received"]
    assert page.locator(".editor del").count() == 2
    page.locator(".edits input").first.uncheck()  # this one is not wanted
    assert page.locator(".editor ins").count() == 0 and "recieved" in page.locator(".editor .page").inner_text()


def test_a_draft_is_made_and_scored(open_page: Open, studio: Studio) -> None:
    page = open_page(studio())
    work(page, "Writing")
    said = form(page, "Draft", About="the summer party", Tone="friendly")
    assert "summer party" in said and "length" in said and "tone" in said


def test_an_exercise_is_done(open_page: Open, studio: Studio) -> None:
    page = open_page(studio())
    work(page, "Tutor")
    page.get_by_role("button", name="Give me an arithmetic exercise").click()
    page.locator(".turn.assistant .text").wait_for()
    page.get_by_label("Ask Tutor").fill("-7")
    page.keyboard.press("Enter")
    page.locator(".turn.assistant .text").nth(1).wait_for()
    assert page.locator(".turn.assistant .text").nth(1).inner_text().startswith("Not right.")
    assert "0 of 1 right" in form(page, "Progress")
    assert "Correct" in form(page, "Grade an answer")


def test_a_note_is_read_without_its_names(open_page: Open, studio: Studio) -> None:
    page = open_page(studio())
    work(page, "Health")
    said = form(page, "Take names out", Note_or_dialogue="Mr. Peter Smith, born 3 May 1961, has had chest pain.")
    assert "Smith" not in said and "1961" not in said and "chest pain" in said and "no medical device" in said
    assert "heart" in form(page, "Risk flags")
    assert "dose" not in form(page, "Treatment, quoted", Disease_or_question="How is asthma treated?").split("\n")[0]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 390), ("dark", 390)])
def test_all_five_are_readable_in_use(open_page: Open, studio: Studio, scheme: str, width: int) -> None:
    page = open_page(f"{studio()}/#/work", scheme=scheme, width=width)
    for name, action in (
        ("search", "Find passages"),
        ("support", "Unanswered questions"),
        ("writing", "Correct"),
        ("tutor", "Explain"),
        ("health", "Read a note"),
    ):
        page.goto(f"{page.url.split('#')[0]}#/work/{name}")
        page.locator(".work-actions .openers").get_by_role("button", name=action, exact=True).wait_for()
        form(page, action)
        page.get_by_text("How well it does, and what it cannot do").click()
        page.locator("details[open] li").first.wait_for()
        check_looks(page)


def test_data_goes_out_to_a_file_and_comes_in_again(open_page: Open, studio: Studio, tmp_path: Path) -> None:
    page = open_page(f"{studio(tmp_path / 'runs')}/#/work/writing")
    given = tmp_path / "writing.json"
    given.write_text('{"app": "writing", "format": 1, "data": {"own_words": ["groundup"]}}', encoding="utf-8")
    page.get_by_text("Its data: take out, bring in").click()
    page.get_by_label("Choose a file").set_input_files(given)
    page.get_by_text("1 taken in.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save its data").click()
    assert "groundup" in Path(download.value.path()).read_text(encoding="utf-8")
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    page.get_by_label("Choose a file").set_input_files(broken)
    page.locator("details[open] [role=status]", has_text="JSON").wait_for()
