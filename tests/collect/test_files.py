"""Every kind of file, and every kind of bad file: one line in the problems, the rest unharmed."""

import gzip
import io
import json
import os
import tarfile
import zipfile

import pytest
import zstandard

from groundup.collect.base import FORMATS, Problem
from groundup.collect.files import documents_of
from groundup.collect.formats import load
from groundup.collect.options import SourceOptions
from groundup.core.errors import DataError

TEXT = "The boat went down the river. Nobody was on board."


def collect(folder, **options):
    """(path -> text, path -> problem) of a folder."""
    items = list(documents_of("mine", SourceOptions(**{"from": str(folder), **options})))
    problems = {item.path: item.problem for item in items if isinstance(item, Problem)}
    return {item.path: item.text for item in items if not isinstance(item, Problem)}, problems


def documents(folder, **options):
    return [
        d for d in documents_of("mine", SourceOptions(**{"from": str(folder), **options})) if not isinstance(d, Problem)
    ]


def tar_gz(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_folders_are_walked_in_name_order_with_paths_kept(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.md").write_text(TEXT)
    (tmp_path / "a.txt").write_text(TEXT)
    texts, problems = collect(tmp_path)
    assert list(texts) == ["a.txt", "b/two.md"]
    assert problems == {}


def test_kind_licence_and_language_follow_the_file_and_the_table(tmp_path):
    (tmp_path / "code.py").write_text("print('hello')\n")
    (tmp_path / "page.html").write_text("<html lang='de'><title>A &amp; B</title><p>Hallo</p></html>")
    found = {d.path: d for d in documents(tmp_path, licence="MIT", language="en")}
    assert found["code.py"].meta == {"kind": "code", "code": "python"}
    assert found["page.html"].meta["kind"] == "html"
    assert found["page.html"].meta["title"] == "A & B"
    assert {d.licence for d in found.values()} == {"MIT"}


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_packed_rows_bring_their_own_facts(tmp_path, packing):
    rows = [
        {"text": TEXT, "title": "One", "licence": "CC0-1.0", "lang": "en"},
        {"text": "def f(): pass", "path": "f.py"},
    ]
    data = "\n".join(map(json.dumps, rows)).encode()
    packed = gzip.compress(data) if packing == "gz" else zstandard.compress(data)
    (tmp_path / f"rows.jsonl.{packing}").write_bytes(packed)
    first, second = documents(tmp_path)
    assert (first.path, first.licence, first.language) == (f"rows.jsonl.{packing}#1", "CC0-1.0", "en")
    assert first.meta == {"kind": "prose", "title": "One"}
    assert second.meta["kind"] == "code"


def test_archives_are_read_inside_out(tmp_path):
    tar_gz(tmp_path / "a.tar.gz", {"in/one.txt": TEXT.encode(), "in/rows.csv": b"id,text\n1,hello there\n"})
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("two.txt", TEXT)
        archive.writestr("deep.tar.gz", (tmp_path / "a.tar.gz").read_bytes())
    texts, problems = collect(tmp_path)
    assert list(texts) == [
        "a.tar.gz!in/one.txt",
        "a.tar.gz!in/rows.csv#1",
        "b.zip!two.txt",
        "b.zip!deep.tar.gz!in/one.txt",
        "b.zip!deep.tar.gz!in/rows.csv#1",
    ]
    assert problems == {}


def test_parquet_json_notebook_and_tei_give_their_text(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"body": [TEXT], "url": ["u"]}), tmp_path / "a.parquet")
    (tmp_path / "b.json").write_text(json.dumps([{"content": TEXT}]))
    (tmp_path / "c.ipynb").write_text(
        json.dumps(
            {"cells": [{"cell_type": "markdown", "source": ["# Title"]}, {"cell_type": "code", "source": "x = 1"}]}
        )
    )
    (tmp_path / "d.xml").write_text(
        '<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><title>T</title></teiHeader>'
        "<text><body><p>One <hi>word</hi>.<note>gone</note></p><l>A verse</l></body></text></TEI>"
    )
    texts, problems = collect(tmp_path)
    assert texts == {
        "a.parquet#1": TEXT,
        "b.json#1": TEXT,
        "c.ipynb": "# Title\n\n```python\nx = 1\n```",
        "d.xml": "One word.\n\nA verse",
    }
    assert problems == {}


def test_epub_follows_its_spine_and_docx_keeps_headings_and_tables(tmp_path):
    with zipfile.ZipFile(tmp_path / "book.epub", "w") as book:
        book.writestr(
            "META-INF/container.xml", '<container><rootfiles><rootfile full-path="O/p.opf"/></rootfiles></container>'
        )
        book.writestr(
            "O/p.opf",
            '<package xmlns="o"><metadata><title>Book</title><language>en</language></metadata>'
            '<manifest><item id="a" href="a.xhtml"/><item id="b" href="b.xhtml"/></manifest>'
            '<spine><itemref idref="b"/><itemref idref="a"/></spine></package>',
        )
        book.writestr("O/a.xhtml", "<html><body><p>Second</p></body></html>")
        book.writestr("O/b.xhtml", "<html><body><p>First</p></body></html>")
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    with zipfile.ZipFile(tmp_path / "word.docx", "w") as word:
        word.writestr(
            "word/document.xml",
            f'<w:document {w}><w:body><w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr>'
            "<w:r><w:t>Head</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc>"
            "<w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>",
        )
    texts, problems = collect(tmp_path)
    assert texts["book.epub"].index("First") < texts["book.epub"].index("Second")
    assert texts["word.docx"] == "## Head\n\na | b"
    assert problems == {}


