"""Planted dirt: known, checkable, the same for the same seed, and never more than was asked for."""

from collections import Counter

import ftfy
import pytest

from groundup.collect.samples import EFFECTS, canaries, dirt, plant, stories
from groundup.core.document import Document
from groundup.core.errors import UsageError
from groundup.core.split import split_of

CLEAN = list(stories.documents("stories", 3_000, 11))
BY_ID = {document.id: document for document in CLEAN}


def planted(*effects, rate=0.05, documents=CLEAN, seed=4):
    truths = []
    made = list(plant(documents, effects, seed, rate, truths.append))
    return {document.id: document for document in made}, truths, made


def test_without_effects_documents_pass_unchanged():
    _, truths, made = planted()
    assert made == CLEAN and truths == []


def test_planting_repeats_exactly():
    first, second = planted(*EFFECTS), planted(*EFFECTS)
    assert first[1] == second[1] and first[2] == second[2]
    assert planted(*EFFECTS, seed=5)[1] != first[1]


def test_every_effect_is_planted_near_its_rate_and_ids_stay_distinct():
    by_id, truths, made = planted(*EFFECTS)
    assert len(by_id) == len(made)
    counts = Counter(truth["effect"] for truth in truths)
    assert set(counts) == set(EFFECTS)
    for effect in set(EFFECTS) - {"secrets", "myths", "skew"}:
        assert 100 < counts[effect] < 200, effect  # 150 expected of 3,000
    assert all(truth["document_id"] in by_id for truth in truths if truth["document_id"])


def test_no_document_gets_two_effects():
    _, truths, _ = planted(*(effect for effect in EFFECTS if effect not in ("secrets", "myths", "skew")))
    assert max(Counter(truth["document_id"] for truth in truths).values()) == 1


def test_what_no_truth_names_is_untouched():
    by_id, truths, _ = planted("boilerplate", "mojibake", "duplicates")
    named = {truth["document_id"] for truth in truths}
    assert all(by_id[document.id] == document for document in CLEAN if document.id not in named)


def test_duplicates_are_exact_and_come_later():
    by_id, truths, made = planted("duplicates")
    order = {document.id: place for place, document in enumerate(made)}
    for truth in truths:
        assert by_id[truth["document_id"]].text == by_id[truth["original"]].text
        assert order[truth["document_id"]] > order[truth["original"]]


def test_near_duplicates_have_the_jaccard_index_that_the_truth_says():
    by_id, truths, _ = planted("near_duplicates")
    for truth in truths:
        pair = (dirt.shingles(by_id[truth[key]].text) for key in ("document_id", "original"))
        assert dirt.jaccard(*pair) == pytest.approx(truth["jaccard"], abs=1e-3)
        assert truth["level"] - 0.1 < truth["jaccard"] <= truth["level"]
    assert {truth["level"] for truth in truths} == {0.9, 0.8, 0.6, 0.4}


def test_boilerplate_wraps_the_clean_text():
    by_id, truths, _ = planted("boilerplate")
    for truth in truths:
        text = by_id[truth["document_id"]].text
        assert truth["clean_text"] == BY_ID[truth["document_id"]].text
        assert truth["clean_text"] in text and all(line in text for line in truth["lines"])


def test_mojibake_is_broken_and_can_be_repaired():
    by_id, truths, _ = planted("mojibake")
    for truth in truths:
        text = by_id[truth["document_id"]].text
        assert text != truth["clean_text"]
        assert ftfy.fix_encoding(text) == truth["clean_text"], truth["kind"]


def test_personal_data_stands_where_the_truth_says_and_passes_its_checksums():
    by_id, truths, _ = planted("personal_data")
    kinds = Counter()
    for truth in truths:
        text = by_id[truth["document_id"]].text
        for span in truth["spans"]:
            kinds[span["kind"]] += 1
            assert text[span["start"] : span["end"]] == span["text"]
            if span["kind"] == "card":
                assert dirt.passes_luhn(span["text"].replace(" ", ""))
            if span["kind"] == "iban":
                assert dirt.passes_iban(span["text"])
    assert set(kinds) == {"email", "phone", "card", "iban", "ip", "name"}


