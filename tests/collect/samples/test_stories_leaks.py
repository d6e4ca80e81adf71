"""Nothing but the story gives the gold away: simple rivals that do not read it must fail (issue 1, C)."""

import re
from collections import Counter, defaultdict

import pytest

from groundup.collect.samples import stories

sklearn_text = pytest.importorskip("sklearn.feature_extraction.text")
linear = pytest.importorskip("sklearn.linear_model")

TRAIN = list(stories.generate(seed=3, count=4_000))
TEST = list(stories.generate(seed=3, count=1_000, start=4_000))


def test_a_bag_of_words_cannot_tell_the_sentiment():
    bag = sklearn_text.CountVectorizer()
    seen = bag.fit_transform([item.text for item in TRAIN])
    model = linear.LogisticRegression(max_iter=300).fit(seen, [item.good for item in TRAIN])
    accuracy = model.score(bag.transform([item.text for item in TEST]), [item.good for item in TEST])
    assert accuracy <= 0.75


def test_the_bag_of_words_rival_works_where_words_do_tell():
    """The same rival finds the topic, so its failure above is the stories' doing."""
    bag = sklearn_text.CountVectorizer()
    seen = bag.fit_transform([item.text for item in TRAIN])
    model = linear.LogisticRegression(max_iter=500).fit(seen, [item.topic for item in TRAIN])
    assert model.score(bag.transform([item.text for item in TEST]), [item.topic for item in TEST]) > 0.9


def test_questions_alone_do_not_give_the_answers():
    """The most frequent training answer to the same question, else to its words without names, else to its kind."""
    answers = defaultdict(Counter)
    for item in TRAIN:
        for question in item.questions:
            for key in keys_of(question):
                answers[key][question.answer] += 1
    right = total = 0
    for item in TEST:
        for question in item.questions:
            known = next(answers[key] for key in keys_of(question) if key in answers)
            right += known.most_common(1)[0][0] == question.answer
            total += 1
    assert right / total <= 0.25


def keys_of(question):
    without_names = re.sub(r"(?<!^)\b[A-Z]\w+", "X", question.question)
    return question.question, without_names, question.kind


def test_the_first_sentence_is_no_summary():
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    firsts = [(item.summary, item.sentences[0][0]) for item in TEST[:300]]
    assert sum(scorer.score(gold, first)["rougeL"].fmeasure for gold, first in firsts) / len(firsts) <= 0.45


def test_no_sentence_alone_is_the_summary():
    assert all(item.summary not in item.text for item in TEST)
