"""Web archives: the pages that were answered well, whatever is broken around them."""

import gzip
import zlib

import pytest

from groundup.collect.base import Problem
from groundup.collect.files import documents_of
from groundup.collect.options import SourceOptions

PAGE = b"<html><head><title>Boats</title></head><body><p>The boat went down the river.</p></body></html>"

CHUNKS = b"5\r\n" + PAGE[:5] + b"\r\n%x\r\n" % len(PAGE[5:]) + PAGE[5:] + b"\r\n0\r\n\r\n"


def record(content, kind="response", url="http://a.example/page", content_type="application/http; msgtype=response"):
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-01-31T10:00:00Z\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n\r\n"


def answer(body=PAGE, status="200 OK", head="Content-Type: text/html; charset=utf-8"):
    return f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode() + body


def collect(path):
    items = list(documents_of("mine", SourceOptions(**{"from": str(path)})))
    return [i for i in items if not isinstance(i, Problem)], [
        (i.problem, i.detail) for i in items if isinstance(i, Problem)
    ]


def test_pages_keep_address_and_date_and_the_rest_is_counted(tmp_path):
    records = [
        record(b"software: x", "warcinfo"),
        record(b"GET / HTTP/1.1\r\n\r\n", "request"),
        record(answer()),
        record(answer(status="404 Not Found")),
        record(answer(b"\x89PNG", head="Content-Type: image/png")),
        record(b"Ein Text.", "conversion", "http://a.example/wet", "text/plain"),
    ]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(map(gzip.compress, records)))
    documents, problems = collect(tmp_path)
    assert [(d.meta["url"], d.meta["kind"], d.date[:10]) for d in documents] == [
        ("http://a.example/page", "html", "2024-01-31"),
        ("http://a.example/wet", "prose", "2024-01-31"),
    ]
    assert documents[0].text == PAGE.decode()
    assert [name for name, _ in problems] == ["passed_over"]
    assert all(word in problems[0][1] for word in ("1 warcinfo", "1 request", "1 status 404", "1 image/png"))


def test_broken_records_cost_only_themselves(tmp_path):
    good = record(answer())
    broken = good.replace(f"Content-Length: {len(answer())}".encode(), b"Content-Length: many")
    (tmp_path / "a.warc").write_bytes(good + b"rubbish\r\nrubbish\r\n" + broken + good + good[:-60])
    documents, problems = collect(tmp_path)
    assert len(documents) == 3
    assert documents[2].text.startswith("<html>")
    assert {name for name, _ in problems} == {"bad_record", "truncated"}


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Type: text/html\r\nTransfer-Encoding: chunked", CHUNKS),
        ("Content-Type: text/html\r\nContent-Encoding: gzip", gzip.compress(PAGE)),
        ("Content-Type: text/html\r\nContent-Encoding: deflate", zlib.compress(PAGE)),
        ("Content-Type: text/html\r\nContent-Encoding: gzip", PAGE),
    ],
)  # fmt: skip
def test_transfer_and_content_codings_are_undone(tmp_path, head, body):
    (tmp_path / "a.warc").write_bytes(record(answer(body, head=head)))
    assert [d.text for d in collect(tmp_path)[0]] == [PAGE.decode()]


def test_the_declared_charset_is_used_where_the_bytes_are_no_utf8(tmp_path):
    page = "<html><p>Gr\u00fc\u00dfe</p></html>"
    body = page.encode("iso-8859-1")
    (tmp_path / "a.warc").write_bytes(record(answer(body, head="Content-Type: text/html; charset=ISO-8859-1")))
    assert [d.text for d in collect(tmp_path)[0]] == [page]


def test_arc_files_are_read_too(tmp_path):
    body = answer()
    lines = b"filedesc://a.arc 0.0.0.0 20240131000000 text/plain 4\nabcd\n\n"
    lines += b"http://a.example/ 192.0.2.1 20240131101112 text/html %d\n" % len(body) + body + b"\n"
    (tmp_path / "a.arc").write_bytes(lines)
    documents, _ = collect(tmp_path)
    assert [(d.meta["url"], d.date, d.text) for d in documents] == [("http://a.example/", "2024-01-31", PAGE.decode())]


@pytest.mark.real_data
def test_real_archives_give_their_pages(real_data):
    documents, problems = collect(real_data / "warc")
    by_file = {}
    for item in documents:
        by_file.setdefault(item.path.split("#")[0], []).append(item)
    assert len(by_file["warcfile.warc.gz"]) >= 10
    assert all(name in by_file for name in ("whirlwind.warc.gz", "whirlwind.warc.wet.gz", "example.warc"))
    assert {name for name, _ in problems} <= {"passed_over", "truncated", "bad_record", "empty", "broken_characters"}
