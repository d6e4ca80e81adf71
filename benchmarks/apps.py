"""Every application measured, one table: application, task, metric, ours with its interval, baseline, published, latency.

    python -m benchmarks.apps --data FOLDER            FOLDER: the public test data; without it only what needs none
    python -m benchmarks.apps --only writing health
    python -m benchmarks.apps --data FOLDER --write    keep the scores (groundup/apps/measured.json) and the docs' table
    --rerank FOLDER, --grader FOLDER                   measure with a cross-encoder, a tuned grader of answers too

Latency: the median of the application's own example inputs, asked three times each, on one core, without a bigger model.
Each application's scores are kept as soon as they are there, so that a run cut short loses only the one under way.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

from groundup.apps.base import names, open_app, settings
from groundup.apps.card import COLUMNS, MEASURED, facts, line, measured, shown
from groundup.cli.output import columns
from groundup.core.files import read_json, write_bytes, write_json
from groundup.core.score import Score

ROUNDS = 3
PAGE = Path(__file__).parents[1] / "docs" / "how_to" / "applications.md"
BEGIN, END = "<!-- table: python -m benchmarks.apps --write -->", "<!-- end of the table -->"
# What stands behind each application without a bigger model.
SIZES = {
    "search": "BM25; MiniLM 23 M parameters where vectors or re-ranking are asked for",
    "support": "linear, 0.1 M weights; MiniLM 23 M where Banking77 and CLINC150 are measured with it",
    "writing": "linear corrector, 1.2 MB; tone: linear",
    "tutor": "linear, 81 weights; MiniLM 23 M where a tuned one is named",
    "health": "rules; linear flags, some hundred weights",
}
# Task names as a person reads them; a task that is not here is shown by its name.
TITLES = {
    "search_sample": "sample pages, right answers",
    "cranfield_words": "Cranfield, words (BM25)",
    "cranfield_vectors": "Cranfield, vectors (MiniLM)",
    "cranfield_sum": "Cranfield, both, scores added",
    "cranfield_rank": "Cranfield, both, reciprocal ranks",
    "cranfield_reranked": "Cranfield, both, then the cross-encoder",
    "search_answers": "SQuAD, half without their article",
    "support_simulator": "customers played",
    "support_attacks": "adversarial turns",
    "support_questions": "questions on the sample pages",
    "support_intents_of_strangers": "intents of strangers (Bitext), untrained",
    "clinc150": "CLINC150",
    "banking77": "Banking77, own split",
    "writing_corrections": "corrections, hand-written cases",
    "writing_corrections_synthetic": "corrections, held-out synthetic mistakes",
    "writing_corrections_right_text": "right sentences, hand-written",
    "writing_right_text_books": "right sentences, old books",
    "writing_right_text_government": "right sentences, government pages",
    "writing_right_text_encyclopedia": "right sentences, encyclopedia",
    "writing_tone": "tone of unseen sentences",
    "writing_drafts": "drafts",
    "writing_summaries": "SciTLDR, one sentence",
    "tutor_exercises": "exercises",
    "grading_beetle_unseen_answers": "Beetle, unseen answers, 3-way",
    "grading_beetle_unseen_questions": "Beetle, unseen questions, 3-way",
    "grading_sciEntsBank_unseen_answers": "SciEntsBank, unseen answers, 3-way",
    "grading_sciEntsBank_unseen_questions": "SciEntsBank, unseen questions, 3-way",
    "grading_fairness": "fairness of grades",
    "health_deidentify": "synthetic notes, names in no list",
    "health_deidentify_presidio": "Presidio sentences",
    "health_summary": "notes of talks (MTS-Dialog)",
    "health_sections": "section of a talk, by cue words",
    "health_flags": "risk flags, hand-written",
    "health_treatment": "MedQuAD",
    "health_links": "links hidden from it",
}
# Published figures, on other splits or sets than ours: anchors, no comparison.
PUBLISHED = {
    ("support_simulator", "pass^4"): "tau-bench retail (another set): .383 gpt-4o, .462 Claude 3.5 Sonnet",
    ("banking77", "accuracy"): "official split, fine-tuned encoders: about .93",
    ("clinc150", "accuracy inside, no threshold"): "official test, BERT: .969",
    ("clinc150", "recall outside"): "official test, BERT: .403",
    ("grading_beetle_unseen_answers", "accuracy"): "official test: .731, best of SemEval-2013 (CoMeT)",
    ("health_deidentify", "recall"): "another set: i2b2 2014 .992, rules and learners together",
    ("health_deidentify_presidio", "recall"): "its generator's 1,500 sentences: .603 Presidio, .839 tuned",
    ("writing_corrections", "f0.5"): "another set: CoNLL-2014 .65 GECToR, .675 T5-11B",
}


def latency_ms(name: str, **options: Any) -> float:
    """The median milliseconds of one answer."""
    app = open_app(name, **options)
    times = []
    for _ in range(ROUNDS):
        for text in app.examples():
            start = time.perf_counter()
            app.ask(text)
            times.append(1000 * (time.perf_counter() - start))
    app.close()
    return statistics.median(times)


def row_of(score: Score) -> dict[str, Any]:
    """A score as it is kept."""
    names_ = ("task", "metric", "value", "low", "high", "n", "baseline", "baseline_name", "protocol")
    row = {name: getattr(score, name) for name in names_}
    row |= {name: round(row[name], 4) for name in ("value", "low", "high", "baseline") if row[name] is not None}
    published = PUBLISHED.get((score.task, score.metric), "")
    return {**row, "title": TITLES.get(score.task, score.task.replace("_", " ")), "published": published}


def graded(folder: str, data: Path | None) -> list[dict[str, Any]]:
    """The tutor's grades once more, with a tuned model beside the linear one: the rows that differ from it."""
    app = open_app("tutor", **settings("tutor", grader=folder))
    rows = [row_of(score) for score in app.evaluate(data) if "tuned" in score.protocol]
    app.close()
    return [{**row, "title": f"{row['title']}, tuned MiniLM too"} for row in rows]


