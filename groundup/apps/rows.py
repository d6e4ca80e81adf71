"""What each application hands to the recipe of its name: rows that `groundup run NAME` tunes a model on.

    search    a heading or title, its passage, a passage that is like it and is not it     -> method "embed"
    support   messages with their intent, the team's corrected questions among them        -> "classify"
    writing   sentences with slips, and the sentences without                              -> "chat"
    tutor     answers with their grades: the teacher's, and SemEval's training part        -> "classify"
    health    de-identified dialogues and the notes written of them (MTS-Dialog training)  -> "chat"

The tuned model goes back behind the application: `--set encoder=`, `--set intents=`, `--set grader=` name its folder;
a chat model is served (`groundup serve`) and named by --url.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from groundup.core.errors import DataError, UsageError, near
from groundup.core.files import write_bytes
from groundup.core.randomness import python_random

Row = Mapping[str, Any]


def write(app: Any, path: Path, data: Path | None) -> int:
    """Write an application's rows as JSON lines; how many. DataError where there is nothing to learn from."""
    if app.name not in ROWS:
        raise UsageError(f"'{app.name}' has no rows to tune on.", repair=near(app.name, ROWS))
    rows = list(ROWS[app.name](app, data))
    if not rows:
        raise DataError(
            f"'{app.name}' has nothing to tune on yet.",
            repair="Give it documents or answers, or public data: --data FOLDER",
        )
    python_random(1, "rows", app.name).shuffle(rows)
    write_bytes(path, "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows).encode())
    return len(rows)


def search_rows(app: Any, data: Path | None) -> Iterator[Row]:
    """Titles and headings ask for the text under them; the nearest other passage is the hard negative."""
    from groundup.apps.search.learning import groups_of
    from groundup.apps.support.questions import sections
    from groundup.core.document import Document

    documents = [
        Document(text=text, source="own", path=path, meta={"title": title})
        for path, title, text in app.search.index.texts()
    ]
    if data is not None:
        from groundup.apps.search.evaluate import read_cranfield

        documents += read_cranfield(data / "ir_cranfield").documents
    parts = list(sections(documents))
    asked = [(str(one.meta.get("title", "")), one.path) for one in parts if str(one.meta.get("title", ""))]
    bare = [Document(text=one.text, source=one.source, path=one.path, meta={"title": "-"}) for one in parts]
    for one in groups_of(bare, asked, wrong=1):
        yield {"anchor": one.query, "positive": one.right, "negative": one.wrong[0]}


def support_rows(app: Any, data: Path | None) -> Iterator[Row]:
    """The templates' messages, and what the team has answered: questions to the company."""
    from groundup.apps.support.phrases import examples

    for text, intent in examples():
        yield {"text": text, "label": intent}
    for one in app.training_examples():
        yield {"text": one["question"], "label": "faq"}


def writing_rows(app: Any, data: Path | None) -> Iterator[Row]:
    """Sentences of the pages and of public books, spoiled by `mistakes`; one in five stays right, to be left alone."""
    from groundup.apps.search.app import SAMPLES
    from groundup.apps.search.reading import documents_of
    from groundup.apps.writing.learning import good_sentences
    from groundup.apps.writing.mistakes import spoil
    from groundup.core.split import split_of

    chance = python_random(1, "spoil")
    place = SAMPLES if data is None else data / "pretrain_books_en"
    for document in documents_of(place, [], place.name):
        if data is not None and split_of(document.id) != "train":
            continue
        for words in good_sentences(document.text):
            spoiled = words if chance.random() < 0.2 else spoil(words, app.corrector.counts, chance)[0]
            yield {"text": joined(spoiled), "target": joined(words)}


def tutor_rows(app: Any, data: Path | None) -> Iterator[Row]:
    """Graded answers; of SemEval-2013 Task 7 the training part alone, so that `--evaluate` stays honest."""
    from groundup.apps.tutor.evaluate import part_of, read, unpacked
    from groundup.apps.tutor.grading import row_text

    for question, graded in app.graded.items():
        right = [answer for answer, label in graded if label == "correct"]
        for answer, label in graded if right else []:
            yield {"text": row_text(question, right, answer), "label": label}
    if data is not None:
        with unpacked(data) as folder:
            for one in read(folder):
                if part_of(one) == "training":
                    yield {"text": row_text(one.question, one.references, one.answer), "label": one.label}


def health_rows(app: Any, data: Path | None) -> Iterator[Row]:
    """Dialogues and their notes, both de-identified; there are none without public data."""
    from groundup.apps.health.deidentify import deidentify

    if data is None:
        return
    path = data / "clinical_notes" / "MTS-Dialog-TrainingSet.csv.gz"
    try:
        table = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8"))))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None
    for row in table:
        yield {"text": deidentify(row["dialogue"])[0], "summary": deidentify(row["section_text"])[0]}


def joined(words: list[str]) -> str:
    """Tokens as a sentence: no space before a mark that closes."""
    text = ""
    for word in words:
        text += word if not text or word in ",.;:!?)%" or word.startswith("'") else f" {word}"
    return text


ROWS: dict[str, Callable[[Any, Path | None], Iterator[Row]]] = {
    "search": search_rows,
    "support": support_rows,
    "writing": writing_rows,
    "tutor": tutor_rows,
    "health": health_rows,
}
