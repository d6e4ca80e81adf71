"""Main text against the truth of real pages."""

import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from groundup.clean.main_text import main_text
from groundup.language.words import words


def token_f1(found, truth):
    a, b = Counter(words(found)), Counter(words(truth))
    return 2 * sum((a & b).values()) / max(1, sum(a.values()) + sum(b.values()))


def files_of(path):
    with tarfile.open(path) as archive:
        return {
            member.name: archive.extractfile(member).read().decode("utf-8", "replace")
            for member in archive
            if member.isfile()
        }


def mean_score(pairs):
    scores = [token_f1(main_text(page).text, truth) for page, truth in pairs]
    return sum(scores) / len(scores)


@pytest.mark.real_data
def test_articles_are_found_on_real_pages(real_data):
    files = files_of(real_data / "html_article_extraction" / "pages.tar.gz")
    truth = json.loads(next(data for name, data in files.items() if name.endswith("ground-truth.json")))
    pairs = [(page, truth[Path(name).stem]["articleBody"]) for name, page in files.items() if name.endswith(".html")]
    assert len(pairs) > 50
    assert mean_score(pairs) >= 0.957  # measured 0.965; trafilatura 2.3.1 has 0.957


@pytest.mark.real_data
def test_articles_are_found_on_the_pages_of_readability(real_data):
    files = files_of(real_data / "html_readability" / "pages.tar.gz")
    sources = {Path(name).parent.name: page for name, page in files.items() if name.endswith("source.html")}
    truth = {Path(name).parent.name: page for name, page in files.items() if name.endswith("expected.html")}
    pairs = [(page, main_text(truth[name], main_content=False).text) for name, page in sources.items()]
    assert len(pairs) == 30
    assert mean_score(pairs) >= 0.96
