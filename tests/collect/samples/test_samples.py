"""The table of contents: every registered sample keeps the same contract."""

import itertools

import pytest

from groundup.collect.samples import SAMPLES
from groundup.core.errors import UsageError


@pytest.mark.parametrize("name", list(SAMPLES))
def test_every_sample_gives_documents_of_the_named_source(name):
    sample = SAMPLES.get(name)
    made = list(itertools.islice(sample.documents("mine", 20, 1, ""), 20))
    assert made and {document.source for document in made} == {"mine"}
    assert all(document.licence for document in made)
    assert len({document.path for document in made}) == len(made)
    assert next(iter(sample.documents("mine", 1, 1, "CC0-1.0"))).licence == "CC0-1.0"


@pytest.mark.parametrize("name", list(SAMPLES))
def test_examples_name_their_source(name):
    for made in SAMPLES.get(name).examples("mine", 5, 1).values():
        assert {example.source for example in made} == {"mine"}


def test_an_unknown_sample_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'stories'"):
        SAMPLES.get("story")
