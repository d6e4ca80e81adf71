"""Going on from a model: it begins with its weights, sees old rows as often as asked, and says what it forgot."""

import pytest
import torch

from groundup.budget import config_of
from groundup.core.errors import ArtifactError, Interrupted, RecipeError
from groundup.core.stage import carry_out
from groundup.model import bundle
from groundup.model.options import ModelOptions
from groundup.pretrain.batches import PackedBatches
from groundup.pretrain.options import PretrainOptions, PretrainStage
from groundup.pretrain.replay import WithReplay
from groundup.pretrain.stage import run
from groundup.stages import recipe_from_text
from groundup.tokenizer import Tokenizer
from tests.pretrain.test_batches import Shards
from tests.pretrain.test_stage import OPTIONS, TRAINING, context, tokens

__all__ = ["tokens"]  # a fixture


def old_and_new(share, batch_size=4):
    new, old = Shards([9, 14, 30, 12, 17, 15, 8, 40]), Shards([9, 14, 30, 12, 17, 15, 8, 40])
    old.tokens = old.tokens + 500
    how = {"batch_size": batch_size, "context_length": 10, "seed": 1}
    return WithReplay(PackedBatches(new, **how), PackedBatches(old, **how), share)


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_old_rows_come_as_often_as_asked(share):
    batches = old_and_new(share)
    rows = torch.cat([batches.next()["ids_BT"] for _ in range(200)])
    assert (rows[:, 0] >= 500).float().mean().item() == pytest.approx(share, abs=0.005)


def test_a_restored_place_gives_the_very_next_batches():
    one, two = old_and_new(0.3), old_and_new(0.3)
    for _ in range(5):
        one.next()
    two.restore(one.state())
    for _ in range(10):
        assert torch.equal(one.next()["ids_BT"], two.next()["ids_BT"])


@pytest.fixture(scope="module")
def base(tokens, tmp_path_factory):
    folder = tmp_path_factory.mktemp("old") / "4_pretrain"
    carry_out("pretrain", 1, run, OPTIONS, {"tokenizer": tokens}, folder, context())
    return folder


def going_on(base, tokens, **changes):
    training = {**TRAINING, "start": base.parent, "replay": {"from": tokens, "share": 0.3}, **changes}
    return PretrainStage(pretrain=PretrainOptions(**training))


def test_it_begins_where_the_model_ended_and_tells_what_was_forgotten(base, tokens, tmp_path):
    options = going_on(base, tokens, learning_rate=1e-9, matrix_learning_rate=1e-9)
    manifest, _ = carry_out("pretrain", 1, run, options, {"tokenizer": tokens}, tmp_path / "4", context())
    before, after = (bundle.load(folder / "model", "cpu").model for folder in (base, tmp_path / "4"))
    for name, tensor in before.state_dict().items():
        torch.testing.assert_close(after.state_dict()[name], tensor, atol=1e-5, rtol=0)
    found = manifest.counts["validation"]
    assert found["replayed_bits_per_byte"] == pytest.approx(found["bits_per_byte"], abs=1e-6)  # the same text here


def test_stopped_and_continued_it_ends_in_the_same_bits(base, tokens, tmp_path):
    options, looks = going_on(base, tokens, checkpoint_every_steps=2), []
    carry_out("pretrain", 1, run, options, {"tokenizer": tokens}, tmp_path / "one", context())

    def stop():
        looks.append(1)
        return len(looks) > 6

    with pytest.raises(Interrupted):
        carry_out("pretrain", 1, run, options, {"tokenizer": tokens}, tmp_path / "two", context(stop=stop))
    carry_out("pretrain", 1, run, options, {"tokenizer": tokens}, tmp_path / "two", context())
    one, two = (bundle.load(tmp_path / name / "model", "cpu").model.state_dict() for name in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_longer_context_is_the_recipes_to_choose(base, tokens, tmp_path):
    options = going_on(base, tokens, steps=2).model_copy(update={"model": ModelOptions(context_length=48)})
    carry_out("pretrain", 1, run, options, {"tokenizer": tokens}, tmp_path / "4", context())
    assert bundle.load_config(tmp_path / "4" / "model").context_length == 48


def test_another_tokenizer_is_refused(base, tokens, tmp_path):
    import shutil

    folder = tmp_path / "3"
    shutil.copytree(tokens, folder)
    texts = ["one two three four five six seven eight nine ten"] * 20
    Tokenizer.train(texts, kind="bpe", vocabulary_size=300).save(folder / "tokenizer")
    with pytest.raises(RecipeError, match="another tokenizer"):
        carry_out("pretrain", 1, run, going_on(base, tokens), {"tokenizer": folder}, tmp_path / "4", context())


def test_replay_without_tokens_is_refused(base, tokens, tmp_path):
    options = going_on(base, tokens, replay={"from": tmp_path})
    with pytest.raises(ArtifactError, match="holds no tokens"):
        carry_out("pretrain", 1, run, options, {"tokenizer": tokens}, tmp_path / "4", context())


def test_what_does_not_go_together_is_refused(base):
    with pytest.raises(ValueError, match="needs 'start'"):
        PretrainOptions(replay={"from": base})
    with pytest.raises(ValueError, match="leave out of \\[model\\]: depth"):
        PretrainStage(pretrain=PretrainOptions(start=base), model=ModelOptions(depth=4))


def test_a_recipe_that_goes_on_takes_the_models_tokenizer(base):
    recipe = recipe_from_text(
        f'name = "more"\n[collect.stories]\nfrom = "samples:stories"\n[pretrain]\nstart = "{base.parent}"\n'
    )
    assert recipe.tokenizer.from_ == base / "model"
    assert config_of(recipe) == bundle.load_config(base / "model")
