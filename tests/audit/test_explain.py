"""An explanation of a real (untrained) model's answer, and its page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from groundup.audit.asked import greedy
from groundup.audit.explain import Explanation, explain
from groundup.audit.explain_page import render, write_page
from groundup.core.errors import UsageError
from groundup.model import bundle
from tests.evaluate.small_run import make


@dataclass
class Place:
    source: str
    path: str
    licence: str


@dataclass
class Span:
    text: str
    count: int
    documents: list[Place] = field(default_factory=list)


SPANS = [Span("lived <u>in</u> Greenfield", 12, [Place("stories", "story-7", "Apache-2.0")])]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Shaken, since the output matrices of a new model's blocks are zero: it would not look at its prompt at all."""
    loaded = bundle.load(make(tmp_path_factory.mktemp("run"))["model"], device="cpu")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return loaded


@pytest.fixture(scope="module")
def explanation(opened: Any) -> Explanation:
    return explain(opened, "Anna lived in <Greenfield> with her dog.", chat=True, sources=SPANS)


def test_every_method_gives_every_word_a_number(explanation: Explanation) -> None:
    text = "".join(word.text for word in explanation.words if not word.frame)
    assert text == "Anna lived in <Greenfield> with her dog." and "<|user|>" in [w.text for w in explanation.words]
    methods = {"integrated_gradients", "occlusion", "gradient_x_input", "attention_rollout"}
    assert {one.method for one in explanation.blames} == methods and explanation.best_method != "attention_rollout"
    for blame in explanation.blames:
        assert len(blame.scores) == len(explanation.words)
        assert all(score == 0 for score, word in zip(blame.scores, explanation.words, strict=True) if word.frame)
        assert any(score != 0 for score in blame.scores)
    assert len(explanation.faithfulness) == 8 and len(explanation.layers) == 2
    assert [word for word, _ in explanation.top_words(3)] and explanation.target


def test_words_cover_the_prompt_without_gaps(explanation: Explanation) -> None:
    ends = [0, *(word.end for word in explanation.words)]
    assert [word.start for word in explanation.words] == ends[:-1]
    assert not any(word.text.isspace() for word in explanation.words)


def test_the_same_seed_gives_the_same_explanation(opened: Any) -> None:
    first, second = (explain(opened, "Anna had a dog", "named Rex", seed=3) for _ in range(2))
    assert json.dumps(asdict(first)) == json.dumps(asdict(second))


def test_a_contrast_is_a_share(opened: Any) -> None:
    one, other = (explain(opened, "The nurse said that", a, contrast=b) for a, b in (("she", "he"), ("he", "she")))
    assert one.probability + other.probability == pytest.approx(1, abs=1e-5)


def test_what_the_model_says_itself_is_its_greedy_answer(opened: Any) -> None:
    from groundup.generate import Engine, Sampling

    ids = [opened.tokenizer.special["<|endoftext|>"], *opened.tokenizer.encode("Anna lived")]
    said = greedy(opened.model, opened.tokenizer, ids, most=5)
    generated = Engine(opened).generate([ids], Sampling(max_tokens=5, temperature=0.0))[0].ids
    assert said[: len(generated)] == generated[: len(said)] and 1 <= len(said) <= 5


@pytest.mark.parametrize(
    "prompt, options, rule",
    [
        ("", {}, "no prompt"),
        ("Hello", {"methods": ["oclusion"]}, "Did you mean 'occlusion'"),
        ("Hello", {"methods": []}, "at least one"),
        ("Hello", {"target": " "}, "empty"),
        ("word " * 300, {"target": "x"}, "reads 192"),
    ],
)
def test_what_cannot_be_explained_is_refused(opened: Any, prompt: str, options: dict, rule: str) -> None:
    with pytest.raises(UsageError, match=rule):
        explain(opened, prompt, **options)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_the_page_answers_all_questions_and_loads_nothing(explanation: Explanation, tmp_path: Path) -> None:
    page = write_page(explanation, tmp_path / "why.html").read_text()
    for heading in ("Which words", "How far to trust the words", "Which layer", "What lies near", "Which documents"):
        assert f"<h2>{heading}</h2>" in page
    assert "stories: story-7" in page and "Integrated gradients" in page
    tags = Tags()
    tags.feed(page)
    assert not {"script", "img", "link", "iframe", "u"} & set(tags.names)  # the span's own <u> is text
    assert not {"src", "href", "onclick"} & set(tags.attributes)
    assert "&lt;u&gt;in&lt;/u&gt;" in page and "&lt;Greenfield&gt;" in page


def test_a_page_without_sources_says_so(opened: Any) -> None:
    assert "No span was handed in" in render(explain(opened, "Anna had", "a dog"))


def test_spans_may_come_as_json(opened: Any) -> None:
    page = render(explain(opened, "Anna had", "a dog", sources=[json.loads(json.dumps(asdict(SPANS[0])))]))
    assert "stories: story-7" in page and "12" in page
