"""Sources beyond folders: fsspec addresses, the hub's data sets, git repositories, dumps of wikis."""

import bz2
import json
import shutil
import subprocess

import fsspec
import pytest

from groundup.collect.base import Problem
from groundup.collect.files import documents_of
from groundup.collect.git import documents_of_repository
from groundup.collect.licences import is_licence_file, licence_of, nearest
from groundup.collect.options import SourceOptions
from groundup.collect.remote import address_of, card_licence, documents_of_remote
from groundup.collect.wikitext import plain_text
from groundup.core.errors import DataError


def source(place, **values):
    return SourceOptions(**{"from": str(place), **values})


def split(items):
    items = list(items)
    problems = [item for item in items if isinstance(item, Problem)]
    return {item.path: item for item in items if not isinstance(item, Problem)}, problems


def test_files_behind_an_address_are_read_as_those_of_a_folder():
    memory = fsspec.filesystem("memory")
    memory.pipe("/corpus/a.txt", b"Hello from far away.")
    memory.pipe("/corpus/inner/rows.jsonl", b'{"text": "one"}\n{"text": "two"}\n')
    memory.pipe("/corpus/empty.txt", b"")
    found, problems = split(documents_of_remote("far", source("memory://corpus", licence="CC0-1.0")))
    assert {path: item.text for path, item in found.items()} == {
        "a.txt": "Hello from far away.",
        "inner/rows.jsonl#1": "one",
        "inner/rows.jsonl#2": "two",
    }
    assert {item.licence for item in found.values()} == {"CC0-1.0"}
    assert [problem.problem for problem in problems] == ["empty"]
    one, _ = split(documents_of_remote("far", source("memory://corpus/a.txt")))
    assert list(one) == ["a.txt"]


def test_an_address_of_this_machine_and_one_of_nowhere(tmp_path):
    (tmp_path / "a.md").write_text("# Title")
    found, _ = split(documents_of_remote("here", source(f"file://{tmp_path}", include=["*.md"])))
    assert found["a.md"].text == "# Title"
    with pytest.raises(DataError, match=r"no file at|cannot be read"):
        list(documents_of_remote("gone", source("memory://nothing-here")))
    with pytest.raises(DataError, match="cannot be read"):
        list(documents_of_remote("odd", source("teleport://a/b")))


