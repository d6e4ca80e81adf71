"""Small talk: varied openers, few answers, a held-out set that training never shows, and a judge that can say no."""

import pytest

from groundup.collect.samples import small_talk

MADE = list(small_talk.examples("talk", 4_000, 5)["chat"])


def openers(examples):
    return [turn["content"] for example in examples for turn in example.messages if turn["role"] == "user"]


def test_conversations_repeat_exactly_by_seed():
    assert list(small_talk.examples("talk", 20, 5)["chat"]) == MADE[:20]
    assert list(small_talk.examples("talk", 20, 6)["chat"]) != MADE[:20]


def test_openers_vary_and_no_slot_stays_open():
    made = openers(MADE)
    assert len(set(made)) > 2_000
    assert not [opener for opener in made if "{" in opener or "|" in opener or "  " in opener]


def test_every_opener_has_one_answer_only():
    """A model cannot learn two answers to one opener."""
    answers = {}
    for example in MADE:
        for user, assistant in zip(example.messages[::2], example.messages[1::2], strict=True):
            plain = small_talk._plain(user["content"])
            assert answers.setdefault(plain, assistant["content"]) == assistant["content"], plain


def test_50_openers_are_held_out_and_never_shown():
    held = small_talk.held_out()
    assert len(held) == 50
    assert {example.label for example in held} == set(small_talk.ANSWERS)
    shown = {small_talk._plain(opener) for opener in openers(MADE)}
    assert not [example for example in held if small_talk._plain(example.messages[0]["content"]) in shown]


@pytest.mark.parametrize("opener", small_talk.OPENERS)
def test_the_three_first_openers_are_often_trained(opener):
    assert openers(MADE).count(opener) > 20


def test_the_judge_accepts_each_kind_its_own_answer_and_no_other():
    for example in small_talk.held_out():
        for kind, answer in small_talk.ANSWERS.items():
            assert small_talk.sensible(example, answer) == (kind == example.label), (example.label, answer)


@pytest.mark.parametrize("answer", ["", "the baker", "Hello " * 50])
def test_the_judge_refuses_nothing_nonsense_and_rambling(answer):
    assert not [example for example in small_talk.held_out() if small_talk.sensible(example, answer)]


def test_the_split_follows_the_opener_however_it_is_written():
    by_opener = {}
    for example in MADE:
        plain = small_talk._plain(example.messages[0]["content"])
        assert by_opener.setdefault(plain, example.document_id) == example.document_id


def test_documents_are_written_out_once_each():
    made = list(small_talk.documents("talk", 500, 5))
    assert len({document.id for document in made}) == len(made) > 300
    assert made[0].text.startswith("User: ") and "\nAssistant: " in made[0].text
