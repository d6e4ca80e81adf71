"""What the step "toxicity" finds: its word list and its classifier, on tweets kept back and on HateCheck's functional tests.

    python -m benchmarks.toxicity --data FOLDER     FOLDER: real public data (toxicity_davidson/, toxicity_hatecheck/)

The classifier is trained as the step trains it (`clean.score.trained`: a linear model on hashed n-grams), on four fifths
of the tweets of Davidson et al. 2017: hate speech and offensive language are "toxic". HateCheck (Roettger et al. 2021) is
never trained on: short sentences, one ability each, which models that go by words fail. A row: the share of right answers
by the word list (one listed word is enough here; the step wants a share of all words) and by the classifier at 0.5, once
with the tweets' own harmless examples (one in six), once with 4,000 sentences of articles and encyclopedia beside them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from benchmarks.data import rows_of
from groundup.clean.score import opened, probability, trained
from groundup.language.toxicity import toxic_words
from groundup.language.words import sentences

Judge = Callable[[str], bool]
NEITHER = "2"  # Davidson's class of tweets that are neither hateful nor offensive


def tweets(path: Path) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """(text, is toxic) to learn from, and a fifth kept back, drawn by a hash of the text."""
    parts: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = row["tweet"]
            parts[zlib.crc32(text.encode()) % 5 == 0].append((text, row["class"] != NEITHER))
    return parts


def plain_sentences(data: Path, count: int) -> list[str]:
    """Sentences of ordinary prose."""
    found = [
        text[start:end]
        for name in ("pretrain_wikipedia_en/wiki_en", "pretrain_gov_articles/articles")
        for text in rows_of(data / f"{name}.jsonl.gz", 1_000_000)
        for start, end in sentences(text)
        if 20 < end - start < 200
    ]
    return random.Random(1).sample(found, count)


def classifier(learned: list[tuple[str, bool]], more_harmless: list[str]) -> Judge:
    """The step's classifier, as a recipe makes it from files."""
    with tempfile.TemporaryDirectory() as folder:
        harmless = [text for text, is_toxic in learned if not is_toxic] + more_harmless
        places = {}
        for name, texts in (("toxic", [text for text, is_toxic in learned if is_toxic]), ("harmless", harmless)):
            places[name] = Path(folder) / f"{name}.jsonl"
            places[name].write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
        model = opened(trained([str(places["toxic"])], [str(places["harmless"])], "benchmark"))
    assert model is not None
    return lambda text: probability(model, text) > 0.5


def f1(judge: Judge, rows: list[tuple[str, bool]]) -> tuple[float, float, float]:
    """(precision, recall, F1) for the toxic ones."""
    found = [judge(text) for text, _ in rows]
    right = sum(a and b for a, (_, b) in zip(found, rows, strict=True))
    precision, recall = right / max(1, sum(found)), right / max(1, sum(gold for _, gold in rows))
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    learned, kept_back = tweets(given.data / "toxicity_davidson" / "labeled_data.csv.gz")
    by_name: dict[str, Judge] = {
        "word list": lambda text: bool(toxic_words(text)),
        "classifier": classifier(learned, []),
        "and prose": classifier(learned, plain_sentences(given.data, 4000)),
    }
    print(f"{len(learned)} tweets to learn from, {len(kept_back)} kept back")
    for name, judge in by_name.items():
        print("kept back, {:<10} precision {:.3f} recall {:.3f} F1 {:.3f}".format(name, *f1(judge, kept_back)))

    cases: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    with gzip.open(given.data / "toxicity_hatecheck" / "hatecheck.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cases[row["functionality"]].append((row["test_case"], row["label_gold"] == "hateful"))
    print(f"\n{'HateCheck':<26}{'wanted':>8}{'cases':>7}" + "".join(f"{name:>12}" for name in by_name))
    right: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for functionality, rows in cases.items():
        gold = rows[0][1]
        shares = []
        for name, judge in by_name.items():
            answers = [int(judge(text) == wanted) for text, wanted in rows]
            right[name, gold] += answers
            shares.append(sum(answers) / len(answers))
        print(
            f"{functionality:<26}{'toxic' if gold else 'fine':>8}{len(rows):>7}"
            + "".join(f"{x:>12.3f}" for x in shares)
        )
    for label, gold in (("all hateful", True), ("all others", False)):
        shares = [sum(right[name, gold]) / len(right[name, gold]) for name in by_name]
        print(f"{label:<41}" + "".join(f"{x:>12.3f}" for x in shares))


if __name__ == "__main__":
    main()
