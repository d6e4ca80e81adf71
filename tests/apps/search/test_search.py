"""Search finds what it should, cites it exactly, keeps up with changes, and says when it finds nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.apps.base import Answer
from groundup.apps.search.answering import NOTHING, cited_sentences, supported
from groundup.apps.search.app import Search, SearchApp
from groundup.apps.search.evaluate import interval, ndcg, ranking_table, read_cranfield
from groundup.apps.search.fusion import normalised_sum, reciprocal_rank
from groundup.apps.search.generator import from_url
from groundup.apps.search.index import Filters
from groundup.apps.search.options import SearchOptions
from groundup.apps.search.passages import passages, sentences
from groundup.apps.search.stem import stem
from groundup.apps.search.understand import correct, read_synonyms, understand
from groundup.core.document import Document
from groundup.core.errors import ArtifactError, DataError, UsageError

PAGES = {
    "bees.md": "# Bees\n\nA colony of honey bees has about 50,000 workers. The queen lives for up to 5 years. "
    "Bees do not sleep in winter.",
    "wells.txt": "The well of Altdorf was dug in 1732. Maria Keller paid for it. Its water is cold and clear.",
    "lamps.html": "<html><head><title>x</title></head><body><script>evil()</script>"
    "<p>Clean the lamp with a dry cloth.</p></body></html>",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pages"
    place.mkdir()
    for name, text in PAGES.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


@pytest.fixture
def search(folder: Path, tmp_path: Path) -> Search:
    made = Search(tmp_path / "index.sqlite")
    made.add(folder)
    return made


def test_our_stemmer_is_the_one_of_the_index() -> None:
    words = [
        "running", "flies", "relational", "happiness", "agreed", "hopping", "sky", "controlling", "generalizations",
        "ties", "ies", "sensibly", "adoption", "fail", "cease", "rolled", "oscillators", "yes", "analogousli", "by",
        "electrical", "national", "formative", "archaeology", "replacement", "plastered", "motoring", "conflated",
    ]  # fmt: skip
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'porter unicode61')")
    db.execute("CREATE VIRTUAL TABLE v USING fts5vocab (t, 'instance')")
    db.executemany("INSERT INTO t (rowid, x) VALUES (?, ?)", enumerate(words))
    theirs = dict(db.execute("SELECT doc, term FROM v"))
    assert {word: stem(word) for word in words} == {word: theirs[place] for place, word in enumerate(words)}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.integers(20, 60))
def test_passages_are_slices_in_order_and_lose_only_space(text: str, words: int) -> None:
    spans = passages(text, words)
    assert all(before.end <= after.start for before, after in pairwise(spans))
    covered = "".join(text[span.start : span.end] for span in spans)
    assert "".join(covered.split()) == "".join(text.split())


def test_sentences_end_at_full_stops_but_not_after_titles_or_in_numbers() -> None:
    text = "Dr. Keller paid 3.50 euro. She left! Then J. Smith came?"
    assert [text[span.start : span.end] for span in sentences(text)] == [
        "Dr. Keller paid 3.50 euro.", "She left!", "Then J. Smith came?"
    ]  # fmt: skip


def test_a_line_of_two_million_characters_is_cut_quickly() -> None:
    spans = passages("word " * 400_000, 120)
    assert len(spans) > 1000
    assert max(span.end - span.start for span in spans) < 4000


def test_the_best_passage_comes_first_with_its_place_and_marks(search: Search) -> None:
    hit = search.search("who paid for the well")[0]
    assert hit.passage.path == "wells.txt"
    assert search.index.text_of(hit.passage.document_id)[hit.passage.start : hit.passage.end] == hit.passage.text
    assert {hit.snippet[start:end] for start, end in hit.highlights} >= {"well", "paid"}


def test_scripts_are_not_text(search: Search) -> None:
    assert search.search("evil") == []
    assert search.search("clean the lamps")[0].passage.path == "lamps.html"


def test_only_what_changed_is_indexed_again_and_what_is_gone_is_gone(search: Search, folder: Path) -> None:
    (folder / "wells.txt").write_text("The fountain of Altdorf was built in 1801.", encoding="utf-8")
    (folder / "bees.md").unlink()
    (folder / "new.txt").write_text("Oranges grow in Valencia.", encoding="utf-8")
    changes = search.add(folder)
    assert (changes.added, changes.changed, changes.removed, changes.unchanged) == (1, 1, 1, 1)
    assert search.search("queen") == []
    assert search.search("dug") == []
    assert search.search("fountain")[0].passage.path == "wells.txt"
    assert "queen" not in search.index.vocabulary()


def test_two_folders_of_one_name_do_not_push_each_other_out(search: Search, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "pages"
    other.mkdir(parents=True)
    (other / "figs.txt").write_text("Figs are sweet.", encoding="utf-8")
    search.add(other)
    assert search.search("figs") and search.search("queen")
    assert set(search.index.sources()) == {"pages", "pages-2"}


def test_killed_while_indexing_the_index_opens_and_goes_on(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from groundup.apps.search.app import Search\n"
        "from groundup.core.document import Document\n"
        "def docs():\n"
        "    for n in range(50):\n"
        "        if n == 30: os.kill(os.getpid(), 9)\n"
        "        yield Document(text=f'Apple number{n} is red.', source='s', path=str(n))\n"
        "Search(Path(sys.argv[1])).add_documents(docs())\n"
    )
    path = tmp_path / "index.sqlite"
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -9
    search = Search(path)
    assert search.index.num_documents() == len(search.search("apple", limit=100)) == 30
    again = search.add_documents(Document(text=f"Apple number{n} is red.", source="s", path=str(n)) for n in range(50))
    assert (again.added, again.unchanged) == (20, 30)


def test_filters_hold_before_ranking() -> None:
    search = Search()
    search.add_documents(
        Document(text="The plum is blue.", source=source, path=str(n), licence=licence, date=date)
        for n, (source, licence, date) in enumerate(
            [("a", "MIT", "2020-01-01"), ("b", "CC0-1.0", "2024-05-06"), ("a", "CC0-1.0", "")]
        )
    )

    def found(**values: object) -> list[str]:
        return sorted(hit.passage.path for hit in search.search("plum", filters=Filters(**values)))  # type: ignore[arg-type]

    assert found() == ["0", "1", "2"]
    assert found(sources=("a",)) == ["0", "2"]
    assert found(licences=("CC0-1.0",), sources=("a",)) == ["2"]
    assert found(date_from="2021") == ["1"]
    assert found(date_to="2020-01") == ["0"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("colny", "colony"), ("wrokers", "workers"), ("bees", "bees"), ("1732", "1732"), ("xyzzyq", "xyzzyq")],
)
def test_slips_are_mended_against_the_words_of_the_index(search: Search, typed: str, meant: str) -> None:
    assert search.understand(typed).words == (meant,)


def test_a_word_behind_a_prefix_is_not_a_slip() -> None:
    has = {"control"}.__contains__
    assert correct("uncontrolled", {"controlled": 5}, has) == "uncontrolled"
    assert correct("contorlled", {"controlled": 5}, has) == "controlled"


def test_synonyms_of_the_user_find_the_other_word(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_text("# ours\nlight fitting, lamp\n", encoding="utf-8")
    assert read_synonyms(file) == {"light fitting": ("lamp",), "lamp": ("light fitting",)}
    search = Search(options=SearchOptions(synonyms=file))
    search.add(folder)
    assert search.search("light fitting")[0].passage.path == "lamps.html"


def test_a_query_cannot_smuggle_operators(search: Search) -> None:
    for text in (
        '"',
        "a OR b NEAR(",
        "title:x",
        "well*",
        "^well",
        "-well",
        "(((",
        "well AND NOT bees",
        "'; DROP TABLE documents; --",
    ):
        search.search(text)
    assert search.index.num_documents() == 3
    assert understand("a AND NOT b", {}, {}).expression() == '"b"'


def test_fusion_is_what_the_papers_say() -> None:
    legs = ([(1, 10.0), (2, 6.0), (3, 2.0)], [(3, 0.9), (1, 0.5)])
    assert normalised_sum(legs, (0.5, 0.5)) == [(1, 0.5), (3, 0.5), (2, 0.25)]
    fused = dict(reciprocal_rank(legs, (1, 1)))
    assert fused[1] == pytest.approx(1 / 61 + 1 / 62)
    assert fused[2] == pytest.approx(1 / 62)


class Letters:
    """A ten-line encoder that really works: letter counts."""

    name, width = "letters", 26

    def encode(self, texts: list[str]) -> np.ndarray:
        rows = (
            np.array([[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts], dtype=np.float32) + 1e-6
        )
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_vectors_are_exact_follow_the_index_and_obey_filters(folder: Path) -> None:
    search = Search(encoder=Letters())
    search.add(folder)
    numbers_N, vectors_ND = search.index.matrix("letters")
    query = search.understand("queen bees")
    ranked = search.rank_vectors(query)
    slow = sorted(
        ((float(v @ Letters().encode(["queen bees"])[0]), int(n)) for n, v in zip(numbers_N, vectors_ND, strict=True)),
        reverse=True,
    )
    assert [number for number, _ in ranked] == [number for _, number in slow]
    (folder / "bees.md").unlink()
    search.add(folder)
    assert len(search.index.matrix("letters")[0]) == 2
    assert search.rank_vectors(query, Filters(sources=("none",))) == []


def test_answers_quote_the_document_and_the_quotation_stands_there(search: Search) -> None:
    answer = search.answer("How many workers does a colony of honey bees have?")
    assert answer.found and "50,000" in answer.text and "[1]" in answer.text
    cited = answer.citations[0]
    assert search.index.text_of(cited.document_id)[cited.start : cited.end] == cited.text


def test_keywords_bring_passages_and_a_question_brings_an_answer() -> None:
    app = SearchApp()
    shown = app.ask("express delivery")
    assert len(shown.citations) == 3 and shown.text.startswith("[1] delivery.md: ")
    assert "9.90" in app.ask("How much does express delivery cost?").text
    assert not app.ask("xylophone").found
    app.close()


@pytest.mark.parametrize(
    "question", ["What is the capital of Mongolia?", "Who invented the telephone?", "why is the sky blue"]
)
def test_what_the_documents_do_not_hold_is_not_answered(search: Search, question: str) -> None:
    answer = search.answer(question)
    assert (answer.text, answer.found, answer.citations) == (NOTHING, False, ())


def test_a_generator_keeps_only_sentences_its_passages_support(search: Search) -> None:
    search.generate = lambda messages: (
        "The well was dug in 1732 [1]. It was dug in 1999 [1]. Peter Meier paid for the well [1]. Maria Keller paid for it [1]. "
        "The water is not cold and clear [1]. The moon is made of cheese [1]. The well is deep."
    )
    answer = search.answer("When was the well of Altdorf dug?")
    assert answer.text == "The well was dug in 1732. [1] Maria Keller paid for it. [1]"


def test_a_generator_that_fails_or_lies_leaves_the_quotation(search: Search) -> None:
    def down(messages: object) -> str:
        raise DataError("down")

    quoted = search.answer("When was the well of Altdorf dug?")
    for generate in (down, lambda messages: "", lambda messages: "It was dug by aliens [7]."):
        search.generate = generate
        assert search.answer("When was the well of Altdorf dug?") == quoted


def test_support_is_strict_about_numbers_names_and_negation(search: Search) -> None:
    passage = "Maria Keller paid 20 ducats for the well in 1732."
    assert supported("Maria Keller paid 20 ducats.", passage, search)
    assert not supported("Maria Keller paid 30 ducats.", passage, search)
    assert not supported("In 1732 Anna Keller paid 20 ducats.", passage, search)
    assert not supported("Maria Keller never paid 20 ducats.", passage, search)
    assert cited_sentences("One. [1] Two [2][3].") == [("One.", [1]), ("Two.", [2, 3])]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "???",
        "\x00\x00",
        "\ud800",
        "\u202e",
        "Wie alt ist der Brunnen? \u4f60\u597d",
        "a" * 200_000,
        "word " * 50_000,
    ],
)
def test_anything_a_person_may_type_gets_an_answer(search: Search, text: str) -> None:
    answer = search.answer(text)
    assert isinstance(answer, Answer) and answer.text


def test_what_cannot_be_read_is_named_and_does_not_stop_the_rest(folder: Path, tmp_path: Path) -> None:
    (folder / "picture.txt").write_bytes(b"\x89PNG\x00\x00\x00")
    (folder / "book.pdf").write_bytes(b"%PDF-1.4")
    (folder / "rows.jsonl").write_text('{"text": "Quinces are hard.", "title": "Quince"}\n{broken\n', encoding="utf-8")
    (folder / "latin.txt").write_bytes("Der K\u00e4se reift.".encode("cp1252"))
    (folder / "empty.txt").write_text("", encoding="utf-8")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (tmp_path / "secret.txt").write_text("The password is plum.", encoding="utf-8")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    search = Search()
    changes = search.add(folder)
    assert sorted(line.split(":")[0] for line in changes.skipped) == [
        "book.pdf",
        "out.txt",
        "picture.txt",
        "rows.jsonl#2",
    ]
    assert search.search("quinces") and search.search("kase") and not search.search("password")


def test_a_place_that_is_not_there_and_a_file_that_is_no_index_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        Search().add(tmp_path / "nowhere")
    (tmp_path / "bad.sqlite").write_bytes(b"not a database at all, but long enough to be looked at" * 50)
    with pytest.raises(ArtifactError, match="cannot be opened"):
        Search(tmp_path / "bad.sqlite")
    with pytest.raises(UsageError, match="not a web address"):
        from_url("file:///etc/passwd")


def test_a_closed_index_is_an_error_with_words(search: Search) -> None:
    search.close()
    with pytest.raises(ArtifactError, match="cannot be read"):
        search.search("well")


def test_ndcg_by_hand() -> None:
    gains = {"a": 3.0, "b": 2.0, "c": 0.0}
    ideal = 3 + 2 / np.log2(3)
    assert ndcg(["a", "b"], gains) == pytest.approx(1.0)
    assert ndcg(["c", "b", "a"], gains) == pytest.approx((2 / np.log2(3) + 3 / 2) / ideal)
    assert ndcg([], gains) == ndcg(["a"], {}) == 0.0
    low, high = interval([0.0, 1.0] * 50)
    assert 0.38 < low < 0.5 < high < 0.62


@pytest.mark.real_data
@pytest.mark.skipif("GROUNDUP_REAL_DATA" not in os.environ, reason="GROUNDUP_REAL_DATA names no folder")
def test_words_on_cranfield() -> None:
    collection = read_cranfield(Path(os.environ["GROUNDUP_REAL_DATA"]) / "ir_cranfield")
    assert (len(collection.documents), len(collection.queries)) == (1400, 225)
    assert np.mean(ranking_table(collection)["words"]) > 0.36


def test_one_document_is_enough_for_a_question() -> None:
    search = Search()
    search.add_documents(
        [
            Document(
                text="The kettle boils one litre of water in three minutes. Descale it every month with vinegar.",
                source="m",
                path="kettle.md",
            )
        ]
    )
    assert "every month" in search.answer("How often should I descale the kettle?").text
    assert "three minutes" in search.answer("How long does the kettle take to boil a litre of water?").text
    assert not search.answer("Who invented the telephone?").found


def test_word_files_are_read_by_the_readers_of_stage_one(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    made = docx.Document()
    made.add_paragraph("The zeppelin leaves the hangar at nine in the morning.")
    made.save(str(tmp_path / "plan.docx"))
    (tmp_path / "noise.xyz").write_bytes(b"\x01\x02")
    search = Search()
    changes = search.add(tmp_path)
    assert search.search("zeppelin")[0].citation.path == "plan.docx"
    assert changes.skipped and changes.skipped[0].startswith("noise.xyz")


def test_actions_and_documents_out_and_in() -> None:
    from groundup.apps.base import do

    app = SearchApp()
    for action in app.actions():
        assert do(app, action.name, action.example).text
    other = SearchApp()
    assert (
        other.import_data(
            {"documents": [{"path": "a", "title": "Tea", "text": "Green tea is steeped for two minutes."}]}
        )
        == 1
    )
    assert "two minutes" in other.ask("How long is green tea steeped?").text
    assert any(one["path"] == "a" for one in other.export_data()["documents"])
