"""Looking inside while it reads: weights as the textbook has them, vectors that end in what the model says."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from groundup.core.errors import UsageError
from groundup.generate import Engine, flatten
from groundup.generate.inside import look_inside
from groundup.model.layers.position import rotate

IDS = list(range(20, 29))


def test_every_token_shares_its_whole_look_among_what_stands_before_it(bundle: Any) -> None:
    for layer in (0, 1):
        weights_HTS = look_inside(bundle.model, IDS, layer=layer, place=3).attention_HTS
        assert weights_HTS is not None and weights_HTS.shape == (4, 9, 9)
        assert torch.allclose(weights_HTS.sum(-1), torch.ones(4, 9))
        assert not weights_HTS.triu(1).any()


def test_the_first_layers_weights_are_those_of_the_textbook(bundle: Any) -> None:
    model = bundle.model
    attention = model.blocks[0].attention
    x_BTD = model.blocks[0].attention_norm(model.embedding(torch.tensor([IDS])))
    q = attention.query_norm(attention.query(x_BTD).view(1, 9, -1, 8)).transpose(1, 2)
    k = attention.key_norm(attention.key(x_BTD).view(1, 9, -1, 8)).transpose(1, 2)
    turned = model.rotary(0, 9, x_BTD)
    scores_HTS = (rotate(q, *turned) @ rotate(k, *turned).repeat_interleave(2, 1).mT)[0] / math.sqrt(8)
    ahead = torch.ones(9, 9, dtype=torch.bool).triu(1)
    wanted_HTS = scores_HTS.masked_fill(ahead, -torch.inf).softmax(-1)
    found = look_inside(model, IDS, layer=0, place=0).attention_HTS
    assert found is not None and torch.allclose(found, wanted_HTS, atol=1e-5)


def test_the_last_vector_stands_for_what_the_model_says_next(bundle: Any) -> None:
    seen = look_inside(bundle.model, IDS, layer=1, place=len(IDS) - 1)
    said_V = Engine(bundle).next_token_probabilities(IDS)
    token, share = seen.lens[-1][0]
    assert seen.stream_LD.shape == (3, 32) and len(seen.lens) == 3
    assert token == said_V.argmax() and share == pytest.approx(said_V.max(), abs=1e-5)


def test_a_model_laid_flat_shows_the_same(bundle: Any) -> None:
    from copy import deepcopy

    flat = flatten(deepcopy(bundle.model))
    whole, quick = (look_inside(model, IDS, layer=1, place=4) for model in (bundle.model, flat))
    assert whole.attention_HTS is not None and quick.attention_HTS is not None
    assert torch.allclose(whole.attention_HTS, quick.attention_HTS, atol=1e-5)
    assert torch.allclose(whole.stream_LD, quick.stream_LD, atol=1e-4)
    alone = look_inside(flat, IDS[:1], layer=0, place=0).attention_HTS
    assert alone is not None and alone.flatten().tolist() == [1.0] * 4


def test_what_is_not_there_is_refused(bundle: Any) -> None:
    for layer, place in ((2, 0), (0, 9), (-1, 0)):
        with pytest.raises(UsageError, match="There is no"):
            look_inside(bundle.model, IDS, layer=layer, place=place)
    with pytest.raises(UsageError, match="decoders"):
        look_inside(SimpleNamespace(), IDS, layer=0, place=0)
