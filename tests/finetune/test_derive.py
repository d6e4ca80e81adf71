"""Pairs from structure alone: every answer is a piece of the document."""

from __future__ import annotations

from groundup.core.document import Document
from groundup.finetune.derive import cut, derive, sections_of

TEXT = """# Foxes

Foxes are small animals that live in dens. They hunt at night and sleep by day.

## Food

They eat mice, berries and sometimes fish. In winter they eat less.

```
# not a heading
```

Young ones
----------

They are called kits and stay with their mother for half a year.

## What do foxes fear?

They fear wolves and eagles, and most of all dogs.

Question: Where do they sleep?
Answer: They sleep in dens under roots, out of the wind.

Why? I do not know. Is that so?

## Abstract

Foxes are small hunters of the night that live in dens.
"""


def pairs(kind: str, text: str = TEXT, context_length: int = 200):
    document = Document(text, "books", "foxes.md", licence="CC0-1.0")
    examples = list(derive(kind, document, context_length, lambda text: len(text.split())))
    assert all(example.document_id == document.id and example.licence == "CC0-1.0" for example in examples)
    assert all(example.target.split("\n")[0] in text for example in examples)
    return examples


def test_sections_by_both_kinds_of_headings_but_not_in_code():
    assert [(section.level, section.heading) for section in sections_of(TEXT)] == [
        (1, "Foxes"),
        (2, "Food"),
        (2, "Young ones"),
        (2, "What do foxes fear?"),
        (2, "Abstract"),
    ]


def test_headings_ask_for_their_sections():
    examples = pairs("sections")
    assert [example.question for example in examples] == [
        "What is there to say about Foxes?",
        "Foxes: what is there to say about Food?",
        "Foxes: what is there to say about Young ones?",
    ]
    assert examples[1].target.startswith("They eat mice, berries and sometimes fish.")
    assert {example.meta["derived"] for example in examples} == {"section"}


def test_questions_that_stand_alone_take_the_text_below():
    found = {example.question: example.target for example in pairs("questions")}
    assert set(found) == {"What do foxes fear?", "Where do they sleep?"}
    assert found["Where do they sleep?"] == "They sleep in dens under roots, out of the wind."


def test_title_and_abstract():
    title, abstract = pairs("abstracts")
    assert (title.task, title.target) == ("title", "Foxes")
    assert title.text.startswith("Foxes are small animals")
    assert abstract.task == "summarize" and abstract.target.startswith("Foxes are small hunters")
    assert "hunters" not in abstract.text and "They eat mice" in abstract.text


def test_answers_end_with_a_sentence_and_fit():
    for context_length in (30, 60, 100):
        for example in pairs("sections", context_length=context_length):
            assert len(example.target.split()) <= context_length // 2
            assert example.target.rstrip("`\n").endswith((".", "heading"))
    assert cut("One two three. Four five six. Seven.", 4, lambda text: len(text.split())) == "One two three."
    assert cut("One two three four five", 3, lambda text: len(text.split())) == ""


def test_plain_prose_gives_nothing():
    assert pairs("sections", "No headings here. Is there one? No.") == []
    assert pairs("questions", "No headings here. Is there one? No.") == []
