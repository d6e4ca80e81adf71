"""The data statement: sums that add up over shards, figures near the truth."""

import json
import random

import pytest

from groundup.clean import stage
from groundup.clean.options import CleanOptions
from groundup.clean.statement import Facts, Statement
from groundup.core.console import Console
from groundup.core.document import Document, write_documents
from groundup.core.files import read_json
from groundup.core.stage import Context


def statement(*documents):
    made = Statement()
    for document in documents:
        made.add(document)
    return made


def doc(text, number=0, **values):
    return Document(text, values.pop("source", "mine"), f"doc-{number}", **values)


def test_figures_of_a_text_in_sight():
    figures = statement(
        doc("The cat sat. The dog ran.", language="en", licence="MIT", date="2021-05-01"),
        doc("x = 1\ny = 2", 1, meta={"kind": "code"}),
    ).figures(4, {"duplicates": {"exact": 1, "near": 1}})
    whole = figures["whole"]
    assert (whole["documents"], whole["words"], whole["characters"]) == (2, 12, 36)
    assert whole["languages"] == {"en": 1, "unknown": 1}
    assert whole["kinds"] == {"prose": 1, "code": 1}
    assert whole["licences"] == {"MIT": 1, "not stated": 1}
    assert whole["years"] == {"2021": 1, "not stated": 1}
    assert whole["vocabulary"] == 5 + 5  # the cat sat dog ran; x = 1 y 2
    assert whole["words_per_sentence"] == 3.0
    assert (figures["share_kept"], figures["share_exact_duplicates"]) == (0.5, 0.25)


def test_simple_words_are_easier_to_read_than_learned_ones():
    easy = statement(doc("The cat sat. The dog ran. We saw it.")).figures(1, {})
    hard = statement(doc("Considerable terminological heterogeneity characterises interdisciplinary investigations."))
    assert easy["whole"]["reading_ease"] > 90 > 0 > hard.figures(1, {})["whole"]["reading_ease"]


def test_the_vocabulary_of_many_words_is_estimated_within_a_tenth():
    draw = random.Random(1)
    words = [f"w{number}" for number in range(20_000)]
    facts = Facts()
    for number in range(300):
        facts.add(doc(" ".join(draw.choices(words, k=400)), number), closer=True)
    assert facts.figures()["vocabulary"] == pytest.approx(20_000, rel=0.1)


def test_varied_text_has_a_higher_type_token_ratio():
    varied = statement(doc(" ".join(f"w{number}" for number in range(100)))).figures(1, {})["whole"]
    same = statement(doc("again " * 100)).figures(1, {})["whole"]
    assert (varied["type_token_ratio"], same["type_token_ratio"]) == (1.0, 0.02)


def test_statements_of_shards_add_up_to_the_statement_of_all():
    documents = [doc(f"A story about number {n}. It ends well.", n, source=f"s{n % 2}") for n in range(40)]
    whole, merged = statement(*documents), Statement()
    for part in (documents[:15], documents[15:]):
        merged.merge(json.loads(json.dumps(statement(*part).as_json())))
    assert merged.figures(40, {}) == whole.figures(40, {})


def test_the_stage_writes_it(tmp_path):
    texts = ["One short text about boats on the river.", "Another text about mills in the valley."]
    write_documents(tmp_path / "in" / "documents" / "mine-00000.parquet", [doc(t, n) for n, t in enumerate(texts)])
    stage.run(CleanOptions(steps=("text",)), {"collect": tmp_path / "in"}, tmp_path / "out",
              Context(seed=1, console=Console(quiet=True)))  # fmt: skip
    written = read_json(tmp_path / "out" / "clean.json")["statement"]
    assert written["whole"]["documents"] == written["by_source"]["mine"]["documents"] == 2
    assert written["share_kept"] == 1.0
