"""Five tasks of classification on real text, each beside its simple rival with a paired test.

    python -m benchmarks.classify prepare --data FOLDER --out WORK     rows for tuning, rows held out, texts to read
    python -m benchmarks.classify table --out WORK                     the scores of the runs in WORK/runs, as a table

FOLDER holds the public sets as published: rotten_tomatoes/, ag_news/, sms_spam/, customer_service/, and for the texts
pretrain_wikipedia_en/ and movie_reviews/. WORK gets SET/train.jsonl and SET/test.jsonl with {text, label} each, and
texts/ with what the reader of `groundup/recipes/reader.toml` is pretrained on: no held-out row is among it.

Rows are held out by a hash of their bare text (letters and digits in lower case), so that two copies of a text that
differ in case or blanks never stand on both sides, and the choice is the same on every machine.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = tuple[str, str]  # text, label
# Rows held out of each set (the 1,500 for film sentences; a fifth to a quarter of the others).
HELD_OUT = {"rotten_tomatoes": 1500, "ag_news": 1000, "sms_spam": 1000, "banking77": 2000}
# Of every book the first so many parts of so many characters: all writers, half of the text. Taste.
BOOK_PARTS, PART_CHARACTERS = 30, 6000
TOPICS = {"1": "world", "2": "sports", "3": "business", "4": "science"}


def main() -> int:
    """Dispatch on the first word."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["prepare", "table"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.what == "table":
        print(table(options.out))
        return 0
    if options.data is None:
        print("prepare needs --data FOLDER", file=sys.stderr)
        return 2
    prepare(options.data, options.out)
    return 0


def prepare(data: Path, out: Path) -> None:
    """Write train and test rows of every set, and the texts for pretraining."""
    seen: dict[str, list[Row]] = {}
    for name, rows in sets(data).items():
        train, test = rows if isinstance(rows, tuple) else held_out(rows, HELD_OUT[name])
        _write(out / name / "train.jsonl", train)
        _write(out / name / "test.jsonl", test)
        seen[name] = train
        print(f"{name}: {len(train):,} to learn from, {len(test):,} held out", file=sys.stderr)
    _texts(data, out / "texts", seen)


def sets(data: Path) -> dict[str, Any]:
    """Every set's rows; CLINC150 comes with its own split, the out-of-scope messages as a label of their own."""
    films = [
        (row["text"], ("negative", "positive")[row["label"]]) for row in _jsonl(data / "rotten_tomatoes/mr.jsonl.gz")
    ]
    news = [
        (f"{title}. {text}", TOPICS[topic]) for topic, title, text in csv.reader(_open(data / "ag_news/ag_news.csv.gz"))
    ]
    spam = [line.rstrip("\n").split("\t", 1)[::-1] for line in _open(data / "sms_spam/sms_spam.tsv.gz") if "\t" in line]
    bank = [(row["text"], row["category"]) for row in csv.DictReader(_open(data / "customer_service/banking77.csv.gz"))]
    clinc = json.load(_open(data / "customer_service/clinc150.json.gz"))
    both = [[(text, label) for part in parts for text, label in clinc[part]] for parts in
            (("train", "oos_train"), ("val", "oos_val"))]  # fmt: skip
    return {
        "rotten_tomatoes": films,
        "ag_news": news,
        "sms_spam": [(text, label) for text, label in spam],
        "banking77": bank,
        "clinc150": (both[0], both[1]),
    }


def held_out(rows: list[Row], count: int) -> tuple[list[Row], list[Row]]:
    """(train, test): the rows whose bare text hashes lowest are held out, each text once."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(hashlib.sha256(f"held out {bare(row[0])}".encode()).hexdigest(), []).append(row)
    order = sorted(groups)
    test = [groups[name][0] for name in order[:count]]
    return [groups[name][0] for name in order[count:]], test


def bare(text: str) -> str:
    """Letters and digits in lower case."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def _texts(data: Path, folder: Path, train: dict[str, list[Row]]) -> None:
    """Documents to read: articles, long film reviews, and the tuning rows by the hundred; their labels are left out."""
    articles = [
        row["text"] for row in _jsonl(data / "pretrain_wikipedia_en/wiki_en.jsonl.gz") if len(row["text"]) > 500
    ]
    reviews = [row["text"] for row in _jsonl(data / "movie_reviews/movie_reviews.jsonl.gz")]
    _lines(folder / "articles.jsonl", articles)
    _lines(folder / "reviews.jsonl", reviews)
    books = [row["text"] for row in _jsonl(data / "pretrain_books_en/books.jsonl.gz")]
    _lines(folder / "books.jsonl", [part for text in books for part in _parts(text)[:BOOK_PARTS]])
    for name, rows in train.items():
        texts = [text for text, _ in sorted(rows, key=lambda row: hashlib.sha256(row[0].encode()).digest())]
        blocks = ["\n".join(texts[start : start + 100]) for start in range(0, len(texts), 100)]
        _lines(folder / f"{name}.jsonl", blocks)


def _parts(text: str) -> list[str]:
    """A book in parts of some pages, cut between paragraphs."""
    parts = [""]
    for paragraph in text.split("\n\n"):
        if len(parts[-1]) > PART_CHARACTERS:
            parts.append("")
        parts[-1] += paragraph + "\n\n"
    return parts


def table(out: Path) -> str:
    """One line a run: the score, its interval, the rival, the paired test."""
    lines = []
    for place in sorted(out.glob("runs/*/6_evaluate/scores.json")):
        for row in json.loads(place.read_text(encoding="utf-8")):
            test = (row.get("meta") or {}).get("against_baseline")
            said = (
                f"{test['difference']:+.3f} ({test['low']:+.3f} to {test['high']:+.3f}), p = {test['p_value']:.2g}"
                if test
                else ""
            )
            lines.append(
                f"| {place.parts[-3]} | {row['task']} | {row['metric']} | {row['value']:.3f} ({row['low']:.3f} to "
                f"{row['high']:.3f}) | {row['n']} | {row['baseline'] or 0:.3f} {row['baseline_name']} | {said} |"
            )
    return "\n".join(
        ["| run | task | metric | value, 95 % | n | rival | difference, paired test |", "|---" * 7 + "|", *lines]
    )


def _open(path: Path) -> io.TextIOWrapper:
    return io.TextIOWrapper(gzip.open(path), encoding="utf-8", newline="")


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    for line in _open(path):
        yield json.loads(line)


def _write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n" for text, label in rows),
        encoding="utf-8",
    )


def _lines(path: Path, texts: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
