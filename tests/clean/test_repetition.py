"""The fast counting of repeated n-grams against its slow, obvious twin."""

import random
from collections import Counter

from groundup.clean.filters.repetition import _repeated, duplicate_share, top_share


def all_grams(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def slow_top_share(words, n, size):
    gram, count = Counter(all_grams(words, n)).most_common(1)[0]
    return count * (sum(map(len, gram)) + n - 1) / size


def slow_duplicate_share(words, n, size):
    seen, place, characters = set(), 0, 0
    grams = all_grams(words, n)
    while place < len(grams):
        if grams[place] in seen:
            characters += sum(map(len, grams[place]))
            place += n
        else:
            seen.add(grams[place])
            place += 1
    return characters / size


def test_fast_and_slow_agree_on_texts_that_repeat():
    draw = random.Random(3)
    compared = 0
    for _ in range(200):
        words = [draw.choice(["ab", "cde", "fghi", "j", "klmno"]) for _ in range(draw.randint(5, 60))]
        repeated = dict(_repeated(words, 2, 10))
        for n in range(2, 11):
            counts = Counter(all_grams(words, n))
            assert (n in repeated) == any(count > 1 for count in counts.values())
            if n in repeated:
                assert top_share(repeated[n], n, 100) == slow_top_share(words, n, 100)
                assert duplicate_share(repeated[n], n, 100) == slow_duplicate_share(words, n, 100)
                compared += 1
    assert compared > 300
