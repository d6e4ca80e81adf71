"""Every objective through the front door: it learns, leaves a model that opens, and resumes exactly."""

import json

import pytest

from groundup.core.errors import DataError, Interrupted, RecipeError
from groundup.core.example import Example, write_examples
from groundup.model import bundle
from groundup.pretrain.options import PretrainOptions, PretrainStage
from groundup.pretrain.stage import run
from tests.pretrain.test_stage import TEXTS, TRAINING, context, tokens  # noqa: F401

SMALL = {"depth": 1, "width": 16, "num_heads": 2, "context_length": 48, "dropout": 0.1}
CASES = {
    "masked": ({"family": "bert"}, {"objective": "masked", "whole_word": True}),
    "next_sentence": ({"family": "bert"}, {"next_sentence": True}),
    "denoise": ({"family": "encoder_decoder", "position": "relative"}, {"objective": "denoise"}),
    "seq2seq": (
        {"family": "encoder_decoder"},
        {"objective": "seq2seq", "examples": ["stories:turned"], "label_smoothing": 0.1},
    ),
    "experts": ({"family": "custom", "num_experts": 2, "position": "alibi"}, {}),
}


@pytest.fixture(scope="module")
def inputs(tokens, tmp_path_factory):  # noqa: F811
    collect = tmp_path_factory.mktemp("1_collect")
    pairs = [
        Example("translate", text=text[:20], target=text[19::-1], document_id=str(n)) for n, text in enumerate(TEXTS)
    ]
    write_examples(collect / "examples" / "stories" / "turned.jsonl.zst", pairs)
    return {"tokenizer": tokens, "collect": collect}


def options_of(name, **changes):
    model, training = CASES[name]
    return PretrainStage(
        pretrain=PretrainOptions(**{**TRAINING, "steps": 6, "eval_every": 4, **training, **changes}),
        model={**SMALL, **model},
    )


@pytest.mark.parametrize("name", CASES)
def test_stopped_and_continued_ends_in_the_same_model(inputs, tmp_path, name):
    run(options_of(name), inputs, tmp_path / "whole", context())
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        run(options_of(name), inputs, tmp_path / "cut", context(stop=lambda: next(asked) == 3))
    counts = run(options_of(name), inputs, tmp_path / "cut", context())
    weights = [(tmp_path / folder / "model" / "model.safetensors").read_bytes() for folder in ("cut", "whole")]
    assert weights[0] == weights[1]
    assert bundle.load(tmp_path / "cut" / "model", "cpu").config.family == CASES[name][0]["family"]
    assert all(value > 0 for value in counts["validation"].values() if isinstance(value, float) and value == value)


@pytest.mark.parametrize("name", ["masked", "next_sentence", "denoise", "seq2seq"])
def test_it_learns(inputs, tmp_path, name):
    run(options_of(name, steps=30, eval_every=1), inputs, tmp_path, context())
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = [row.get("masked_loss", row.get("target_loss")) for row in rows if row["kind"] == "validation"]
    assert losses[-1] < 0.9 * losses[0]
    samples = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert samples[-1]["prompt"]


def test_an_objective_of_another_family_is_refused_with_those_that_fit(inputs, tmp_path):
    with pytest.raises(RecipeError, match="Take one of: masked"):
        run(options_of("masked", objective="causal"), inputs, tmp_path, context())


def test_examples_that_are_not_there_are_refused_with_those_that_are(inputs, tmp_path):
    with pytest.raises(DataError, match="stories:turned"):
        run(options_of("seq2seq", examples=["stories:tuned"]), inputs, tmp_path, context())


def test_translation_without_examples_says_how_to_name_them(inputs, tmp_path):
    with pytest.raises(RecipeError, match="examples"):
        run(options_of("seq2seq", examples=[]), inputs, tmp_path, context())
