"""The writing desk corrects, drafts, shortens and compares; every change can be looked at, and nothing is invented."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from groundup.apps.base import do
from groundup.apps.writing import drafts, originality, quality, shorten
from groundup.apps.writing.app import NOT_ENGLISH, NOTHING_WRONG, Writing
from groundup.apps.writing.candidates import REASONS
from groundup.apps.writing.corrector import Corrector, apply, as_tokens, shipped
from groundup.apps.writing.counts import Counts
from groundup.apps.writing.evaluate import word_edits
from groundup.apps.writing.forms import CONFUSED, family
from groundup.apps.writing.mistakes import SHARES, spoil
from groundup.apps.writing.phrases import KINDS, TONES
from groundup.apps.writing.scoring import RARE, Tally, best_thresholds, careful_thresholds, f_half
from groundup.core.document import Document
from groundup.core.errors import ArtifactError, DataError, UsageError
from groundup.language.words import words

RIGHT = "The old man walks to the shop every morning and buys bread for his wife ."


@pytest.fixture(scope="module")
def writing() -> Writing:
    return Writing()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("I recieved your letter.", "received"),
        ("It is a beatiful morning.", "beautiful"),
        ("They didnt come home.", "didn't"),
        ("The the report is ready.", "The report"),
        ("He has alot of friends.", "a lot"),
        ("Then i went home.", "Then I"),
    ],
)
def test_plain_mistakes_are_mended(writing: Writing, wrong: str, right: str) -> None:
    assert right in writing.ask(wrong).text


def test_every_suggestion_stands_where_it_says_and_has_a_reason(writing: Writing) -> None:
    text = "I recieved the the letter becuase  he didnt\ncome."
    answer = writing.ask(text)
    for edit in answer.edits:
        assert text[edit["start"] : edit["end"]] == edit["before"]
        assert edit["reason"] in REASONS.values() and 0 < edit["confidence"] <= 1
    assert answer.text == apply(text, shipped().suggest(text))


def test_a_right_text_is_left_alone(writing: Writing) -> None:
    answer = writing.ask("The house stands on a hill above the river.")
    assert answer.text == NOTHING_WRONG and not answer.edits and not answer.found


def test_own_words_are_no_mistakes_and_come_back_from_a_file(tmp_path: Path) -> None:
    made = Writing(tmp_path)
    assert made.ask("They recieve it.").edits
    assert made.import_data({"own_words": ["recieve"]}) == 1
    assert not made.ask("They recieve it.").edits
    assert Writing(tmp_path).export_data() == {"own_words": ["recieve"]}


@pytest.mark.parametrize("given", [{}, {"own_words": "x"}, {"own_words": [1]}])
def test_other_data_is_refused(writing: Writing, given: dict[str, object]) -> None:
    with pytest.raises(DataError):
        writing.import_data(given)


def test_undoing_a_mistake_gives_the_sentence_back() -> None:
    counts = shipped().counts
    chance = random.Random(3)
    sentence = RIGHT.split()
    kinds = set()
    for _ in range(400):
        wrong, edits = spoil(sentence, counts, chance)
        for edit in sorted(edits, key=lambda one: -one.first):
            wrong[edit.first : edit.last] = edit.words
            kinds.add(edit.kind)
        assert wrong == sentence
    assert kinds >= {"spelling", "form", "article", "preposition", "twice"} and kinds <= set(SHARES)


def test_a_corrector_learns_from_a_few_sentences_and_survives_its_file(tmp_path: Path) -> None:
    right = [
        one.split()
        for one in ("The cat sits on the mat .", "A dog runs in the park .", "The dog sits in the sun .") * 20
    ]
    made = Corrector(Counts.of(right))
    made.fit(right, copies=4)
    wrong = as_tokens(["The", "catt", "sits", "on", "the", "mat", "."])
    assert ("cat",) in [one.words for one, _ in made.chosen(wrong)]
    made.save(tmp_path / "c.zst")
    again = Corrector.load(tmp_path / "c.zst")
    assert again.counts.words == made.counts.words and [c for c, _ in again.chosen(wrong)] == [
        c for c, _ in made.chosen(wrong)
    ]


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x28\xb5\x2f\xfd\x00"])
def test_a_damaged_corrector_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.zst").write_bytes(content)
    with pytest.raises(ArtifactError):
        Corrector.load(tmp_path / "c.zst")


def test_forms_and_confusions_are_symmetric() -> None:
    assert (
        "went" in family("go")
        and "go" in family("went")
        and "stopped" in family("stop")
        and "stop" in family("stopped")
    )
    assert all(
        word in {one.lower() for one in CONFUSED[other.lower()]} for word in CONFUSED for other in CONFUSED[word]
    )


def test_f_half_by_hand() -> None:
    # P = 3/4, R = 3/6: 1.25 * .75 * .5 / (.25 * .75 + .5) = .6818
    assert f_half(3, 4, 6) == pytest.approx(0.6818, abs=1e-4)
    assert f_half(0, 0, 5) == 0.0
    tally = Tally()
    for _ in range(10):
        tally.add([(0.9, True, "form"), (0.6, False, "form")], 1, ["form"])
    tally.add([(0.9, True, "comma")], 1, ["comma"])
    assert tally.at(0.7)["precision"] == 1.0
    assert best_thresholds(tally)["form"] > 0.6 and best_thresholds(tally)["comma"] == RARE


def test_thresholds_rise_until_right_text_is_left_alone() -> None:
    tally = Tally([(0.96, True, "form"), (0.7, True, "spelling")], [(2, 2, 2)], 2)
    right = [[(0.92, "form")], [(0.65, "spelling")], [(0.65, "spelling")], *[[]] * 97]
    start = {"form": 0.5, "spelling": 0.5}
    assert careful_thresholds(tally, right, start, 0.03) == start  # three of a hundred are allowed
    one = careful_thresholds(tally, right, start, 0.01)
    assert one["form"] == 0.5 and 0.65 < one["spelling"] <= 0.7  # frees two, gives up nothing
    none = careful_thresholds(tally, right, start, 0.0)
    assert 0.92 < none["form"] <= 0.96


def test_word_edits_tell_what_changed() -> None:
    assert word_edits("I seen it", "I saw it") == {(1, 2, ("saw",))}
    assert word_edits("the the cat", "the cat") != set() and word_edits("same", "same") == set()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "poem"])
@pytest.mark.parametrize("tone", TONES)
def test_drafts_hold_every_point_at_the_length_and_tone_asked_for(kind: str, tone: str) -> None:
    points = ("a warm kitchen", "the garden is open on Sunday", "free parking")
    text = drafts.draft(drafts.Order(kind, "the new house", points, tone, 80, "Ann", "Bo"))
    assert all(quality.covered(point, text) == 1.0 for point in points)
    rows = {row["what"]: row["ok"] for row in quality.judged(text, length=80, points=points, tone=tone)}
    assert rows["length in words"] and rows["points covered"] and rows["repetition"]


def test_a_poem_rhymes_by_construction() -> None:
    text = drafts.draft(drafts.Order("poem", "spring", ("the first green leaf", "a bird"), "plain"))
    lines = [line for line in text.splitlines() if line][1:]
    assert len(lines) == 4 and lines[0].endswith("light,") and lines[1].endswith("night.")


def test_a_bigger_model_is_asked_again_and_its_best_draft_is_kept() -> None:
    asked: list[str] = []

    def generate(messages: list[dict[str, str]]) -> str:
        asked.append(messages[-1]["content"])
        missing = "The tea is green. " if len(asked) > 1 else ""
        return f"This is about tea. {missing}The cup is blue. It is a plain text."

    order = drafts.Order("article", "tea", ("green tea", "a blue cup"), "plain")
    assert "green" in drafts.draft(order, generate)
    assert len(asked) >= 2 and "left out: green tea" in asked[1]


def test_a_model_that_is_down_costs_nothing() -> None:
    def down(_: object) -> str:
        raise DataError("down")

    order = drafts.Order("e-mail", "tea", ("green tea",), "plain")
    assert drafts.draft(order, down) == drafts.draft(order)
    assert shorten.phrased("Tom pays 5 dollars.", "Shorten", down, "own") == "own"


def test_a_bigger_model_corrects_by_suggestions_beside_our_own() -> None:
    text = "I recieved the letter from there office."
    made = Writing(generate=lambda messages: "I received the letter from their office yesterday.").ask(text)
    assert [(one["before"], one["after"], one["kind"]) for one in made.edits] == [
        ("recieved", "received", "spelling"),
        ("there", "their", "model"),
        ("", " yesterday", "model"),
    ]
    assert made.text == "I received the letter from their office yesterday."
    for other in ("", "Something else was written here by somebody.", "I received 5 letters from Bob."):
        edits = Writing(generate=lambda messages, other=other: other).ask(text).edits
        assert [one["kind"] for one in edits] == ["spelling"]  # another text, a number or a name of its own: ours alone


def test_a_model_may_not_bring_numbers_or_names_of_its_own() -> None:
    text = "The lamp costs 40 dollars, said Ann."
    assert shorten.phrased(text, "x", lambda _: "It costs 45 dollars.", "own") == "own"
    assert shorten.phrased(text, "x", lambda _: "It is so, said Bob Miller.", "own") == "own"
    assert shorten.phrased(text, "x", lambda _: "The lamp costs 40 dollars.", "own") == "The lamp costs 40 dollars."


def test_summaries_and_short_texts_are_made_of_the_texts_own_sentences() -> None:
    text = "Lamps need light bulbs. Our lamps are made of oak. Oak lamps last long and need few light bulbs. Bye."
    made = shorten.summarize(text, 1)
    assert made in text and made.lower().count("lamps") == 1 and "Bye" not in made
    assert len(words(shorten.shorten(text, 12))) <= 13
    assert shorten.shorten("In order to win, run.", 100) == "To win, run."
    assert shorten.rewrite("Hi Tom, I can't come.", "formal") == "Dear Tom, I cannot come."


def test_copied_words_are_found_with_their_place() -> None:
    library = originality.Library(
        [Document(text="Four score and seven years ago our fathers brought forth a nation.", source="s", path="speech")]
    )
    text = "He said: four score and seven years ago our fathers went home."
    (found,) = library.copied(text)
    assert found.text == "four score and seven years ago our fathers" and text[found.start : found.end] == found.text
    assert originality.share(text, [found]) == pytest.approx(8 / 12)
    assert library.copied("Nothing of this was ever said before by anybody at all.") == []


def test_actions_check_their_values(writing: Writing) -> None:
    for action in writing.actions():
        assert do(writing, action.name, action.example).text
    for values in ({"tone": "rude"}, {"nothing": "x"}, {"words": "many"}, {"points": "x" * 60_000}):
        with pytest.raises(UsageError):
            do(writing, "draft", values)
    with pytest.raises(UsageError, match="draft"):
        do(writing, "drat", {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00",
        "?",
        "a" * 100_000,
        "\ud800",
        "\u202e" * 50,
        "<script>alert(1)</script>",
        "a b " * 20_000,
        "{}",
        "Draft:",
        "Summarize:",
        "Shorten: ",
    ],
)
def test_bad_input_is_answered(writing: Writing, text: str) -> None:
    json.dumps(writing.ask(text[:20_000]).text)


def test_another_language_is_not_corrected(writing: Writing) -> None:
    german = "Der Hund lief durch den Wald und suchte seinen Herrn, der schon lange nach Hause gegangen war."
    assert writing.ask(german).text == NOT_ENGLISH


def test_tones_that_were_never_seen_are_mostly_told_apart() -> None:
    assert (
        max(quality.tone_of("We hereby acknowledge receipt of your complaint.").items(), key=lambda one: one[1])[0]
        == "formal"
    )
    assert max(quality.tone_of("Thanks so much, you guys rock!").items(), key=lambda one: one[1])[0] == "friendly"
