"""The small world: as long, as varied and as answerable as promised."""

import re

import pytest

from groundup.collect.samples import stories
from groundup.collect.samples.stories import grammar, language, lexicon, world
from groundup.core.document import document_id

FEW = list(stories.generate(seed=7, count=2_000))


def test_a_story_depends_on_seed_and_number_only():
    again = list(stories.generate(seed=7, count=3, start=100))
    assert [item.document_text for item in again] == [item.document_text for item in FEW[100:103]]
    assert next(stories.generate(seed=8, count=1)).text != FEW[0].text


def test_stories_have_50_to_80_words():
    lengths = [len(item.text.split()) for item in FEW]
    assert min(lengths) >= 50 and max(lengths) <= 80


def test_no_two_of_50_000_stories_are_alike_and_they_use_2_000_words():
    texts = {item.text for item in stories.generate(seed=1, count=50_000)}
    assert len(texts) == 50_000
    assert len({word for text in texts for word in re.findall(r"[a-z'-]+", text.lower())}) >= 2_000


def test_every_answer_stands_in_the_story():
    for item in FEW:
        assert [question.kind for question in item.questions if question.answer.lower() not in item.text.lower()] == []
        assert {question.kind for question in item.questions} == set(grammar.QUESTIONS)


def test_answers_are_short_and_no_question_holds_its_answer():
    for item in FEW:
        for question in item.questions:
            assert len(question.answer.split()) <= 7  # "to find a thin pair of shears"
            assert question.answer not in question.question


def test_articles_agree_with_the_next_word():
    for item in FEW:
        for article, word in re.findall(r"\b(an?) (\w+)", item.document_text):
            assert (article == "an") == (word[0] in "aeiou"), item.text


def test_pronouns_agree_with_the_hero():
    for item in FEW:
        names = lexicon.MEN if item.facts["he"] == "he" else lexicon.WOMEN
        assert item.facts["name"] in names
        other = r"\b[Ss]he\b|\bher\b" if item.facts["he"] == "he" else r"\b[Hh]e\b|\bhis\b"
        assert not re.search(other, item.text)


def test_hero_and_friend_are_two_people():
    assert all(item.facts["name"] != item.facts["friend"] for item in FEW)
    twins = next(item for item in FEW if item.facts["he"] == "he")
    assert world.story(7, twins.index, pronoun="he").text == twins.text
    assert world.story(7, twins.index, pronoun="she").facts["he"] == "she"


def test_endings_and_pronouns_are_balanced():
    assert 0.45 < sum(item.good for item in FEW) / len(FEW) < 0.55
    assert 0.45 < sum(item.facts["he"] == "he" for item in FEW) / len(FEW) < 0.55


def test_good_and_bad_outcomes_use_the_same_words():
    good = sorted(word for (text, _), _ in grammar.OUTCOME for word in re.findall(r"\w+", text))
    bad = sorted(word for _, (text, _) in grammar.OUTCOME for word in re.findall(r"\w+", text))
    assert good == bad


def test_half_of_the_documents_carry_questions_and_answers():
    with_questions = [item for item in FEW if item.has_questions_behind]
    assert 0.45 < len(with_questions) / len(FEW) < 0.55
    assert all(item.document_text == item.text for item in FEW if not item.has_questions_behind)
    carried = with_questions[0]
    first = carried.questions[0]
    assert f"\nQuestion: {first.question}\nAnswer: {first.answer}\n" in carried.document_text
    assert f"\nQuestion: {world.ENDING_QUESTION}\nAnswer: {carried.sentiment}\n" in carried.document_text
    assert carried.document_text.endswith(f"\nSummary: {carried.summary}")


def test_every_sentence_has_one_translation_in_another_order():
    words = language.dictionary()
    assert len(set(words.values())) == len(words)
    for item in FEW[:200]:
        assert " ".join(sentence for sentence, _ in item.translation) == item.text
    assert language.translate("Mara Elmford+ka baker be+en") == f"Mara Elmford-ka {words['baker']} {words['be']}en."


def test_velmish_tells_good_from_bad_endings():
    facts = {**FEW[0].facts, "thing_gloss": "lantern green"}
    for good, bad in grammar.OUTCOME:
        assert language.translate(good[1].format(**facts)) != language.translate(bad[1].format(**facts))


def test_documents_name_their_source_and_licence():
    document = next(stories.documents("tales", 1, 7))
    assert (document.source, document.path, document.licence, document.language) == (
        "tales",
        "story-000000",
        "Apache-2.0",
        "en",
    )
    assert next(stories.documents("tales", 1, 7, "CC0-1.0")).licence == "CC0-1.0"
    assert world.story(document.meta["seed"], document.meta["index"]).document_text == document.text


@pytest.mark.parametrize("kind", ["answers", "sentiment", "summaries", "chat", "translation", "emotion", "topic"])
def test_examples_of_every_kind_follow_their_document(kind):
    made = list(stories.examples("tales", 20, 7)[kind])
    assert {example.document_id for example in made} == {document_id("tales", f"story-{n:06d}") for n in range(20)}
    for example in made:
        assert [turn["role"] for turn in example.messages] == ["user", "assistant"] * (len(example.messages) // 2)
        assert all(turn["content"] for turn in example.messages)
        if example.choices:
            assert example.label in example.choices
        for span in example.spans:
            assert example.text[span["start"] : span["end"]].lower() == example.target.lower()


def test_answers_to_tune_on_are_not_those_behind_the_document():
    examples = list(stories.examples("tales", 50, 7)["answers"])
    shown = {item.text: item.document_text for item in FEW[:50]}
    assert all(f"Question: {example.question}\n" not in shown[example.text] for example in examples)


def test_limit_bounds_the_stories_that_examples_are_made_from():
    assert len(list(stories.examples("tales", 50, 7, limit=5)["sentiment"])) == 5
