"""Text metrics equal the packages that papers use: rouge-score, sacrebleu, and SQuAD's rules."""

import random

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from groundup.metrics.answers import exact_match, normalize_answer, token_f1
from groundup.metrics.character_overlap import chrf
from groundup.metrics.edits import edit_distance, word_error_rate
from groundup.metrics.summary_overlap import rouge
from groundup.metrics.word_overlap import bleu, bleu_words

words = st.lists(st.sampled_from(["the", "cat", "sat", "on", "mat", "Cat's", "3.5", "\n", "caf\u00e9"]), max_size=25)
texts = words.map(" ".join)
SCORER = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])


@settings(deadline=None)
@given(texts, texts)
def test_rouge_equals_rouge_score(reference, summary):
    theirs = {name: score.fmeasure for name, score in SCORER.score(reference, summary).items()}
    assert rouge(reference, summary) == pytest.approx(theirs)


def test_rouge_of_a_known_pair():
    assert rouge("the cat sat on the mat", "the cat lay on the mat")["rougeL"] == pytest.approx(5 / 6)


def _sentences(seed, count=8):
    rng = random.Random(seed)
    pool = ["the", "cat", "sat", "on", "a", "mat", ",", "3.14", "well-known", "U.S.", '"yes"', "&amp;", "10-15", "end."]
    return [" ".join(rng.choices(pool, k=rng.randint(0, 14))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(20))
def test_bleu_equals_sacrebleu(seed):
    references, hypotheses = _sentences(seed), _sentences(seed + 100)
    assert bleu(references, hypotheses) == pytest.approx(sacrebleu.corpus_bleu(hypotheses, [references]).score)


@pytest.mark.parametrize("seed", range(10))
def test_bleu_with_several_references_equals_sacrebleu(seed):
    first, second, hypotheses = _sentences(seed), _sentences(seed + 50), _sentences(seed + 100)
    ours = bleu(list(zip(first, second, strict=True)), hypotheses)
    assert ours == pytest.approx(sacrebleu.corpus_bleu(hypotheses, [first, second]).score)


@given(st.text(alphabet="ab1.,-'\"&;!?()[] \n\u00e9", max_size=40))
def test_bleu_words_equal_sacrebleu_13a(text):
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    assert bleu_words(text) == Tokenizer13a()(text).split()


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_chrf_equals_sacrebleu(pairs):
    references, hypotheses = map(list, zip(*pairs, strict=True))
    assert chrf(references, hypotheses) == pytest.approx(sacrebleu.corpus_chrf(hypotheses, [references]).score)


@pytest.mark.parametrize(
    ("gold", "predicted", "exact", "f1"),
    [
        ("The Cat!", "cat", 1, 1),
        ("a red house", "red car", 0, 0.5),
        (["Paris", "city of Paris"], "the city of paris.", 1, 1),
        ("", "", 1, 1),
        ("", "something", 0, 0),
        ("blue", "", 0, 0),
        ("the the", "cat", 0, 0),
        ("dog dog cat", "dog", 0, 0.5),
    ],
)
def test_answers_by_the_rules_of_squad(gold, predicted, exact, f1):
    assert exact_match(gold, predicted) == exact
    assert token_f1(gold, predicted) == pytest.approx(f1)


def test_normalised_answers_lose_case_punctuation_articles_and_blanks():
    assert normalize_answer("  The U.S. --\tan  Answer ") == "us answer"


def test_edit_distance_of_known_pairs():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("", "abc") == 3
    assert word_error_rate("the cat sat", "the bat sat down") == pytest.approx(2 / 3)


@given(st.text("ab", max_size=8), st.text("ab", max_size=8), st.text("ab", max_size=8))
def test_edit_distance_is_a_distance(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