def keep(name: str, rows: list[dict[str, Any]], milliseconds: float, command: str) -> None:
    """Put an application's scores into MEASURED, the others left as they are."""
    all_ = read_json(MEASURED) if MEASURED.is_file() else {}
    machine = f"one core of a machine with {os.cpu_count()} ({platform.machine()})"
    all_[name] = {
        "command": command, "date": time.strftime("%Y-%m-%d"), "machine": machine, "size": SIZES.get(name, ""),
        "milliseconds": round(milliseconds, 1), "scores": rows,
    }  # fmt: skip
    write_json(MEASURED, all_)


def table() -> str:
    """The kept scores of all applications as Markdown."""
    lines = [line(("application", *COLUMNS)), line(["---"] * (1 + len(COLUMNS)))]
    for name in names():
        lines += [line((name, *shown(row))) for row in measured(name)]
    lines += ["", "| application | model | ms a call | command | measured |", "|---|---|---|---|---|"]
    for name in names():
        known = facts(name)
        if known:
            cells = (name, known["size"], str(known["milliseconds"]), f"`{known['command']}`", known["date"])
            lines.append(line(cells))
    return "\n".join(lines)


def write_page() -> None:
    """Put the table into the docs, between its marks."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    write_bytes(PAGE, f"{head}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END, 1)[1]}".encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--rerank", default="", help="search: the folder of a cross-encoder to measure too")
    parser.add_argument("--grader", default="", help="tutor: the folder of a tuned grader to measure too")
    parser.add_argument("--write", action="store_true", help="keep the scores, and renew the table in the docs")
    given = parser.parse_args()
    data = given.data or (Path(os.environ["GROUNDUP_REAL_DATA"]) if os.environ.get("GROUNDUP_REAL_DATA") else None)
    rows = []
    for name in given.only or names():
        options = settings("search", rerank=given.rerank) if name == "search" and given.rerank else {}
        app = open_app(name, **options)
        speed = latency_ms(name)
        found = [row_of(score) for score in app.evaluate(data)]
        app.close()
        if name == "tutor" and given.grader:
            found += graded(given.grader, data)
        command = f"groundup app {name} --evaluate" + (" --data FOLDER" if data else "")
        if given.write:
            keep(name, found, speed, command + (" --set rerank=FOLDER" if options else ""))
        rows += [(name, *shown(row), f"{speed:.1f}") for row in found]
    print(columns(rows, head=("application", *COLUMNS, "ms a call")))
    if given.write:
        write_page()


if __name__ == "__main__":
    main()
