"""Classifiers and checks of the audit on published data, and how long the measuring checks take.

    python -m benchmarks.trust --data FOLDER                       claims: LIAR, FEVER; unsupported sentences
    python -m benchmarks.trust --data FOLDER --model runs/demo     every check that trains nothing, timed
    python -m benchmarks.trust --data FOLDER --model MODEL --marks 200 400      the watermark: found in how many texts

FOLDER holds the published files as downloaded (docs/stages/7_audit.md). Classifiers are `language.linear.HashedLinear`:
seconds on a processor. LIAR is asked in two ways, six labels and true against false, with the majority beside it. FEVER
Symmetric is made so that the claim alone says nothing (chance is 1/2): features are words that claim and evidence share or
do not share. (Toxicity is benchmarks.toxicity.) Results are printed as JSON, one line each.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from groundup.audit.base import Look
from groundup.audit.options import FINDINGS, AuditOptions
from groundup.audit.stage import check_of, fitting_threads
from groundup.evaluate.rows import read_rows
from groundup.evaluate.subject import load_subject
from groundup.language.linear import HashedLinear
from groundup.language.words import words
from groundup.metrics.intervals import wilson


def tell(name: str, **values: Any) -> None:
    print(json.dumps({"what": name, **values}), flush=True)


def liar(data: Path) -> None:
    """Statements and what fact checkers said of them, by the statement, its subject, speaker and context."""

    def rows(name: str) -> list[list[str]]:
        with gzip.open(next(data.rglob(name)), "rt", encoding="utf-8") as file:
            return [line.rstrip("\n").split("\t") for line in file]

    train, test = rows("liar_train.tsv.gz"), rows("liar_valid.tsv.gz")

    def text(row: list[str]) -> str:
        return " ".join([row[2], *(f"{name}_{value}" for name, value in zip("abcdef", row[3:8], strict=False))])

    fold = {"true": "true", "mostly-true": "true", "half-true": "true"}
    for name, label in (("six labels", lambda one: one), ("true or false", lambda one: fold.get(one, "false"))):
        gold = [label(row[1]) for row in test]
        model = HashedLinear(sorted(set(gold))).fit([text(row) for row in train], [label(row[1]) for row in train])
        right = sum(a == b for a, b in zip(model.predict([text(row) for row in test]), gold, strict=True))
        majority = Counter(gold).most_common(1)[0][1] / len(gold)
        tell(f"LIAR, {name}", accuracy=right / len(gold), interval=wilson(right, len(gold)), majority=majority)


def fever(data: Path) -> None:
    """Claims with evidence: supported or refuted. Five folds by claim, so that no claim is in both halves."""
    rows = list(read_rows(next(data.rglob("fever_symmetric_dev.jsonl*"))))
    claims = sorted({str(row["claim"]) for row in rows})
    fold = {claim: number % 5 for number, claim in enumerate(claims)}

    def text(row: dict[str, Any]) -> str:
        claim, evidence = set(words(str(row["claim"]).lower())), set(words(str(row["evidence"]).lower()))
        lone = [f"lone_{word}" for word in claim - evidence] + [f"new_{word}" for word in evidence - claim]
        share = round(10 * len(claim & evidence) / max(1, len(claim)))
        return " ".join([f"shared{share}", f"left{min(5, len(claim - evidence))}", *lone])

    for name, of in (("claim and evidence", text), ("claim alone", lambda row: str(row["claim"]))):
        right = 0
        for number in range(5):
            train = [row for row in rows if fold[str(row["claim"])] != number]
            test = [row for row in rows if fold[str(row["claim"])] == number]
            model = HashedLinear(["SUPPORTS", "REFUTES"])
            model.fit([of(row) for row in train], [str(row["label"]) for row in train])
            predicted = model.predict([of(row) for row in test])
            right += sum(a == str(row["label"]) for a, row in zip(predicted, test, strict=True))
        tell(f"FEVER Symmetric, {name}", accuracy=right / len(rows), interval=wilson(right, len(rows)))


def grounded(data: Path) -> None:
    """Sentences that the cited passage does not hold, among those it does: how many are flagged (apps.search)?

    An answer is two sentences of a SQuAD paragraph, shortened by their last fifth as a writer would, and one from another
    paragraph of the same article, so that words and names are near.
    """
    from groundup.apps.search.answering import supported
    from groundup.apps.search.app import Search
    from groundup.core.document import Document
    from groundup.language.words import sentences

    with gzip.open(next(data.rglob("squad_v2_dev.json.gz")), "rt", encoding="utf-8") as file:
        articles = [[part["context"] for part in article["paragraphs"]] for article in json.load(file)["data"]]
    search = Search()
    search.add_documents(
        Document(text, "squad", f"{a}-{p}") for a, parts in enumerate(articles) for p, text in enumerate(parts)
    )

    def parts_of(text: str) -> list[str]:
        return [text[start:end] for start, end in sentences(text) if len(text[start:end].split()) >= 6]

    flagged_false = kept_true = false = true = 0
    for parts in articles:
        for number, text in enumerate(parts):
            own, other = parts_of(text)[:2], parts_of(parts[(number + 1) % len(parts)])[:1]
            short = [" ".join(one.split()[: max(5, len(one.split()) * 4 // 5)]) + "." for one in own]
            true, false = true + len(short), false + len(other)
            kept_true += sum(supported(one, text, search) for one in short)
            flagged_false += sum(not supported(one, text, search) for one in other)
    precision = flagged_false / max(1, flagged_false + true - kept_true)
    tell("unsupported sentences", recall=flagged_false / false, precision=precision, injected=false, own=true)


def checks(data: Path, model: Path) -> None:
    """Every check once, with its time."""
    from groundup.pipeline import find_model, inputs_of_model, run_folder_of

    folder = find_model(str(model))
    subject = load_subject(folder)
    start, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as temporary, fitting_threads(subject):
        flat = Path(temporary)
        for file in data.rglob("*"):  # every file in one folder, as the check expects them
            if file.is_file() and not (flat / file.name).exists():
                (flat / file.name).symlink_to(file)
        inputs = inputs_of_model(folder, run_folder_of(folder))
        for name in FINDINGS:
            before, cpu = time.perf_counter(), time.process_time()
            found = check_of(name)(Look(subject, inputs, AuditOptions(data=str(flat)), 1))
            values = {one.name: None if one.value is None else round(one.value, 4) for one in found}
            spent = {"seconds": round(time.perf_counter() - before, 1), "cpu": round(time.process_time() - cpu, 1)}
            tell(f"check {name}", **spent, **values)
            for one in found:
                tell(f"    {one.name}", says=one.summary)
    tell("all checks", seconds=round(time.perf_counter() - start, 1), cpu=round(time.process_time() - cpu, 1))


def marks(model: Path, lengths: list[int]) -> None:
    """TPR of the watermark at FPR 1e-3 by length, with the entropy of the marked texts and what it costs."""
    import numpy as np

    from groundup.audit.reading import read
    from groundup.generate import Sampling
    from groundup.generate.watermark import Watermark
    from groundup.pipeline import find_model

    subject = load_subject(find_model(str(model)))
    mark, texts = Watermark(b"benchmark"), 40
    for length in lengths:
        start = subject.begin() or [0]
        plain = [Sampling(max_tokens=length, temperature=1.0, seed=n, ignore_end=True) for n in range(texts)]
        marked = [
            Sampling(max_tokens=length, temperature=1.0, seed=n, ignore_end=True, watermark=mark) for n in range(texts)
        ]
        ids = [one.ids for one in subject.engine.generate([start] * texts, marked)]
        without = [one.ids for one in subject.engine.generate([start] * texts, plain)]
        readings, others = (read(subject.engine, [start + one for one in side]) for side in (ids, without))
        entropy = float(np.mean([-one.means_T.mean() for one in readings]) / np.log(2))
        loss = [float(np.mean([-one.logprobs_T.mean() for one in side])) for side in (readings, others)]
        found = [mark.detect(one).p < 1e-3 for one in ids]
        alarms = [mark.detect(one).p < 1e-3 for one in without]
        tell(
            f"watermark, {len(ids[0])} tokens",
            found=sum(found) / texts,
            false_alarms=sum(alarms) / texts,
            entropy_bits=round(entropy, 2),
            green=round(float(np.mean([mark.detect(one).share for one in ids])), 3),
            loss_marked=round(loss[0], 3),
            loss_plain=round(loss[1], 3),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--marks", type=int, nargs="*")
    given = parser.parse_args()
    if given.model is None:
        liar(given.data)
        fever(given.data)
        grounded(given.data)
    elif given.marks:
        marks(given.model, given.marks)
    else:
        checks(given.data, given.model)


if __name__ == "__main__":
    main()
