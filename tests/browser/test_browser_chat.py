"""Chat in a real browser: edit and branch, again, go on, two models, why, how sure, thumbs, files in and out, formulas."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fabricated_run import fabricate
from test_browser_studio import check_looks
from toy_speaker import ANSWER

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
Studio = Callable[..., str]


def say(page: Any, text: str) -> None:
    page.get_by_label("Your message", exact=True).fill(text)
    page.keyboard.press("Enter")
    page.locator(".end").wait_for()


def answers(page: Any) -> list[str]:
    return [text.strip() for text in page.locator(".turn.assistant .text").all_inner_texts()]


@pytest.fixture
def chat(open_page: Open, studio: Studio, tmp_path: Path) -> Callable[..., Any]:
    """A chat of its own runs folder, so that no other test's conversations are in it; two models."""

    def open_at(width: int = 1200, pause: float = 0.0) -> Any:
        for name in ("demo", "other"):
            if not (tmp_path / "runs" / name).exists():
                fabricate(tmp_path / "runs" / name, count=120, name=name)
        page = open_page(f"{studio(tmp_path / 'runs', pause)}/#/chat", width=width)
        page.locator(".opener").first.wait_for()
        page.locator("#model").select_option("demo")
        page.get_by_text("Talk to demo").wait_for()
        return page

    return open_at


def test_a_question_asked_anew_is_a_branch_and_the_old_one_stays(chat: Callable[..., Any]) -> None:
    page = chat()
    say(page, "say one")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Your message, anew").fill("say two")
    page.get_by_role("button", name="Ask anew").click()
    page.get_by_text("2 of 2").wait_for()
    page.locator(".end").wait_for()
    assert answers(page) == ["two"]
    page.get_by_role("button", name="The one before").click()
    page.get_by_text("1 of 2").wait_for()
    assert answers(page) == ["one"]
    page.reload()
    page.get_by_text("1 of 2").wait_for()
    assert answers(page) == ["one"]
    page.get_by_role("button", name="The next one").click()
    page.get_by_text("2 of 2").wait_for()
    assert answers(page) == ["two"]


def test_again_gives_another_answer_beside_the_first(chat: Callable[..., Any]) -> None:
    page = chat()
    say(page, "Hello!")
    page.get_by_role("button", name="Again").click()
    page.locator(".turn.assistant").get_by_text("2 of 2").wait_for()
    page.locator(".end").wait_for()
    assert page.locator("input[name=temperature]").input_value() == "0.7" and answers(page) == [ANSWER]


def test_a_stopped_answer_is_gone_on_with(chat: Callable[..., Any]) -> None:
    page = chat(pause=0.5)
    page.locator(".opener").first.click()
    page.wait_for_function("() => document.querySelector('.writing')?.textContent.length > 8")
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    begun = answers(page)[0]
    assert ANSWER.startswith(begun) and begun != ANSWER
    page.get_by_role("button", name="Continue").click()
    page.locator(".end", has_text="tokens").wait_for()
    assert answers(page) == [ANSWER]
    page.reload()
    page.locator(".turn.assistant .text").wait_for()
    assert answers(page) == [ANSWER]


def test_two_models_answer_beside_each_other_and_one_is_gone_on_with(chat: Callable[..., Any]) -> None:
    page = chat()
    page.get_by_label("A second model beside it").select_option("other")
    say(page, "Hello!")
    assert page.locator(".pair .who").all_inner_texts() == ["demo", "other"] and answers(page) == [ANSWER, ANSWER]
    check_looks(page)
    page.get_by_role("button", name="Go on with this").click()
    page.locator(".turn.taken", has_text="other").wait_for()
    page.get_by_label("A second model beside it").select_option("")
    say(page, "say next")
    assert page.locator(".who").all_inner_texts() == ["other"] and answers(page) == [ANSWER, "next"]


@pytest.mark.parametrize("width", [1200, 390])
def test_an_answer_says_why_and_how_sure_it_was(chat: Callable[..., Any], width: int) -> None:
    page = chat(width=width)
    say(page, "Hello my friend")
    page.get_by_role("button", name="Why").click()
    page.locator(".layers .decided").wait_for()
    assert page.locator(".word.for").all_inner_texts() == ["Hello"]
    assert page.locator("#command").inner_text() == "groundup explain demo --prompt 'Hello my friend'"
    check_looks(page)
    page.get_by_role("button", name="How sure").click()
    page.locator(".sure").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator(".side .bars li").first.wait_for()
    assert "had probability 0.01" in page.locator(".side [role=status]").inner_text()
    assert page.locator(".token").nth(1).get_attribute("class") == "token h5 chosen"
    check_looks(page)
    page.get_by_role("button", name="Close").click()
    page.locator(".sure").wait_for(state="detached")


def test_thumbs_are_kept_and_go_out_as_lines(chat: Callable[..., Any]) -> None:
    page = chat()
    say(page, "Hello!")
    page.get_by_role("button", name="Bad").click()
    page.reload()
    page.locator("button[aria-pressed=true]", has_text="Bad").wait_for()
    with page.expect_download() as caught:
        page.get_by_role("link", name="Thumbs as JSONL").click()
    assert caught.value.suggested_filename == "thumbs.jsonl"
    turns = [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": ANSWER}]
    assert json.loads(caught.value.path().read_text()) == {"messages": turns, "thumb": "down"}


def test_a_conversation_goes_out_to_a_file_and_in_again(chat: Callable[..., Any], tmp_path: Path) -> None:
    page = chat()
    say(page, "say kept")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Save this one").click()
    file = tmp_path / "conversation.json"
    caught.value.save_as(file)
    before = page.url
    page.locator(".past input[type=file]").set_input_files(file)
    page.wait_for_url(lambda address: address != before and "/chat/" in address)
    page.get_by_text("kept", exact=True).wait_for()
    assert answers(page) == ["kept"]
    plain = {"model": "demo", "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}
    file.write_text(json.dumps(plain))
    page.locator(".past input[type=file]").set_input_files(file)
    page.get_by_role("paragraph").filter(has_text="Q").first.wait_for()
    assert answers(page) == ["A"]
    file.write_text("[]")
    page.locator(".past input[type=file]").set_input_files(file)
    page.get_by_text("This is no conversation").wait_for()


def test_formulas_are_drawn_and_prices_are_not(chat: Callable[..., Any]) -> None:
    page = chat()
    say(page, r"say costs $5 or $6, but $\frac{1}{2} \leq x_i^2$ and \(\sqrt{y}\) and $\unknown{a}$")
    text = page.locator(".turn.assistant .text")
    assert text.locator("math").count() == 2 and text.locator("math mfrac").count() == 1
    assert text.locator("math msubsup").count() == 1 and text.locator("math msqrt").count() == 1
    assert text.locator("code").inner_text() == r"\unknown{a}" and "costs $5 or $6, but" in text.inner_text()
    say(page, r"say $\text{<img src=x onerror=alert(1)>}$")
    assert page.locator(".talk img").count() == 0


def test_a_long_word_does_not_push_the_page_wider_than_a_phone(chat: Callable[..., Any]) -> None:
    page = chat(width=390)
    say(page, f"say /home/{'x' * 120}/index.json `{'y' * 120}`")
    check_looks(page)
    page.get_by_role("button", name="Where from").click()
    page.locator(".panel-head").wait_for()
    check_looks(page)