def test_pdf_text_is_read(tmp_path):
    pytest.importorskip("pypdfium2")
    content = b"BT /F1 12 Tf 50 700 Td (Hello from a page) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body = b"%PDF-1.4\n" + b"".join(b"%d 0 obj%s endobj\n" % (n, o) for n, o in enumerate(objects, 1))
    (tmp_path / "a.pdf").write_bytes(body + b"trailer<</Root 1 0 R/Size 6>>\n%%EOF")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    texts, problems = collect(tmp_path)
    assert texts == {"a.pdf": "Hello from a page"}
    assert problems == {"b.pdf": "bad_pdf"}


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("cp1252", b""),
        ("latin-1", b""),
    ],
)
def test_encodings_are_told_from_the_bytes(tmp_path, encoding, mark):
    text = "Das schöne Mädchen hörte die Glocken über dem Fluß läuten, früh am Morgen. " * 3
    (tmp_path / "a.txt").write_bytes(mark + text.encode(encoding))
    texts, problems = collect(tmp_path)
    assert texts == {"a.txt": text}
    assert problems == {}


def test_bad_files_are_one_problem_each_and_never_fatal(tmp_path):
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 50)
    (tmp_path / "broken.txt").write_bytes(("schön über " * 50).encode() + b"\xff\xfe" + TEXT.encode())
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "good.txt").write_text(TEXT)
    (tmp_path / "no_rows.jsonl").write_text('{"other": 1}\n')
    (tmp_path / "some.jsonl").write_text(json.dumps({"text": TEXT}) + "\nnot json\n[1]\n")
    (tmp_path / "not.zip").write_bytes(b"PK no zip at all")
    (tmp_path / "not.parquet").write_bytes(b"PAR1 no parquet")
    (tmp_path / "bad.xml").write_text("<a><b></a>")
    os.symlink(tmp_path / "nowhere", tmp_path / "dangling")
    texts, problems = collect(tmp_path)
    assert set(texts) == {"broken.txt", "good.txt", "some.jsonl#1"}
    assert problems == {
        "bad.xml": "bad_xml", "binary.txt": "binary", "broken.txt": "broken_characters", "dangling": "unreadable",
        "empty.txt": "empty", "no_rows.jsonl": "no_text_column", "not.parquet": "damaged", "not.zip": "damaged_archive",
        "some.jsonl": "bad_rows",
    }  # fmt: skip


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_skipped(tmp_path):
    (tmp_path / "locked.txt").write_text(TEXT)
    (tmp_path / "locked.txt").chmod(0)
    assert collect(tmp_path)[1] == {"locked.txt": "unreadable"}


def test_a_truncated_gz_keeps_what_was_read(tmp_path):
    import random

    rows = [json.dumps({"text": f"{TEXT} {random.Random(i).random()}"}) for i in range(2000)]
    data = gzip.compress("\n".join(rows).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(data[: len(data) // 2])
    items = list(documents_of("mine", SourceOptions(**{"from": str(tmp_path)})))
    assert 500 < sum(not isinstance(item, Problem) for item in items) < 1500
    assert "truncated" in [item.problem for item in items if isinstance(item, Problem)]


def test_bombs_are_stopped_early(tmp_path):
    zeros = bytes(60_000_000)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(zeros))
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", zeros)
    texts, problems = collect(tmp_path)
    assert texts == {}
    assert problems == {"a.txt.gz": "bomb", "b.zip!zeros.txt": "bomb"}


def test_a_link_loop_ends(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(TEXT)
    os.symlink(tmp_path, tmp_path / "in" / "loop")
    texts, problems = collect(tmp_path)
    assert set(texts) == {"in/a.txt"}
    assert problems == {"in/loop": "link_loop"}


def test_one_endless_line_is_skipped_in_bounded_memory(tmp_path):
    (tmp_path / "line.txt").write_bytes(b"x" * 500_000 + b"\n" + TEXT.encode())
    texts, problems = collect(tmp_path, max_bytes=10_000)
    assert list(texts.values()) == [TEXT]
    assert "long_line" in problems.values()


def test_long_plain_text_is_cut_at_line_ends_without_loss(tmp_path):
    text = "".join(f"{i} {TEXT}\n" for i in range(2000))
    (tmp_path / "long.txt").write_text(text)
    texts, problems = collect(tmp_path, max_bytes=10_000)
    assert len(texts) > 5
    assert "".join(texts.values()) == text
    assert problems == {"long.txt": "cut"}


def test_globs_count_and_text_column_choose(tmp_path):
    for name in ("a.txt", "b.md", "c.txt"):
        (tmp_path / name).write_text(TEXT)
    (tmp_path / "d.csv").write_text("story,x\nhello there,1\n")
    assert set(collect(tmp_path, include=["*.txt"], exclude=["c*"])[0]) == {"a.txt"}
    assert len(collect(tmp_path, count=2)[0]) == 2
    assert collect(tmp_path, include=["*.csv"], text_column="x")[0] == {"d.csv#1": "1"}


def test_a_missing_folder_is_an_error_that_names_the_repair(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        collect(tmp_path / "nowhere")


def test_every_reader_survives_noise(tmp_path):
    load()
    noise = bytes((i * 7919 + i // 3) % 256 for i in range(5000))
    for suffix in FORMATS:
        (tmp_path / f"noise{suffix or '_none'}").write_bytes(noise)
    texts, problems = collect(tmp_path)
    assert texts == {}
    assert len(problems) == len(FORMATS)


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (TEXT.encode(), [TEXT]),
        (b'{"text": "One."}\n{"text": "Two."}\n', ["One.", "Two."]),
        (gzip.compress(TEXT.encode()), [TEXT]),
    ],
)
def test_standard_input_is_read_by_its_first_bytes(monkeypatch, data, texts):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
    assert [d.text for d in documents("-")] == texts
