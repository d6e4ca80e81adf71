"""What the book page says that can be reckoned is reckoned here: parameters and costs of published shapes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from groundup.model.config import ModelConfig
from groundup.model.options import ModelOptions
from groundup.model.plan import count
from groundup.model.presets import resolve
from tests.test_docs import DOCS

PAGE = (DOCS / "book.md").read_text(encoding="utf-8")
GPT_VOCABULARY, TRANSFORMER_VOCABULARY = 50_257, 37_000
TOKENS = 300e9  # of every training in Brown et al. 2020


def shape(preset: str, vocabulary_size: int) -> ModelConfig:
    """A published shape, as `[model] preset` gives it."""
    return resolve(ModelOptions(preset=preset), vocabulary_size)


def test_the_shapes_of_gpt_3_cost_what_the_page_says() -> None:
    rows = re.findall(
        r"^\| `(gpt3-[\w.]+)` \| ([\d,]+) million \| ([\d,]+) million \| ([\d.e]+) \| ([\d.e]+) \|$", PAGE, flags=re.M
    )
    assert len(rows) == 8
    for preset, published, ours, published_flops, our_flops in rows:
        cost = count(shape(preset, GPT_VOCABULARY))
        assert f"{cost.parameters / 1e6:,.0f}" == ours
        assert cost.parameters / 1e6 == pytest.approx(float(published.replace(",", "")), rel=0.01)
        assert cost.flops_per_token * TOKENS == pytest.approx(float(our_flops), rel=0.005)
        # theirs leave attention's products and the output out: the smaller the model, the more that is
        assert 1 <= float(our_flops) / float(published_flops) < 1.2


def test_the_other_shapes_have_the_parameters_that_the_page_says() -> None:
    gpt2 = count(shape("gpt2", GPT_VOCABULARY)).parameters
    assert f"{gpt2:,}: `preset" in PAGE and gpt2 - 12 * 3 * 768 == 124_412_160
    for preset in ("transformer-base", "transformer-big"):
        stated = re.search(rf"([\d.]+) million: `preset = \"{preset}\"`", PAGE)
        assert stated and f"{count(shape(preset, TRANSFORMER_VOCABULARY)).parameters / 1e6:.1f}" == stated[1]


def test_every_measured_row_has_an_interval_that_holds_it() -> None:
    rows = re.findall(r"\| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \| \d+; [\w ]+ [\d.]+ \|$", PAGE, flags=re.M)
    assert len(rows) >= 20
    assert all(float(low) <= float(value) <= float(high) for value, low, high in rows)


def test_every_file_in_the_tables_is_there() -> None:
    house = Path(DOCS.parent / "groundup")
    named = re.findall(
        r"`((?:model|train|pretrain|finetune|evaluate|audit|clean|generate|tokenizer)/[\w/]+\.\w+)`", PAGE
    )
    assert len(named) > 30
    assert [name for name in named if not (house / name).is_file()] == []
