import random

import numpy as np

from groundup.clean.near import NearDuplicates

WORDS = [f"word{i}" for i in range(3000)]


def finder(**values):
    return NearDuplicates(**{"ngram": 5, "permutations": 128, "bands": 21, "threshold": 0.7, **values})


def jaccard(a, b, n=5):
    def grams(text):
        words = text.split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    return len(grams(a) & grams(b)) / len(grams(a) | grams(b))


def test_clusters_agree_with_the_true_jaccard_of_known_pairs():
    draw = random.Random(5)
    pairs = []
    for number in range(200):
        words = draw.sample(WORDS, 100)
        cut = 2 + number % 60
        pairs.append((" ".join(words), " ".join(words[:-cut] + draw.sample(WORDS, cut))))
    near = finder()
    for first, second in pairs:
        near.add(first)
        near.add(second)
    found = {tuple(cluster) for cluster in near.clusters()}
    for number, (first, second) in enumerate(pairs):
        similarity = jaccard(first, second)
        if abs(similarity - 0.7) > 0.13:  # three standard deviations of 128 permutations
            assert ((2 * number, 2 * number + 1) in found) == (similarity > 0.7)


def test_chains_become_one_cluster_and_short_texts_are_compared_whole():
    near = finder()
    for text in ("one two", "other words here", "one two", "one two three", "One, two."):
        near.add(text)
    assert list(near.clusters()) == [[0, 2, 4]]


def test_signatures_do_not_change_between_versions():
    """A change of rensa or of our hashing would silently change every cleaned corpus."""
    near = finder()
    near.add("the quick brown fox jumps over the lazy dog")
    near._sign()
    assert near.shingles("the quick brown fox jumps over")[0] == np.uint64(GOLDEN_SHINGLE)
    assert near._signatures[0][0, :3].tolist() == GOLDEN_SIGNATURE


GOLDEN_SHINGLE = 2631163600179130165
GOLDEN_SIGNATURE = [3231968485, 3579487601, 3409631547]


def test_shingles_of_a_batch_are_those_of_each_text_alone():
    near = finder()
    texts = ["one two three four five six seven", "", "short one", "a b c d e", "one two three four five six"]
    for text in texts:
        near.add(text)
    flat, offsets = near._pending_shingles()
    for number, text in enumerate(texts):
        part = flat[int(offsets[number]) : int(offsets[number + 1])]
        assert part.tolist() == near.shingles(text).tolist()
