"""The running Python as a source: real text and code, read and never imported."""

import ast
import sys

from groundup.collect.samples import python_docs

MADE = list(python_docs.documents("python", 60, 3))


def test_count_and_seed_decide_what_comes():
    assert len(MADE) == 60
    assert [document.path for document in python_docs.documents("python", 5, 3)] == [item.path for item in MADE[:5]]
    assert [document.path for document in python_docs.documents("python", 5, 4)] != [item.path for item in MADE[:5]]


def test_documents_carry_licence_and_distinct_ids():
    assert {document.licence for document in MADE} == {"PSF-2.0"}
    assert len({document.id for document in MADE}) == len(MADE)
    assert all(document.text.strip() for document in MADE)


def test_source_is_code_and_docstrings_are_text():
    source = next(document for document in MADE if document.path.startswith("source/"))
    ast.parse(source.text)
    assert source.meta == {"format": "python"}
    docs = next(document for document in MADE if document.path.startswith("doc/"))
    assert docs.language == "en" and docs.text.startswith(docs.path.removeprefix("doc/"))


def test_modules_are_not_imported():
    before = set(sys.modules)
    list(python_docs.documents("python", 30, 9))
    assert not {"antigravity", "this", "turtle"} & (set(sys.modules) - before)


def test_docstrings_stand_under_their_full_names():
    source = '"""Module of toys. ' + "x" * 200 + '"""\nclass Toy:\n    def spin(self):\n        """Turn round."""\n'
    text = python_docs._docstrings(source, "toys")
    assert text.startswith("toys\n\nModule of toys.") and "toys.Toy.spin\n\nTurn round." in text


def test_unparsable_and_poor_modules_give_no_text():
    assert python_docs._docstrings("def (", "broken") == ""
    assert python_docs._docstrings('"""Short."""', "short") == ""
