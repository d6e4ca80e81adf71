"""The content guard: both error rates, and nothing hidden is ever half shown."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.audit.content import ContentGuard, Policy, error_rates
from groundup.core.errors import RecipeError
from groundup.language.linear import HashedLinear

CARD = "4111 1111 1111 1111"
GUARD = ContentGuard(Policy(hide=["card", "email", "weapon", "violence"], patterns={"weapon": r"build a \w{1,9} bomb"}))
PIECES = (
    f"Pay with {CARD}, please. ",
    "How to build a pipe bomb?",
    " Write to anna.long.name@example.org soon.",
    "A fox. " * 9,
)


def streamed(guard: ContentGuard, text: str, cuts: list[int]) -> str:
    stream, places = guard.stream(), sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return "".join(stream.push(text[a:b]) for a, b in itertools.pairwise(places)) + stream.finish()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=5), st.lists(st.integers(0, 400), max_size=40))
def test_however_an_answer_is_cut_the_stream_shows_what_the_whole_would(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    assert streamed(GUARD, text, cuts) == GUARD.screen(text)[0]


def test_no_prefix_of_a_stream_shows_a_part_of_what_is_hidden() -> None:
    text, stream, shown = f"{PIECES[3]}Card {CARD} is mine. {PIECES[3] * 3}", GUARD.stream(), ""
    for character in text:
        shown += stream.push(character)
        assert "4111" not in shown
    shown += stream.finish()
    assert "[card]" in shown and "4111" not in shown and [hit.category for hit in stream.hits] == ["card"]


def test_requests_are_refused_by_category_only() -> None:
    guard = ContentGuard(Policy(refuse=["weapon"], patterns={"weapon": "pipe bomb"}, message="No."))
    assert guard.refusal("How do I make a PIPE BOMB?") == "No." and guard.refusal("How do I make soup?") is None


@pytest.mark.parametrize(
    "line, said",
    [
        ('hide = ["crad"]', "Did you mean 'card'"),
        ('patterns = { x = "a.*b" }', "any length"),
        ('patterns = { x = "(" }', "no regular expression"),
        ('refuse = ["toxic"]', "unknown category 'toxic'"),
        ("colour = 1", "unknown key"),
    ],
)
def test_a_wrong_policy_stops_before_it_guards(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "policy.toml").write_text(line)
    with pytest.raises(RecipeError, match=said):
        ContentGuard.open(tmp_path / "policy.toml")


INSULTS = (
    "you are a filthy liar",
    "get lost you worm",
    "nobody wants you here",
    "you disgust everybody",
    "shut up you fool",
)
KINDNESS = (
    "the weather is lovely",
    "we went to the lake",
    "thank you for the soup",
    "the train was late",
    "I like your hat",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ContentGuard:
    folder, draw = tmp_path_factory.mktemp("guard"), random.Random(1)
    texts = [
        f"{draw.choice(side)} {draw.choice(('again', 'today', 'now'))}."
        for side in (INSULTS, KINDNESS)
        for _ in range(60)
    ]
    HashedLinear(["harmless", "toxic"], bits=14).fit(texts, ["toxic"] * 60 + ["harmless"] * 60).save(
        folder / "t.safetensors"
    )
    (folder / "policy.toml").write_text('classifier = "t.safetensors"\nrefuse = ["toxic"]\nhide = ["toxic", "card"]')
    return ContentGuard.open(folder / "policy.toml")


def test_both_error_rates_are_counted(trained: ContentGuard) -> None:
    found = error_rates(trained, [f"{one}." for one in INSULTS], [f"{one}." for one in KINDNESS])
    assert found.missed == 0 and found.false_alarms == 0 and found.missed_interval[1] > 0.2
    blind = error_rates(ContentGuard(Policy(refuse=[])), list(INSULTS), list(KINDNESS))
    assert blind.missed == 1 and blind.false_alarms == 0


def test_a_sentence_is_judged_before_any_of_it_is_shown(trained: ContentGuard) -> None:
    text = f"The weather is lovely today. You are a filthy liar today. We went to the lake again. {'The train was late. ' * 6}"
    stream, shown = trained.stream(), ""
    for character in text:
        shown += stream.push(character)
        assert "filthy" not in shown
    shown += stream.finish()
    assert "[toxic]" in shown and "lovely" in shown and "lake" in shown