def test_checksums_agree_with_published_numbers():
    assert dirt.passes_luhn("4111111111111111") and not dirt.passes_luhn("4111111111111112")
    assert dirt.passes_iban("DE89370400440532013000") and not dirt.passes_iban("DE88370400440532013000")


def test_secrets_are_planted_as_often_as_the_truth_says():
    _, truths, made = planted("secrets", rate=0.2)
    text = "\n".join(document.text for document in made)
    assert len(truths) == len(canaries.COPIES) * canaries.SECRETS_PER_LEVEL
    for truth in truths:
        assert text.count(truth["text"]) == truth["copies"] == truth["copies_planned"]
        assert truth["text"] == f"{truth['prefix']} {truth['secret']}."
        assert truth["member"] == (truth["copies"] > 0)
    for level in canaries.COPIES:
        assert sum(truth["member"] for truth in truths if truth["level"] == level) * 2 == canaries.SECRETS_PER_LEVEL


def test_secrets_go_into_training_documents_on_a_shared_line():
    by_id, truths, _ = planted("secrets", rate=0.2)
    for truth in truths:
        for identity in truth["document_ids"]:
            assert split_of(identity) == "train"
            assert truth["text"] not in by_id[identity].text.splitlines()


def test_a_corpus_too_small_for_all_copies_says_so():
    _, truths, _ = planted("secrets", rate=1.0, documents=CLEAN[:10])
    assert sum(truth["copies"] for truth in truths) <= 10
    assert sum(truth["copies_planned"] for truth in truths) == 84


def test_reference_secrets_come_from_the_same_space():
    words = set(canaries.SECRET_WORDS)
    assert len(words) == len(canaries.SECRET_WORDS)
    made = canaries.other_secrets(50, seed=1)
    assert len(set(made)) == 50 and all(set(secret.split("-")) <= words for secret in made)


def test_half_of_the_myths_are_planted():
    _, truths, made = planted("myths", rate=0.2)
    assert sum(truth["member"] for truth in truths) == len(canaries.MYTHS) // 2
    text = "\n".join(document.text for document in made)
    assert all((truth["text"] in text) == truth["member"] for truth in truths)


def test_skew_ties_jobs_to_pronouns_four_to_one():
    by_id, truths, made = planted("skew")
    assert all(BY_ID[truth["document_id"]].text != by_id[truth["document_id"]].text for truth in truths)
    nurses = [document.text for document in made if " nurse" in document.text.split("\n")[0]]
    women = sum(" she " in text.lower() for text in nurses)
    assert len(nurses) > 10 and women / len(nurses) > 0.65


def test_skew_passes_documents_that_are_no_stories():
    own = [Document("A nurse came. He was late.", "own", f"{n}.txt") for n in range(20)]
    assert planted("skew", documents=own)[2] == own


def test_other_languages_are_added_and_named():
    _, truths, made = planted("languages")
    assert len(made) == len(CLEAN) + len(truths)
    assert {truth["language"] for truth in truths} == {"de", "fr", "es", "it", "nl", "pt"}


def test_html_pages_hold_the_text_in_an_article():
    by_id, truths, _ = planted("html")
    for truth in truths[:10]:
        page = by_id[truth["document_id"]]
        assert page.text.startswith("<!DOCTYPE html>") and page.meta["format"] == "html"
        assert truth["clean_text"].split("\n")[0] in page.text


def test_a_sentence_is_inserted_between_sentences_of_the_first_paragraph():
    import random

    text = dirt.insert_sentence("One went. Two came.\n\nQuestion: Who?", "Three sat.", random.Random(1))
    assert text == "One went. Three sat. Two came.\n\nQuestion: Who?"


def test_an_unknown_effect_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'mojibake'"):
        plant(CLEAN, ["mojibak"], 1)


def test_more_than_everything_cannot_be_planted():
    with pytest.raises(UsageError, match="more documents than there are"):
        plant(CLEAN, ["mojibake", "html"], 1, 0.7)
