"""The tagger of names, national numbers, the audit log and the leak bound."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.errors import ArtifactError
from groundup.language import names
from groundup.language.leak import leak_bound, suspects
from groundup.language.personal import ALL_KINDS, find, log_entries, mask


def found(text, *kinds):
    return [(item.kind, item.text) for item in find(text, kinds or ALL_KINDS)]


def test_names_are_found_only_when_asked_for():
    text = "My name is Ludmila Novotna, call 541-714-1388."
    assert found(text, "email", "phone") == [("phone", "541-714-1388")]
    assert ("person", "Ludmila Novotna") in found(text)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("Please ask Anna's mother to come.", ("person", "Anna")),
        ("my name is tereza novakova", ("person", "tereza novakova")),
        ("He turned 61 last week.", ("age", "61")),
        ("I live in Portugal.", ("place", "Portugal")),
        ("I used to work for Northern Analytics Inc.", ("organization", "Northern Analytics Inc")),
    ],
)
def test_what_only_context_tells(text, finding):
    assert any(kind == finding[0] and finding[1] in value for kind, value in found(text))


def test_plain_sentences_hold_nobody():
    assert found("How can I change my plan? The weather was fine, so we walked home.") == []


def test_a_long_text_is_tagged_in_chains_that_cover_it():
    text = "Nobody came. " * 300 + "My name is Ludmila Novotna."
    assert [value for kind, value in found(text, "person")] == ["Ludmila Novotna"]


def test_saving_keeps_the_findings(tmp_path):
    tagger = names.default_tagger()
    names.save(tagger, tmp_path / "names.zst")
    text = "Dr. Eva Horvat met Karl at 12 Elm Street in Vienna."
    assert names.load(tmp_path / "names.zst").find(text) == tagger.find(text)
    (tmp_path / "broken.zst").write_bytes(b"broken")
    with pytest.raises(ArtifactError, match="tagger of names"):
        names.load(tmp_path / "broken.zst")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120) | st.text(alphabet="0123456789 -+().@:/,AZazx\n<>", max_size=200))
def test_any_text_gives_findings_in_order_inside_it(text):
    place = 0
    for item in find(text, ALL_KINDS):
        assert text[item.start : item.end] == item.text and item.start >= place
        place = item.end
    mask(text, find(text, ALL_KINDS), "pseudonym", "k")


NATIONAL = [
    "NINO AB 12 34 56 C",
    "NHS number 943 476 5919",
    "DNI 12345678Z",
    "NIE X1234567L",
    "RSSMRA85T10A562S",
    "NIR 2 55 08 14 168 025 38",
    "Steuer-ID 86095742719",
    "BSN 111222333",
    "85.07.30-033.28",
    "PESEL 44051401359",
    "131052-308T",
    "personnummer 811228-9874",
    "CPF 111.444.777-35",
    "11010519491231002X",
    "Aadhaar 2341 2341 2346",
    "SIN 130 692 544",
    "TFN 123 456 782",
]


@pytest.mark.parametrize("text", NATIONAL)
def test_national_numbers_pass_their_check_and_fail_it_with_one_digit_changed(text):
    assert [item.kind for item in find(text)] == ["national_id"]
    place = max(i for i, c in enumerate(text) if c.isdigit())
    changed = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
    if not text.startswith("NINO"):  # has no check digit
        assert not any(item.kind == "national_id" for item in find(changed))


def test_the_log_holds_no_secret_and_the_same_hash_for_the_same_person():
    text = "a@b.org wrote to A@b.org"
    first, second = log_entries(find(text), "key")
    assert first["hash"] == second["hash"] != log_entries(find(text), "other")[0]["hash"]
    assert "b.org" not in str([first, second])


def test_the_leak_bound_counts_documents_that_still_look_suspicious():
    masked = ["Write to [email].", "My number: 12 34 56 78.", "jo (at) example", "Nothing here."]
    bound = leak_bound(masked)
    assert (bound.documents, bound.suspect, bound.kinds) == (4, 2, {"number": 1, "email": 1})
    assert bound.low < 0.5 < bound.high
    assert suspects("Dr. Evans came", ["person"])[0].text == "Dr. Evans"


@pytest.mark.parametrize("piece", ["A ", "Mr. ", "<", "9 ", "Ab'", "1-", "ITIN ", "card ", "a1B"])
def test_time_stays_linear_with_names_and_suspects(piece):
    def seconds(size):
        text = piece * (size // len(piece))
        start = time.process_time()
        find(text, ALL_KINDS)
        suspects(text, ["email", "number", "person", "key"])
        return time.process_time() - start

    seconds(500)
    # Quadratic time would take 64 times as long for 8 times the text; the best of five on both sides, and 32 for noise
    short, long = (min(seconds(size) for _ in range(5)) for size in (2_000, 16_000))
    assert long < 32 * max(short, 0.01)