def test_a_data_set_of_the_hub_is_an_address_and_its_card_names_the_licence():
    assert source("hf:owner/name").is_remote
    assert address_of("hf:owner/name") == "hf://datasets/owner/name"
    assert card_licence("---\nlanguage: en\nlicense: cc-by-4.0\n---\n# Card") == "cc-by-4.0"
    assert card_licence("# No front matter\nlicense: mit") == ""


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("needs git")
    folder = tmp_path / "repo"
    (folder / "vendor").mkdir(parents=True)
    (folder / "LICENSE").write_text(
        "Permission is hereby granted, free of charge, to any person obtaining a copy of it"
    )
    (folder / "vendor" / "COPYING.txt").write_text("Apache License, Version 2.0, January 2004")
    (folder / "main.py").write_text("print('hello')\n")
    (folder / "own.py").write_text("# SPDX-License-Identifier: GPL-3.0-only\nprint('mine')\n")
    (folder / "vendor" / "lib.c").write_text("int main(void) { return 0; }\n")

    def git(*words):
        who = ("-c", "user.name=Nora", "-c", "user.email=nora@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, "-C", str(folder), *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    (folder / "untracked.py").write_text("print('not in the repository')\n")
    return folder


def test_a_repository_gives_tracked_files_each_with_its_licence(repository):
    found, _ = split(documents_of_repository("code", source(f"git:{repository}", exclude=["LICENSE", "COPYING*"])))
    assert {path: item.licence for path, item in found.items()} == {
        "main.py": "MIT",
        "own.py": "GPL-3.0-only",
        "vendor/lib.c": "Apache-2.0",
    }
    assert len(found["main.py"].meta["commit"]) == 40
    assert found["main.py"].meta["kind"] == "code"
    cloned, _ = split(documents_of_repository("code", source(f"git:file://{repository}", count=1)))
    assert len(cloned) == 1


def test_what_is_no_repository_is_told_in_gits_words(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("needs git")
    with pytest.raises(DataError, match="git says"):
        list(documents_of_repository("code", source(f"git:{tmp_path}")))


def test_licences_are_named_by_their_own_words_only():
    assert licence_of("All rights reserved by nobody in particular.") == ""
    assert licence_of("Redistribution and use in source and binary forms ... Neither the name of") == "BSD-3-Clause"
    assert [is_licence_file(name) for name in ("LICENSE-MIT", "COPYING", "licensed.py")] == [True, True, False]
    assert nearest("a/b/c.py", {"": "MIT", "a": "ISC"}) == "ISC"


PAGE = "<page><title>{title}</title><ns>{ns}</ns><id>{id}</id>{more}<revision><id>9</id><timestamp>2024-05-01T10:00:00Z</timestamp><text>{text}</text></revision></page>"  # noqa: E501
DUMP = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en"><siteinfo>'
    "<base>https://en.wikipedia.org/wiki/Main_Page</base></siteinfo>"
    + PAGE.format(title="Red lamp", ns=0, id=12, more="", text="A '''lamp''' gives [[light|warm light]].")
    + PAGE.format(title="Lamp", ns=0, id=13, more='<redirect title="Red lamp"/>', text="#REDIRECT [[Red lamp]]")
    + PAGE.format(title="Talk:Lamp", ns=1, id=14, more="", text="I think so.")
)


def test_a_dump_of_wikipedia_gives_its_articles(tmp_path):
    (tmp_path / "enwiki-pages-articles.xml.bz2").write_bytes(bz2.compress(f"{DUMP}</mediawiki>".encode()))
    found, problems = split(documents_of("wiki", source(tmp_path)))
    (article,) = found.values()
    assert article.text == "# Red lamp\n\nA lamp gives warm light."
    assert (article.licence, article.language, article.date) == ("CC-BY-SA-4.0", "en", "2024-05-01")
    assert article.meta["url"] == "https://en.wikipedia.org/wiki/Red_lamp"
    assert article.path.endswith("#12")
    assert "1 redirects" in problems[0].detail
    assert "1 outside the article space" in problems[0].detail


def test_a_dump_that_is_cut_off_keeps_what_came_before(tmp_path):
    (tmp_path / "wiki.xml").write_text(DUMP)
    found, problems = split(documents_of("wiki", source(tmp_path)))
    assert len(found) == 1
    assert {problem.problem for problem in problems} == {"bad_xml", "passed_over"}


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        (
            "{{Infobox|a={{b|c}}}}'''Oslo''' is the [[capital city|capital]] of [[Norway]].",
            "Oslo is the capital of Norway.",
        ),
        ("One<ref name=a>{{cite|x}}</ref> two<ref name=b /> three.", "One two three."),
        ("== History ==\nOld.\n\n== References ==\n* [[x]]\n", "## History\n\nOld."),
        ("[[File:a.jpg|thumb|A [[lamp]] here]]Text [https://a.org with a link].", "Text with a link."),
        ("{| class=x\n|-\n| a || b\n|}\nAfter &amp;nbsp;all.", "After all."),
        ("* one\n* two\n:indented", "- one\n- two\nindented"),
        ("A {{broken template\n\nstill here.", "A\n\nstill here."),
        ("x (, ;) y<!-- hidden --><math>a^2</math>", "x y"),
    ],
)
def test_wikitext_becomes_plain_paragraphs(wikitext, text):
    assert plain_text(wikitext) == text


def test_wikitext_takes_linear_time():
    for text in ("{{" * 50_000, "[[" * 50_000, "<ref>" * 20_000, "'" * 100_000, "{{a}}" * 20_000):
        assert isinstance(plain_text(text), str)


def test_the_stage_reads_a_remote_source(tmp_path):
    from groundup.collect.stage import run
    from groundup.core.console import Console
    from groundup.core.stage import Context

    fsspec.filesystem("memory").pipe("/small/rows.jsonl", json.dumps({"text": "a row of text"}).encode())
    counts = run({"far": source("memory://small")}, {}, tmp_path, Context(console=Console(quiet=True)))
    assert counts["documents"] == 1
