"""Packing: nothing cut, nothing lost, nothing learned that the assistant did not say."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.core.example import Example
from groundup.finetune.chat import ChatBatches, answer_loss, batch_of, mixture, pack_examples, shown
from groundup.finetune.conversations import IGNORE, Conversation, best_fit, pack
from groundup.finetune.data import Reading
from groundup.model import bundle
from tests.finetune.conftest import turns


@given(st.lists(st.integers(1, 20), max_size=60))
def test_best_fit_uses_each_once_and_overfills_none(lengths):
    rows = best_fit(lengths, 20)
    assert sorted(item for row in rows for item in row) == list(range(len(lengths)))
    assert all(sum(lengths[item] for item in row) <= 20 for row in rows)
    # Two rows never both fit into one: best-fit would have joined them.
    sums = sorted(sum(lengths[item] for item in row) for row in rows)
    assert len(sums) < 2 or sums[0] + sums[1] > 20


@given(st.lists(st.integers(2, 25), max_size=30))
def test_every_conversation_that_fits_is_whole_in_one_row(lengths):
    made = [Conversation([100 + n] * length, [False] + [True] * (length - 1)) for n, length in enumerate(lengths)]
    packed = pack(made, 20, pad_id=1)
    assert packed.num_too_long == sum(length > 20 for length in lengths)
    found = sorted(
        tuple(packed.ids_RL[row][packed.documents_RL[row] == number])
        for row in range(packed.num_rows)
        for number in range(packed.documents_RL[row].max() + 1)
    )
    assert found == sorted(tuple(one.ids) for one in made if len(one.ids) <= 20)
    assert packed.num_learned == sum(length - 1 for length in lengths if length <= 20)
    assert not packed.learn_RL[packed.documents_RL < 0].any()


def test_only_what_the_assistant_says_is_learned(tokenizer):
    example = Example("chat", messages=[{"role": "system", "content": "S"}, *turns("ab", "cd", "ef", "gh")])
    packed, _ = pack_examples([example, example], tokenizer, 40, template=None)
    batch = batch_of(packed, [0])
    end = tokenizer.special["<|end|>"]
    wanted = [*tokenizer.encode("cd"), end, *tokenizer.encode("gh"), end] * 2
    assert batch["targets_BT"][batch["targets_BT"] != IGNORE].tolist() == wanted
    # Every learned target is the token to the right of its input.
    learned = batch["targets_BT"][0, :-1] != IGNORE
    assert (batch["targets_BT"][0, :-1][learned] == batch["ids_BT"][0, 1:][learned]).all()
    pieces = shown(example, tokenizer)["pieces"]
    assert [piece["text"] for piece in pieces if piece["learned"]] == ["cd<|end|>", "gh<|end|>"]


def test_neighbours_in_a_row_do_not_change_the_loss(model_folder, tokenizer):
    opened = bundle.load(model_folder, device="cpu")
    made = [Example("chat", messages=turns(f"q{n}", f"answer {n}")) for n in range(6)]
    packed, _ = pack_examples(made, tokenizer, 65)
    assert packed.num_rows < 6
    alone = [answer_loss(opened.model, pack_examples([one], tokenizer, 65)[0]) for one in made]
    assert np.isclose(answer_loss(opened.model, packed), np.mean(alone), atol=1e-5)  # equally long answers


def test_batches_resume_where_they_were_and_show_every_row_each_epoch(tokenizer, examples):
    packed, _ = pack_examples(examples, tokenizer, 65)
    whole = ChatBatches(packed, 3, seed=1)
    first = [whole.next() for _ in range(30)]
    for place in (0, 4, 13, 29):
        other = ChatBatches(packed, 3, seed=1)
        for _ in range(place):
            other.next()
        resumed = ChatBatches(packed, 3, seed=1)
        resumed.restore(other.state())
        assert torch.equal(resumed.next()["ids_BT"], first[place]["ids_BT"])
    rows = torch.cat([batch["ids_BT"] for batch in first])[: packed.num_rows]
    assert len({tuple(row.tolist()) for row in rows}) == packed.num_rows


def test_weights_repeat_and_thin_out(examples):
    readings = [Reading("a:b", examples[:40]), Reading("c:d", examples[40:60])]
    mixed = mixture(readings, {"a:b": 0.5, "c:d": 2.0}, seed=1)
    ids = [example.id for example in mixed]
    assert len({one.id for one in examples[:40]} & set(ids)) == 20
    assert all(ids.count(one.id) == 2 for one in examples[40:60])
    assert mixed == mixture(readings, {"a:b": 0.5, "c:d": 2.0}, seed=1)
